"""What a sign-in at ThaID means here (THAI.md 3b R4): a level for whose account it is, an account for who had none.

The number decides whose it is. Somebody who is signed in here proves their own account and no other; somebody who is
not finds the account that their number was proved for, or opens it. A provisional account gives way to a proved one.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from idp import subjects
from idp.assurance import Ial
from idp.keys import KeyRing
from idp.national_id import BANGKOK, age_on
from idp.ports import IdPolicy, RegistryPerson, UpstreamRefused, UpstreamUnavailable
from idp.proofing import cases
from idp.proofing.evidence import Evidence
from idp.providers import Thaid, ThaidPerson
from idp.subjects import NationalId, Profile, Subject

OF_AGE = 20  # Civil and Commercial Code s.19, until guardians are built
SOURCE = "thaid"
NAMES = ("title_th", "given_name_th", "family_name_th", "title_en", "given_name_en", "family_name_en")
HELD = (*NAMES, "birth_date", "gender", "phone", "email", "address")
Problem = Literal["unavailable", "failed"]
TYPED = frozenset({"phone", "card_data"})  # what anybody can type who has a phone and a picture of the card
Found = Literal["proved", "other_person", "too_young", "card_expired", "closed", "not_served", "phone_first"]


@dataclass(frozen=True)
class Outcome:
    """What came of it. `subject_id`: whose account is proved now."""

    found: Found
    subject_id: UUID | None = None


@dataclass(frozen=True)
class Unproved:
    """ThaID said nothing that can be believed: why, for the person; and the check that failed, for the log."""

    problem: Problem
    code: str


def ask(thaid: Thaid, code: str, *, nonce: str, redirect_uri: str, now: datetime) -> ThaidPerson | Unproved:
    """Whom the code stands for. Outside any transaction."""
    try:
        return thaid.redeem(code, nonce=nonce, redirect_uri=redirect_uri, now=now)
    except UpstreamUnavailable as failure:
        return Unproved("unavailable", failure.code)
    except UpstreamRefused as refusal:
        return Unproved("failed", refusal.code)


def prove(
    session: Session,
    ring: KeyRing,
    person: ThaidPerson,
    *,
    subject_id: UUID | None,
    policy: IdPolicy,
    locale: str,
    now: datetime,
) -> Outcome:
    """Record what ThaID proved, for the account of `subject_id` or, with None, for whose number it is.

    The outcome is kept whatever it is; only "proved" changed an account. Raises: as `cases.record`.
    """
    if not policy.allows(person.national_id):
        return Outcome("not_served")
    if subject_id is not None and not _holds(session, ring, subject_id, person.national_id):
        _note_other_person(session, subject_id, now=now)
        return Outcome("other_person")
    owner = subjects.find_by_national_id(session, ring, person.national_id)
    if owner is None and subject_id is not None:
        owner = subjects.get(session, subject_id)
    held = subjects.profile(session, ring, owner.id) if owner else None
    refusal = _refusal(person, owner, held, now=now) or _held_by_typing(session, owner, here=subject_id)
    if refusal is not None:
        return Outcome(refusal)
    if owner is None or held is None:
        owner = subjects.create(session, ring, person.national_id, as_told(person), now=now, locale=locale)
    else:
        _write_facts(session, ring, owner.id, person, held)
    evidence = evidence_of(person, now=now)
    cases.record(session, ring, subject_id=owner.id, evidence=[evidence], actor=Actor.citizen(owner.id), now=now)
    return Outcome("proved", owner.id)


def _refusal(person: ThaidPerson, owner: Subject | None, held: Profile | None, *, now: datetime) -> Found | None:
    """PURE: why this person gets no further. An unknown age is no age of majority: they are helped at a counter."""
    if owner is not None and owner.status != "active":
        return "closed"
    if has_run_out(person, now=now):
        return "card_expired"
    age = age_on(person.birth_date or (held.birth_date if held else ""), now)
    return None if age is not None and age >= OF_AGE else "too_young"


def _held_by_typing(session: Session, owner: Subject | None, *, here: UUID | None) -> Found | None:
    """Why the account of this number is not lifted from outside it: only a phone and a card's data were ever typed.

    Whoever typed them may have been somebody else; what they set up would open it at the level that ThaID states. So
    its own phone comes first, in this browser, or a counter.
    """
    if owner is None or owner.id == here:
        return None
    shown = {one.method for one in cases.evidence_of(session, owner.id)}
    return "phone_first" if shown <= TYPED else None


def _note_other_person(session: Session, subject_id: UUID, *, now: datetime) -> None:
    log.append(
        session,
        "proofing.failed",
        now=now,
        actor=Actor.citizen(subject_id),
        subject_id=subject_id,
        codes=("thaid:other_person",),
        outcome="failed",
        reason="other_person",
    )


def evidence_of(person: ThaidPerson, *, now: datetime) -> Evidence:
    """PURE: at the level that ThaID states, until the card's last day is over in Bangkok; a year at most (R4)."""
    end = None
    if person.expires_on is not None:
        end = datetime.combine(person.expires_on, time.max, tzinfo=BANGKOK)
    return Evidence("thaid", SOURCE, now, expires_at=end, stated=Ial(person.ial), check_id=person.check_id)


def has_run_out(person: ThaidPerson, *, now: datetime) -> bool:
    """PURE: whether the card behind the application was good until a day that is over."""
    return person.expires_on is not None and person.expires_on < now.astimezone(BANGKOK).date()


def as_told(person: ThaidPerson) -> RegistryPerson:
    """PURE: the account that ThaID's own attributes open; its level comes with the evidence, not with the row."""
    return RegistryPerson(
        title_th=person.title_th,
        given_name_th=person.given_name_th,
        family_name_th=person.family_name_th,
        title_en=person.title_en,
        given_name_en=person.given_name_en,
        family_name_en=person.family_name_en,
        birth_date=person.birth_date,
        gender=person.gender,
        phone="",
        address=person.address,
        attested_ial=Ial.IAL1_1.value,
    )


def _holds(session: Session, ring: KeyRing, subject_id: UUID, national_id: str) -> bool:
    """Whether the number is the account's, proved or not."""
    mark = ring.fingerprint(national_id)
    owned = select(NationalId.id).where(NationalId.subject_id == subject_id, NationalId.fingerprint == mark)
    return session.scalar(owned) is not None


def _write_facts(session: Session, ring: KeyRing, owner: UUID, person: ThaidPerson, held: Profile) -> None:
    """The names of today, and what was not known; nothing that ThaID leaves out is lost."""
    told = {name: value for name, value in asdict(as_told(person)).items() if value and name in HELD}
    if told.get("gender") == "unknown":
        del told["gender"]
    if told.get("given_name_th"):  # a name is one thing: a family name that is gone must not stay
        told |= {name: getattr(person, name) for name in NAMES}
    known = {name: getattr(held, name) for name in HELD}
    if known | told == known:
        return
    merged = RegistryPerson(**(known | told), attested_ial=Ial.IAL1_1.value)
    subjects.rewrite(session, ring, owner, merged)
