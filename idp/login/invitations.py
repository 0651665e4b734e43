"""How staff get their first passkey: a code that `idp staff add` prints, good once within 24 hours."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain

LIFETIME = timedelta(hours=24)
TOKEN_BYTES = 32


class StaffInvitation(Base):
    """One invitation; only its hash is kept."""

    __tablename__ = "staff_invitation"

    token_hash: Mapped[Plain] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def create(session: Session, subject_id: UUID, *, now: datetime) -> str:
    """A new raw code of 256 bits, seen this once. Earlier codes of the same person stop working."""
    session.execute(
        update(StaffInvitation)
        .where(StaffInvitation.subject_id == subject_id, StaffInvitation.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(StaffInvitation(token_hash=_hash(token), subject_id=subject_id, expires_at=now + LIFETIME))
    session.flush()
    return token


def peek(session: Session, token: str, *, now: datetime) -> UUID | None:
    """Whom the code invites, without using it; None if unknown, used or expired."""
    return session.scalar(
        select(StaffInvitation.subject_id).where(
            StaffInvitation.token_hash == _hash(token),
            StaffInvitation.used_at.is_(None),
            StaffInvitation.expires_at > now,
        )
    )


def redeem(session: Session, token: str, *, now: datetime) -> UUID | None:
    """Use the code, once over all processes; None if unknown, used or expired."""
    return session.scalar(
        update(StaffInvitation)
        .where(
            StaffInvitation.token_hash == _hash(token),
            StaffInvitation.used_at.is_(None),
            StaffInvitation.expires_at > now,
        )
        .values(used_at=now)
        .returning(StaffInvitation.subject_id)
        .execution_options(synchronize_session=False)
    )


def _hash(token: str) -> str:
    """What is stored of a code; spaces around it come from copying."""
    return hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest()
