"""A consent that was signed on paper at the counter: an officer saw the card and the hand, and enters it with a scan.

It rests on an open visit, whose card proved who stands there (catalogue rule 4). The record says that an officer acted,
names the paper by its SHA-256, and the person is told at once: nobody finds a consent of theirs that they never gave.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent import notices, purposes, records
from consent.choices import OFFICER
from consent.errors import NotAllowed
from consent.family import links
from consent.family.links import Link
from consent.family.rules import Needed
from consent.models import ConsentRecord
from consent.notices import Notice
from consent.purposes import Purpose
from consent.records import Choice, Key
from idp import alerts, directory, family, paper_scans, subjects
from idp.assurance import Aal, Ial
from idp.directory import Affiliation
from idp.keys import KeyRing
from idp.readings import Desk
from idp.scans import Scan
from idp.visits import Visit

CHANNEL, TOLD = "paper", "consent_on_paper"
LIVES = ("visit", "year")


@dataclass(frozen=True)
class Sheet:
    """What the paper must say, who must sign it, and why this officer cannot enter it (a code), if so."""

    purpose: Purpose
    notice: Notice
    needed: Needed
    beside: tuple[Link, ...]
    refusal: str | None


def offered(session: Session, place: Affiliation, *, now: datetime) -> list[Purpose]:
    """The purposes that this place may be given on paper: asked, witnessed at a counter, and within its kind."""
    recipient = directory.recipient_of(session, place.legal_entity_id, now=now)
    kinds = purposes.kinds_of(recipient.kind, own_app=recipient.own_app)
    rows = [one for one in purposes.all() if one.witnessed_at_counter and one.asks]
    asked = [one for one in rows if purposes.is_asked(_basis(one, own_app=recipient.own_app))]
    return [one for one in asked if purposes.may_receive(one, kinds)]


def sheet(
    session: Session, ring: KeyRing, visit: Visit, purpose: Purpose, *, desk: Desk, locale: str, now: datetime
) -> Sheet:
    """The notice of this purpose here, word for word as it is printed, and who signs below it."""
    recipient = directory.recipient_of(session, desk.place.legal_entity_id, now=now)
    text = notices.current(
        session,
        purpose.code,
        locale=locale,
        recipient_name=recipient.name(locale),
        categories=purpose.data_categories,
    )
    needed = family.who(session, ring, visit.subject_id, now=now)
    beside = tuple(links.of_ward(session, visit.subject_id, now=now)) if needed is not Needed.self_alone else ()
    why = refusal(
        own=visit.subject_id == desk.person_id,
        running=visit.runs_at(now),
        licensed=desk.place.licensed_at(now),
        witness=may_witness(purpose, desk.aal, subjects.level_now(session, desk.person_id, now=now)),
        offered=purpose in offered(session, desk.place, now=now),
        signer=needed is Needed.self_alone or bool(beside),
    )
    return Sheet(purpose, text, needed, beside, why)


def enter(
    session: Session,
    ring: KeyRing,
    visit: Visit,
    purpose: Purpose,
    *,
    scan: Scan,
    signer: UUID | None,
    life: str,
    desk: Desk,
    locale: str,
    now: datetime,
) -> ConsentRecord:
    """Write the consent and keep the paper, both or neither; the person is told. Appends consent.given.

    `signer` is the guardianship under which somebody signed for the person, or beside them; `life` is one of `LIVES`.
    Raises: NotAllowed with the code of `refusal`, or `signer`, `life`; else as `records.give`.
    """
    drawn = sheet(session, ring, visit, purpose, desk=desk, locale=locale, now=now)
    link = next((one for one in drawn.beside if one.id == signer), None)
    rules = (
        (drawn.refusal or "", drawn.refusal is None),
        ("own_paper", link is None or link.guardian_id != desk.person_id),  # nobody witnesses their own signature
        ("signer", (link is None) == (drawn.needed is Needed.self_alone)),
        ("life", life in LIVES),
    )
    for code, kept in rules:
        if not kept:
            raise NotAllowed("This paper cannot be entered.", detail=f"{code=}", code=code)
    choice = _choice(session, visit, drawn, desk=desk, link=link, scan=scan, life=life, now=now)
    record = records.give(session, choice, now=now)
    paper_scans.keep(
        session,
        ring,
        scan,
        record_id=record.id,
        subject_id=visit.subject_id,
        entered_by=desk.person_id,
        hcode=desk.place.hcode,
        signer="self" if link is None else link.kind,
        now=now,
    )
    for person in {visit.subject_id, *([] if link is None else [link.guardian_id])}:
        alerts.tell(session, ring, subject_id=person, kind=TOLD, now=now)
    return record


def refusal(*, own: bool, running: bool, licensed: bool, witness: bool, offered: bool, signer: bool) -> str | None:
    """PURE: why no paper can be entered here, as a code, or None."""
    against = (
        ("visit_over", not running),
        ("own_paper", own),
        ("facility_licence", not licensed),
        ("staff_level", not witness),
        ("not_offered", not offered),
        ("no_guardian", not signer),
    )
    return next((code for code, true in against if true), None)


def may_witness(purpose: Purpose, aal: Aal, ial: Ial) -> bool:
    """PURE: whether an officer at these levels may witness a signature for this purpose (rule 4)."""
    return purposes.reaches(aal.value, purpose.staff_aal) and purposes.reaches(ial.value, purpose.staff_ial)


def _basis(purpose: Purpose, *, own_app: bool) -> str:
    return purposes.basis_for(purpose, own_app=own_app, facility=True)


def _choice(
    session: Session,
    visit: Visit,
    drawn: Sheet,
    *,
    desk: Desk,
    link: Link | None,
    scan: Scan,
    life: str,
    now: datetime,
) -> Choice:
    purpose, this_visit = drawn.purpose, life == "visit" and drawn.purpose.per_visit
    recipient = directory.recipient_of(session, desk.place.legal_entity_id, now=now)
    hands: dict[str, Any] = {}
    if link is not None:
        hands = {"guardianship_id": link.id, "co_actor_id": link.guardian_id, "co_capacity": link.kind}
        hands |= {"co_signed_at": now, "not_after": link.ends_at}
    return Choice(
        key=Key(visit.subject_id, recipient.id, "any", purpose.code),
        client_id="",
        actor_id=desk.person_id,
        actor_kind="staff",
        notice=drawn.notice,
        scopes=(*purpose.scopes, *purpose.staff_scopes),
        categories=purpose.data_categories,
        basis=_basis(purpose, own_app=recipient.own_app),
        explicit=True,
        aal="",  # nobody signed in: a card, a hand, and a witness
        ial=visit.ial,
        channel=CHANNEL,
        lives_for=purpose.max_life if purpose.per_visit and not this_visit else None,
        capacity=OFFICER,
        visit_id=visit.id if this_visit else None,
        evidence=scan.sha256,
        witness=(desk.aal.value, subjects.level_now(session, desk.person_id, now=now).value),
        **hands,
    )
