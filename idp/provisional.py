"""Provisional accounts: a number and a phone that were typed, and a code that came back (R1, DECISIONS 1).

Nobody has proved the number yet, so several may exist for it; none is found by the number alone, and none holds
anything of a register. The first real proof makes one of them the number's own account, and closes the others.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from idp import subjects
from idp.keys import KeyRing
from idp.ports import RegistryPerson
from idp.subjects import NationalId, Subject, e164

METHOD = "phone"
_CLAIMED = (
    select(Subject)
    .join(NationalId, NationalId.subject_id == Subject.id)
    .where(NationalId.claim == bindparam("claim"), Subject.status == "active")
)
_PROVED = select(NationalId.id).where(NationalId.subject_id == bindparam("person"), NationalId.proved)


def find(session: Session, ring: KeyRing, national_id: str, phone: str) -> Subject | None:
    """The account that was opened with this number and this phone; nobody else's."""
    return session.scalar(_CLAIMED, {"claim": claim_of(ring, national_id, phone)})


def is_provisional(session: Session, subject_id: UUID) -> bool:
    """Whether nobody has proved the number of this account yet."""
    return session.scalar(_PROVED, {"person": subject_id}) is None


def start(
    session: Session, ring: KeyRing, national_id: str, phone: str, *, now: datetime, locale: str = "th"
) -> Subject:
    """Open an account that knows a number and a phone and nothing else, or return the one that exists.

    Two processes may race: the unique claim decides. Appends account.created.
    """
    found = find(session, ring, national_id, phone)
    if found is not None:
        return found
    subject, number = subjects.rows(ring, national_id, _nobody_yet(phone), locale=locale, now=now)
    subject.ial_method, number.proved, number.claim = METHOD, False, claim_of(ring, national_id, phone)
    try:
        with session.begin_nested():
            session.add(subject)
            session.flush()
            session.add(number)
    except IntegrityError:
        existing = find(session, ring, national_id, phone)
        if existing is None:
            raise
        return existing
    log.append(
        session,
        "account.created",
        now=now,
        actor=Actor.citizen(subject.id),
        subject_id=subject.id,
        ial=subject.ial,
        reason="provisional",
    )
    return subject


def _nobody_yet(phone: str) -> RegistryPerson:
    return RegistryPerson(
        title_th="",
        given_name_th="",
        family_name_th="",
        title_en="",
        given_name_en="",
        family_name_en="",
        birth_date="",
        gender="unknown",
        phone=phone,
    )


def claim_of(ring: KeyRing, national_id: str, phone: str) -> str:
    """What a number and a phone that were typed together are found and counted by; neither gives it alone."""
    return ring.mac("fingerprint", "provisional", ring.fingerprint(national_id), e164(phone)).hex()
