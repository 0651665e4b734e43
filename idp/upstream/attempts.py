"""A sign-in that is under way at another provider: begun by a press of this browser, answered once (RFC 9700 4.7).

The state is 256 random bits; only its hash is kept. What must match the answer (nonce, PKCE verifier) and where the
person comes from are sealed under a place that names the state, and gone with the row.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, bindparam, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed, UtcDateTime
from idp.keys import KeyRing

THAID, LINE = "thaid", "line"
SIGN_IN, PROVE, LINK = "sign_in", "prove", "link"
LIFETIME = timedelta(minutes=10)  # a provider's own application has to be opened, and a PIN to be remembered
SECRET_BYTES = 32
LONGEST_STATE = 128


class UpstreamAttempt(Base):
    """One sign-in under way. `used_at` is set by the conditional UPDATE that lets exactly one answer count."""

    __tablename__ = "upstream_attempt"
    __table_args__ = (
        CheckConstraint("provider IN ('thaid', 'line')", name="provider"),
        CheckConstraint("aim IN ('sign_in', 'prove', 'link')", name="aim"),
    )

    state_hash: Mapped[Plain] = mapped_column(primary_key=True)
    provider: Mapped[Plain]
    aim: Mapped[Plain]
    browser_hash: Mapped[Plain]
    subject_id: Mapped[UUID | None]
    kept: Mapped[Sealed]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Secrets:
    """What only this browser's request may know until the answer comes. `interaction_id` is empty on our own pages."""

    nonce: str
    verifier: str
    interaction_id: str = ""

    @property
    def challenge(self) -> str:
        """The PKCE code challenge (RFC 7636 section 4.2, S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Attempt:
    """A sign-in under way, as its answer finds it. `subject_id`: who was signed in here when it began."""

    aim: str
    subject_id: UUID | None
    secrets: Secrets


def begin(
    session: Session,
    ring: KeyRing,
    *,
    provider: str,
    aim: str,
    browser: str,
    now: datetime,
    subject_id: UUID | None = None,
    interaction_id: str = "",
) -> tuple[str, Secrets]:
    """The `state` for the provider's address, and what the address and the answer need besides."""
    state = secrets.token_urlsafe(SECRET_BYTES)
    made = Secrets(secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES), interaction_id)
    session.add(
        UpstreamAttempt(
            state_hash=_hash(state),
            provider=provider,
            aim=aim,
            browser_hash=_hash(browser),
            subject_id=subject_id,
            kept=ring.seal(json.dumps(asdict(made)), place=_place(state)),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return state, made


def take(session: Session, ring: KeyRing, state: str, *, provider: str, browser: str, now: datetime) -> Attempt | None:
    """What this answer belongs to, once; None if unknown, expired, answered before, or begun in another browser."""
    if not 0 < len(state) <= LONGEST_STATE:
        return None
    asked = {"state": _hash(state), "of": provider, "from_browser": _hash(browser), "now": now}
    row = session.execute(_TAKE, asked).one_or_none()
    if row is None:
        return None
    kept = Secrets(**json.loads(ring.open(row.kept, place=_place(state))))
    return Attempt(aim=row.aim, subject_id=row.subject_id, secrets=kept)


def purge(session: Session, *, now: datetime) -> None:
    """Forget what can no longer be answered."""
    session.execute(delete(UpstreamAttempt).where(UpstreamAttempt.expires_at < now))


def _place(state: str) -> str:
    return f"upstream:{_hash(state)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_TAKE = (
    update(UpstreamAttempt)
    .where(
        UpstreamAttempt.state_hash == bindparam("state"),
        UpstreamAttempt.provider == bindparam("of"),
        UpstreamAttempt.browser_hash == bindparam("from_browser"),
        UpstreamAttempt.used_at.is_(None),
        UpstreamAttempt.expires_at > bindparam("now", type_=UtcDateTime()),
    )
    .values(used_at=bindparam("now", type_=UtcDateTime()))
    .returning(UpstreamAttempt.aim, UpstreamAttempt.subject_id, UpstreamAttempt.kept)
    .execution_options(synchronize_session=False)
)
