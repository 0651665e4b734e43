"""The row of a sign-in, what is stored of its token, and how long each kind may live (THAI.md 3)."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain
from idp.assurance import Aal, aal_of
from idp.settings import Settings

CITIZEN, STAFF = "citizen", "staff"


class SignInSession(Base):
    """One sign-in of one person in one browser. A stronger sign-in is a new row; the old one ends."""

    __tablename__ = "sign_in_session"
    __table_args__ = (
        CheckConstraint("kind IN ('citizen', 'staff')", name="kind"),
        CheckConstraint("expires_at > created_at", name="order"),
    )

    id_hash: Mapped[Plain] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[Plain]
    factors: Mapped[Plain]
    auth_time: Mapped[datetime]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    idle_s: Mapped[int]
    ended_at: Mapped[datetime | None]
    device: Mapped[Plain]
    assignment_id: Mapped[UUID | None]  # staff: the one affiliation that is active (`affiliations`)
    shared: Mapped[bool] = mapped_column(server_default=false())  # the person said that others use this device too

    @property
    def aal(self) -> Aal:
        """The level that the proved factors add up to."""
        return level_of(frozenset(self.factors.split()))


def limits(settings: Settings, kind: str, *, shared: bool = False) -> tuple[timedelta, timedelta]:
    """Absolute and idle limit of a kind of session; on a device that others use too, shorter ones."""
    if kind == STAFF:
        absolute, idle = settings.staff_session_absolute, settings.staff_session_idle
    else:
        absolute, idle = settings.session_absolute, settings.session_idle
    if shared:
        return min(absolute, settings.shared_session_absolute), min(idle, settings.shared_session_idle)
    return absolute, idle


def level_of(factors: frozenset[str]) -> Aal:
    """The level of these proved factors. Raises: ValueError for none: there is no level nothing."""
    level = aal_of(factors)
    if level is None:
        raise ValueError("a session needs at least one proved factor")
    return level


def hash_of(token: str) -> str:
    """What is stored of a token; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
