"""The story of a proof at a counter: a card or paper → its issuer → an officer compares the face → a level (R3, R6).

One officer proves a person whose card is good. What is weaker takes a second one: a card that has run out, a face that
a colleague saw at the bedside, a way back into an account (`four_eyes`). Nobody proves themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import NotAllowed
from idp import alerts, desk_cases, desk_phone, four_eyes, papers, readings, signing_out, subjects, visits
from idp.abuse import staff
from idp.assurance import Ial
from idp.desk_cases import Case, Shown
from idp.keys import KeyRing
from idp.login import removal
from idp.national_id import BANGKOK
from idp.ports import Card, CardStatus, CardStatusUnavailable, RegistryPerson
from idp.proofing import cases
from idp.proofing.adjudicate import Verdict, adjudicate
from idp.proofing.by_thaid import TYPED
from idp.proofing.evidence import Evidence
from idp.proofing.sources import in_person
from idp.readings import Desk
from idp.settings import Settings
from idp.subjects import Subject

NO_WAY = ("facility_licence", "staff_level", "deceased", "account_closed", "own_card")
OLD_CARD = "card_expired"
NAMES = tuple(f"{part}_{tongue}" for tongue in ("th", "en") for part in ("title", "given_name", "family_name"))


def ask_issuer(issuer: CardStatus, card: Card) -> str:
    """What the issuer says of this card by its chip (R3), asked with no transaction open; `not_asked` without one."""
    if not (card.chip_number and card.request_number):
        return "not_asked"
    told = {"national_id": card.national_id, "chip_number": card.chip_number, "request_number": card.request_number}
    try:
        return issuer.by_chip(**told)
    except CardStatusUnavailable:
        return "unavailable"


def begin_with_card(
    session: Session,
    ring: KeyRing,
    reading_id: UUID,
    *,
    person: RegistryPerson | None,
    desk: Desk,
    issuer_said: str,
    now: datetime,
) -> UUID:
    """Go on with a card that was read: `issuer_said` is the issuer's answer about it, asked before. A case begins.

    A card that has run out is a paper like another: an officer and a colleague look at it. Raises: NotFound for a card
    that is not on this desk any more; NotAllowed with a code of `NO_WAY`.
    """
    read = readings.look(session, ring, reading_id, desk=desk, person=person, now=now)
    if read.refusal in NO_WAY:
        raise NotAllowed("Nobody can be proved by this card.", code=str(read.refusal))
    said = "read_by_eye" if read.refusal == OLD_CARD else issuer_said
    readings.drop(session, reading_id)
    return desk_cases.begin(session, ring, desk_cases.of_card(read.card), desk=desk, chip=said, now=now)


def begin_with_paper(session: Session, ring: KeyRing, shown: Shown, *, desk: Desk, now: datetime) -> UUID:
    """Go on with a paper that an officer read by eye. Raises: NotAllowed: a code of `NO_WAY`, or it has run out."""
    why = barred(session, ring, shown, person=None, desk=desk, now=now)
    if why is not None:
        raise NotAllowed("Nobody can be proved by this paper.", code=why)
    return desk_cases.begin(session, ring, shown, desk=desk, chip="read_by_eye", now=now)


def barred(
    session: Session, ring: KeyRing, shown: Shown, *, person: RegistryPerson | None, desk: Desk, now: datetime
) -> str | None:
    """Why nobody can be proved by this here, as a code, or None. `person` is the register's entry, when asked."""
    known = owner(session, ring, shown)
    witness = subjects.get(session, desk.person_id)
    level = subjects.level(witness.ial, witness.ial_expires_at, now)
    registered = "active" if person is None or person.status == "alive" else "deceased"
    return readings.refusal(
        shown,
        status=registered if known is None else known.status,
        own=known is not None and known.id == desk.person_id,
        licensed=desk.place.licensed_at(now),
        witness=visits.may_treat(visits.PURPOSE, desk.aal, level),
        today=now.astimezone(BANGKOK).date(),
    )


def owner(session: Session, ring: KeyRing, shown: Shown) -> Subject | None:
    """Whose account the card or paper names, if there is one."""
    if shown.national_id is not None:
        return subjects.find_by_national_id(session, ring, shown.national_id)
    return papers.find(session, ring, shown.paper, issuer=shown.issuer, number=shown.number)


def needs_colleague(case: Case) -> str | None:
    """PURE: the act that a second member of staff signs before this officer may say that the face matches, or None.

    Whatever no machine read: a card that has run out, and every paper. Anybody can type a number, so one officer alone
    would make people as strong as a chip does.
    """
    return "expired_card" if case.chip == "read_by_eye" else None


def compare(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    case: Case,
    *,
    result: str,
    person: RegistryPerson | None,
    desk: Desk,
    now: datetime,
) -> Verdict | None:
    """The officer has compared the face: `result` is match, no_match, or colleague (a bedside, countersigned).

    A match proves the account, which is made if there is none; another face is kept against the card. An account that
    was only ever typed is handed back first: its ways in go. Pressing twice counts once: None. Raises: NotAllowed with
    a code of `NO_WAY`, "refused_card" where its issuer said no, or "second_person" where a colleague has not signed.
    """
    colleague = _let(session, ring, case, result=result, person=person, desk=desk, now=now)
    if not desk_cases.settle(session, case.id, "face", result, now=now):
        return None
    desk_cases.forget_photo(session, ring, case)
    if result == "no_match":
        _against(session, ring, case, desk=desk, now=now)
        return None
    subject = _account(session, ring, case.shown, person, now=now)
    _hand_back(session, ring, settings, subject.id, now=now)
    officer = colleague if result == "colleague" else desk.person_id
    seen = evidence_of(case, officer=officer, hcode=desk.place.hcode, now=now)
    actor = Actor.staff(desk.person_id)
    verdict = cases.record(session, ring, subject_id=subject.id, evidence=seen, actor=actor, now=now)
    if any(one.method == "card_chip" for one in seen):
        _take_names(session, ring, subject.id, case.shown)
    desk_cases.reached(session, case.id, subject_id=subject.id, ial=verdict.ial.value)
    if any(one.method == "vouch" for one in seen):
        _vouched(session, subject.id, verdict, desk=desk, now=now)
    if case.chip == "read_by_eye":
        both, house = (desk.person_id, colleague), desk.place.legal_entity_id
        staff.seen_by_eye(session, ring, both, recipient_id=house, codes=desk.codes, now=now)
    return verdict


def _hand_back(session: Session, ring: KeyRing, settings: Settings, subject_id: UUID, *, now: datetime) -> None:
    """Whoever had a phone and a picture of the card could have opened an account that was only ever typed.

    So what they set up opens it no longer: sessions and grants end; PIN, app, passkeys, codes, LINE and phone go, and
    the old phone is told. The person at the counter sets up their own.
    """
    if not {one.method for one in cases.evidence_of(session, subject_id)} <= TYPED:
        return
    alerts.tell(session, ring, subject_id=subject_id, kind="account_superseded", now=now)
    signing_out.since(session, ring, settings, subject_id=subject_id, since=removal.EVER, now=now)
    removal.everything(session, subject_id, now=now)
    desk_phone.forget(session, ring, subject_id)


def _let(
    session: Session,
    ring: KeyRing,
    case: Case,
    *,
    result: str,
    person: RegistryPerson | None,
    desk: Desk,
    now: datetime,
) -> UUID | None:
    """Refuse what may not be said here, whatever page it comes from; the colleague who signed, where one has to."""
    if case.chip in desk_cases.LASTS["chip"]:
        raise NotAllowed("Nobody can be proved by this card.", code="refused_card")
    if result == "no_match":  # it proves nothing: whatever the card, and whoever looks
        return None
    act = "bedside" if result == "colleague" else needs_colleague(case)
    colleague = None if act is None else four_eyes.take(session, case.id, act, asked_by=desk.person_id, now=now)
    if act is not None and colleague is None:
        raise NotAllowed("A colleague has to sign this.", code="second_person")
    why = barred(session, ring, case.shown, person=person, desk=desk, now=now)
    if why is not None and not (why == OLD_CARD and act == "expired_card"):
        raise NotAllowed("Nobody can be proved by this here.", code=why)
    return colleague


def evidence_of(case: Case, *, officer: UUID | None, hcode: str, now: datetime) -> Sequence[Evidence]:
    """PURE: what a match in this case is evidence of (THAI.md 3b): a chip, its issuer's word, a face; or a paper."""
    ends = until(case.shown.expires_on)
    face = Evidence("face", f"hcode:{hcode}", now, expires_at=ends, checked_by=officer)
    if case.shown.paper != "card":
        return [*in_person.evidence(case.shown, officer=officer, hcode=hcode, now=now), face]
    if case.chip == "read_by_eye":
        return in_person.of_old_card(officer=officer, hcode=hcode, now=now)
    chip = Evidence("card_chip", f"hcode:{hcode}", now, expires_at=ends)
    said = [Evidence("card_status", "issuer", now, expires_at=ends)] if case.chip == "good" else []
    return [chip, *said, face]


def until(expires_on: date | None) -> datetime | None:
    """PURE: the end of a card's last day in Bangkok; None for one that never ends."""
    if expires_on is None:
        return None
    return datetime.combine(expires_on + timedelta(days=1), time(), tzinfo=BANGKOK).astimezone(UTC)


def shown_now(case: Case, *, desk: Desk, now: datetime) -> Ial:
    """PURE: the level that this act reaches alone, whatever the account had before: what a recovery counts by."""
    seen = evidence_of(case, officer=desk.person_id, hcode=desk.place.hcode, now=now)
    return adjudicate([replace(one, act=case.id) for one in seen], now).ial


def _against(session: Session, ring: KeyRing, case: Case, *, desk: Desk, now: datetime) -> None:
    """Another face: what stands on this card proves nobody until its holder was seen. Without an account, an entry."""
    known = owner(session, ring, case.shown)
    actor = Actor.staff(desk.person_id)
    if known is not None and known.status == "active":
        other = Evidence("face", f"hcode:{desk.place.hcode}", now, finding="mismatch", checked_by=desk.person_id)
        cases.record(session, ring, subject_id=known.id, evidence=[other], actor=actor, now=now)
        return
    log.append(
        session,
        "proofing.failed",
        now=now,
        actor=actor,
        subject_id=None,
        recipient_id=desk.place.legal_entity_id,
        codes=("face:mismatch", *desk.codes),
        outcome="failed",
    )


def _vouched(session: Session, subject_id: UUID, verdict: Verdict, *, desk: Desk, now: datetime) -> None:
    log.append(
        session,
        "proofing.vouched_by_staff",
        now=now,
        actor=Actor.staff(desk.person_id),
        subject_id=subject_id,
        recipient_id=desk.place.legal_entity_id,
        codes=desk.codes,
        ial=verdict.ial.value,
    )


def _take_names(session: Session, ring: KeyRing, subject_id: UUID, shown: Shown) -> None:
    """A chip whose holder was seen says what the person is called now: after a marriage, the new card's name holds."""
    held = subjects.profile(session, ring, subject_id)
    if all(getattr(shown, part) == getattr(held, part) for part in NAMES):
        return
    person = replace(
        shown.person(), birth_date=held.birth_date, email=held.email, address=held.address, gender=held.gender
    )
    subjects.rewrite(session, ring, subject_id, person)


def _account(session: Session, ring: KeyRing, shown: Shown, person: RegistryPerson | None, *, now: datetime) -> Subject:
    known = owner(session, ring, shown)
    if known is not None:
        return known
    if shown.national_id is not None:
        return subjects.create(session, ring, shown.national_id, person or shown.person(), now=now)
    told = {"kind": shown.paper, "issuer": shown.issuer, "number": shown.number}
    return papers.create(session, ring, shown.person(), **told, now=now)
