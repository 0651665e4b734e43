"""A phone that was typed with a number, for as long as its code is under way. Nothing here asks whose either is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from idp.keys import KeyRing
from idp.proofing.models import PhoneClaim


def keep(session: Session, ring: KeyRing, challenge_id: UUID, phone: str, *, expires_at: datetime) -> None:
    """The code of this challenge goes to this phone (E.164), whatever a register says."""
    sealed = ring.seal(phone, place=_place(challenge_id))
    session.add(PhoneClaim(challenge_id=challenge_id, phone=sealed, expires_at=expires_at))
    session.flush()


def of(session: Session, ring: KeyRing, challenge_id: UUID) -> str | None:
    """The phone that was typed, or None: the code goes where the authority says."""
    row = session.get(PhoneClaim, challenge_id)
    return None if row is None else ring.open(row.phone, place=_place(challenge_id))


def follow(session: Session, ring: KeyRing, old_id: UUID, new_id: UUID, *, expires_at: datetime) -> None:
    """A new code was asked for: it goes to the same phone."""
    phone = of(session, ring, old_id)
    if phone is not None:
        keep(session, ring, new_id, phone, expires_at=expires_at)


def purge(session: Session, *, now: datetime) -> int:
    """Forget phones whose codes are too old to be used, a day later as their challenges go; how many."""
    gone: Any = session.execute(delete(PhoneClaim).where(PhoneClaim.expires_at < now))
    return int(gone.rowcount)


def _place(challenge_id: UUID) -> str:
    return f"phone_claim:{challenge_id}"
