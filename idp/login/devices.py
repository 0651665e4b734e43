"""The devices that a person has signed in on before (ASVS 6.3.5): known by a random mark in a cookie of their own.

What is kept is keyed to mark and number together, so that two people who share a browser do not show as such here, a
copied table opens nothing, and one read tells of any number that is posted whether this browser knows it. A mark proves
nothing by itself: it only tells a known device from a new one.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, new_id
from idp.assurance import Aal
from idp.keys import KeyRing
from idp.subjects import NationalId

MARK_BYTES = 32
FORGOTTEN_AFTER = timedelta(days=400)  # a cookie's longest life in today's browsers


class KnownDevice(Base):
    """A browser in which this person signed in. `aal` is the strongest level that was proved there."""

    __tablename__ = "known_device"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), index=True)
    mark: Mapped[Plain] = mapped_column(unique=True)
    device: Mapped[Plain]
    aal: Mapped[Plain]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


_KNOWN = select(KnownDevice.id).where(
    KnownDevice.mark == bindparam("mark"), KnownDevice.last_seen_at > bindparam("after")
)


def new_mark() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(MARK_BYTES)


def known_for(session: Session, ring: KeyRing, mark: str | None, *, fingerprint: str, now: datetime) -> bool:
    """Whether the proved owner of a number signed in on this device before: the same one read for every number."""
    found = session.scalar(_KNOWN, {"mark": _kept(ring, mark or "", fingerprint), "after": now - FORGOTTEN_AFTER})
    return found is not None


def is_known(session: Session, ring: KeyRing, mark: str | None, subject_id: UUID, *, now: datetime) -> bool:
    """Whether this person signed in on this device before."""
    return known_for(session, ring, mark, fingerprint=_number_of(session, subject_id), now=now)


def note(session: Session, ring: KeyRing, mark: str, *, subject_id: UUID, device: str, aal: Aal, now: datetime) -> bool:
    """This person signed in on the device of that mark; whether they did for the first time. The level only rises."""
    kept = _kept(ring, mark, _number_of(session, subject_id))
    here = KnownDevice.subject_id == subject_id, KnownDevice.mark == kept
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"id": new_id(), "subject_id": subject_id, "mark": kept, "device": device, "aal": aal.value}
    added = session.execute(
        insert(KnownDevice)
        .values(**row, first_seen_at=now, last_seen_at=now)
        .on_conflict_do_nothing(index_elements=["mark"])
        .returning(KnownDevice.id)
    ).one_or_none()
    if added is not None:
        return True
    known = session.execute(select(KnownDevice.aal, KnownDevice.last_seen_at).where(*here)).one()
    stale = known.last_seen_at <= now - FORGOTTEN_AFTER
    best = aal if stale else max(aal, Aal(known.aal), key=lambda level: level.rank)
    session.execute(update(KnownDevice).where(*here).values(aal=best.value, last_seen_at=now, device=device))
    return bool(stale)


def of(session: Session, subject_id: UUID, *, now: datetime) -> Sequence[KnownDevice]:
    """The person's known devices, the one used last first."""
    known = KnownDevice.subject_id == subject_id, KnownDevice.last_seen_at > now - FORGOTTEN_AFTER
    return session.scalars(select(KnownDevice).where(*known).order_by(KnownDevice.last_seen_at.desc())).all()


def forget_all(session: Session, subject_id: UUID) -> None:
    """Every device is a new one from now on: the person signed out everywhere, or said that it was not them."""
    session.execute(delete(KnownDevice).where(KnownDevice.subject_id == subject_id))


def forget_since(session: Session, subject_id: UUID, *, since: datetime) -> None:
    """Devices that were first seen at `since` or later are new ones again."""
    session.execute(delete(KnownDevice).where(KnownDevice.subject_id == subject_id, KnownDevice.first_seen_at >= since))


def purge(session: Session, *, now: datetime) -> None:
    """Forget devices that nobody came back with."""
    session.execute(delete(KnownDevice).where(KnownDevice.last_seen_at <= now - FORGOTTEN_AFTER))


def _number_of(session: Session, subject_id: UUID) -> str:
    """The proved number's fingerprint; an account that only claims a number is known by that claim."""
    number = case((NationalId.proved, NationalId.fingerprint), else_=NationalId.claim)
    return session.scalar(select(number).where(NationalId.subject_id == subject_id)) or str(subject_id)


def _kept(ring: KeyRing, mark: str, fingerprint: str) -> str:
    return ring.mac("one-time-code", "known-device", mark, fingerprint).hex()
