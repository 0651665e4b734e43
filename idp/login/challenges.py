"""WebAuthn challenges: 512 random bits, ten minutes, used once, where and for what they were made (O44).

Consumed by one conditional UPDATE before anything is compared: of two answers to one challenge, one is looked at.
"""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, delete, or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from webauthn.helpers import bytes_to_base64url

from consent.db import Base, Plain
from idp.login.ceremony import PasskeyRefused

LIFETIME = timedelta(minutes=10)
REGISTER, SIGN_IN = "register", "sign-in"


class WebauthnChallenge(Base):
    """One challenge by its hash. `subject_id` is set when only that person may answer it."""

    __tablename__ = "webauthn_challenge"
    __table_args__ = (CheckConstraint("purpose IN ('register', 'sign-in')", name="purpose"),)

    challenge_hash: Mapped[Plain] = mapped_column(primary_key=True)
    purpose: Mapped[Plain]
    subject_id: Mapped[UUID | None]
    browser_hash: Mapped[Plain]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


def issue(
    session: Session, challenge: bytes, *, purpose: str, subject_id: UUID | None, browser: str, now: datetime
) -> None:
    """Remember a challenge that is about to leave. The same one row whoever asks."""
    session.add(
        WebauthnChallenge(
            challenge_hash=_hash(bytes_to_base64url(challenge)),
            purpose=purpose,
            subject_id=subject_id,
            browser_hash=_hash(browser),
            expires_at=now + LIFETIME,
        )
    )
    session.flush()


def consume(
    session: Session, challenge: str, *, purpose: str, subject_id: UUID, browser: str, now: datetime
) -> UUID | None:
    """Use the challenge up, once over all processes; the person it was bound to, None when it named nobody.

    Raises: PasskeyRefused("challenge") if unknown, expired, used, another browser's, purpose's or person's.
    """
    row = session.execute(
        update(WebauthnChallenge)
        .where(
            WebauthnChallenge.challenge_hash == _hash(challenge),
            WebauthnChallenge.purpose == purpose,
            WebauthnChallenge.browser_hash == _hash(browser),
            or_(WebauthnChallenge.subject_id.is_(None), WebauthnChallenge.subject_id == subject_id),
            WebauthnChallenge.used_at.is_(None),
            WebauthnChallenge.expires_at > now,
        )
        .values(used_at=now)
        .returning(WebauthnChallenge.subject_id)
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        raise PasskeyRefused("challenge")
    return row[0]


def purge(session: Session, *, now: datetime) -> None:
    """Forget challenges that nobody can answer any more."""
    session.execute(
        delete(WebauthnChallenge)
        .where(WebauthnChallenge.expires_at <= now)
        .execution_options(synchronize_session=False)
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
