"""One posted national ID in one browser and one flow: what `codes` writes, and what a guess is held against."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id

DIGITS = 6


class Challenge(Base):
    """One posted national ID in one browser and one flow. `code_hash` stays empty unless the worker found a phone."""

    __tablename__ = "challenge"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'resolved')", name="state"),
        CheckConstraint("tries_left >= 0", name="tries"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    fingerprint: Mapped[Plain] = mapped_column(index=True)
    browser_hash: Mapped[Plain] = mapped_column(index=True)
    interaction_hash: Mapped[Plain]
    ref: Mapped[Plain]
    locale: Mapped[Plain]
    service: Mapped[Plain]
    digits: Mapped[int] = mapped_column(server_default=str(DIGITS))
    device_hash: Mapped[Plain | None]  # set only when the person is known by this device
    hurdle: Mapped[Plain | None]  # why another proof was asked for instead of a code (`abuse.volume`)
    network: Mapped[Plain | None]  # the network that asked, keyed; none for a registered facility's
    route: Mapped[Plain | None]  # the range of phones that the code went to, keyed
    asked: Mapped[Sealed]  # the number, under the server's key: no person is known yet
    code_hash: Mapped[Plain | None]
    tries_left: Mapped[int]
    state: Mapped[Plain]
    snapshot: Mapped[Sealed | None]
    subject_id: Mapped[UUID | None] = mapped_column(ForeignKey("subject.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    next_send_at: Mapped[datetime]
    quiet_until: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


def hashed(secret: str) -> str:
    """What is stored of a browser's own random value."""
    return hashlib.sha256(secret.encode()).hexdigest()
