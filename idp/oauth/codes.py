"""Authorization codes and refresh families: the one-time things of the protocol.

A code is random and stored hashed. A refresh token is derived: HMAC over family and counter under a server key, so the
successor of a token can be given again to an honest client that retries (DECISIONS 12), and nothing secret is stored.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, bindparam, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, new_id, table_of
from idp.keys import pad, unpad, unwrap, wrap
from idp.oauth.pipeline import AuthorizeRequest, Context, uuid_or_none

CODE_BYTES = 32
GRACE = timedelta(seconds=10)
KEPT_AFTER_USE = timedelta(days=1)  # long enough that a late replay is still recognised
LONGEST_TOKEN = 256
NONCE_PLACE = "authorization_code.nonce"
REFRESH_PREFIX = "yr1"


class AuthorizationCode(Base):
    """One code. `used_at` is set by the conditional UPDATE that lets exactly one redemption win."""

    __tablename__ = "authorization_code"

    code_hash: Mapped[Plain] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_grant.id"), index=True)
    client_id: Mapped[Plain]
    redirect_uri: Mapped[Plain]
    code_challenge: Mapped[Plain | None]
    nonce: Mapped[Plain | None]  # sealed under the code itself: a client may put anything into it
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class RefreshFamily(Base):
    """All refresh tokens of one grant. `counter` names the one that is current."""

    __tablename__ = "refresh_family"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_grant.id"), index=True)
    counter: Mapped[int]
    created_at: Mapped[datetime]
    last_rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


@dataclass(frozen=True)
class CodeFacts:
    """A stored code, as Authlib's code grant asks for it."""

    code_hash: str
    grant_id: UUID
    client_id: str
    redirect_uri: str
    code_challenge: str | None
    nonce: str | None
    expires_at: datetime
    used_at: datetime | None

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Unused: what was granted stands in the grant."""
        return ""


@dataclass(frozen=True)
class FamilyFacts:
    """A refresh token that we really made: its family, and which one of it was presented."""

    id: UUID
    grant_id: UUID
    counter: int
    last_rotated_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    presented: int

    def dead_at(self, now: datetime) -> bool:
        """Revoked or past its absolute limit."""
        return self.revoked_at is not None or now >= self.expires_at

    def replayed_at(self, now: datetime) -> bool:
        """An old one, and not just the retry of an answer that got lost."""
        if self.presented == self.counter:
            return False
        return self.presented != self.counter - 1 or now - self.last_rotated_at > GRACE


# --- codes --------------------------------------------------------------------------------------------------------

_CODE = table_of(AuthorizationCode)
_FIND_CODE = select(_CODE).where(_CODE.c.code_hash == bindparam("code_hash"))
_ISSUE = insert(_CODE)
_CONSUME = (
    update(_CODE)
    .where(_CODE.c.code_hash == bindparam("hash"), _CODE.c.used_at.is_(None), _CODE.c.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"))
)


def issue_code(session: Session, *, grant_id: UUID, areq: AuthorizeRequest, life: timedelta, now: datetime) -> str:
    """A new code for a grant, bound to the request's client, redirect_uri and challenge (RFC 6749 section 4.1.2)."""
    code = secrets.token_urlsafe(CODE_BYTES)
    row = {
        "code_hash": hash_of(code),
        "grant_id": grant_id,
        "client_id": areq.client_id,
        "redirect_uri": areq.redirect_uri,
        "code_challenge": areq.code_challenge,
        "nonce": None if areq.nonce is None else _seal_nonce(code, areq.nonce),
        "expires_at": now + life,
    }
    session.execute(_ISSUE, row)
    return code


def find_code(session: Session, code: str) -> CodeFacts | None:
    """The stored code, used or expired too."""
    row = session.execute(_FIND_CODE, {"code_hash": hash_of(code)}).mappings().one_or_none()
    if row is None:
        return None
    nonce = None if row["nonce"] is None else _open_nonce(code, row["nonce"])
    return CodeFacts(**{**row, "nonce": nonce})


def _seal_nonce(code: str, nonce: str) -> str:
    sealed = wrap(_nonce_key(code), pad(nonce.encode("utf-8", "surrogatepass")), aad=NONCE_PLACE)
    return base64.b64encode(sealed).decode()


def _open_nonce(code: str, kept: str) -> str | None:
    try:
        plain = unpad(unwrap(_nonce_key(code), base64.b64decode(kept, validate=True), aad=NONCE_PLACE))
    except (binascii.Error, ValueError):  # written before nonces were sealed: the client asks again
        return None
    return plain.decode("utf-8", "surrogatepass")


def _nonce_key(code: str) -> bytes:
    return hashlib.sha256(f"{NONCE_PLACE}:{code}".encode("utf-8", "surrogatepass")).digest()


def consume(session: Session, code_hash: str, *, now: datetime) -> bool:
    """Use the code up. True for exactly one caller; a code at its limit is already dead."""
    used = session.execute(_CONSUME, {"hash": code_hash, "now": now})
    return bool(used.rowcount == 1)  # type: ignore[attr-defined]


def hash_of(secret: str) -> str:
    """What is stored of a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


# --- refresh families ---------------------------------------------------------------------------------------------

_FAMILY = table_of(RefreshFamily)
_FIND_FAMILY = (
    select(
        _FAMILY.c.id,
        _FAMILY.c.grant_id,
        _FAMILY.c.counter,
        _FAMILY.c.last_rotated_at,
        _FAMILY.c.expires_at,
        _FAMILY.c.revoked_at,
    )
    .where(_FAMILY.c.id == bindparam("family"))
    .with_for_update()  # PostgreSQL: two presenters queue here; SQLite's writer is alone anyway
)
_START = insert(_FAMILY)
_ROTATE = (
    update(_FAMILY)
    .where(_FAMILY.c.id == bindparam("family"), _FAMILY.c.counter == bindparam("seen"), _FAMILY.c.revoked_at.is_(None))
    .values(counter=bindparam("next"), last_rotated_at=bindparam("now"))
)


def start_family(context: Context, grant_id: UUID) -> str:
    """The first refresh token of a grant; the family lives at most `refresh_absolute`."""
    now, family_id = context.now, new_id()
    row = {
        "id": family_id,
        "grant_id": grant_id,
        "counter": 0,
        "created_at": now,
        "last_rotated_at": now,
        "expires_at": now + context.settings.refresh_absolute,
    }
    context.session.execute(_START, row)
    return refresh_token(context, family_id, 0)


def refresh_token(context: Context, family_id: UUID, counter: int) -> str:
    """The token of this place in the family: anybody can name the place, only the server can seal it."""
    mac = context.ring.mac("refresh", str(family_id), str(counter))
    return f"{REFRESH_PREFIX}.{family_id.hex}.{counter}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def find_family(context: Context, token: str) -> FamilyFacts | None:
    """The family of a token that we made, current or not; None for anything else."""
    prefix, _, rest = token[:LONGEST_TOKEN].partition(".")
    family_hex, _, tail = rest.partition(".")
    family_id, number = uuid_or_none(family_hex), tail.partition(".")[0]
    if prefix != REFRESH_PREFIX or family_id is None or not (number.isascii() and number.isdigit()):
        return None
    expected = refresh_token(context, family_id, int(number[:9]))
    if not hmac.compare_digest(expected.encode(), token.encode("utf-8", "surrogatepass")):
        return None
    row = context.session.execute(_FIND_FAMILY, {"family": family_id}).mappings().one_or_none()
    return None if row is None else FamilyFacts(**row, presented=int(number))


def rotate(context: Context, family: FamilyFacts) -> str | None:
    """The successor: made now for the current token, given again for its predecessor within the grace.

    None when the family died meanwhile.
    """
    if family.presented == family.counter - 1:
        return refresh_token(context, family.id, family.counter)
    facts = {"family": family.id, "seen": family.counter, "next": family.counter + 1, "now": context.now}
    if context.session.execute(_ROTATE, facts).rowcount != 1:  # type: ignore[attr-defined]
        return None
    return refresh_token(context, family.id, family.counter + 1)


def revoke_family(session: Session, family_id: UUID, *, now: datetime) -> None:
    """No token of the family works any more."""
    session.execute(
        update(RefreshFamily)
        .where(RefreshFamily.id == family_id, RefreshFamily.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def revoke_families(session: Session, grant_id: UUID, *, now: datetime) -> None:
    """No refresh token of this grant works any more; the grant goes on."""
    session.execute(
        update(RefreshFamily)
        .where(RefreshFamily.grant_id == grant_id, RefreshFamily.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def purge(session: Session, *, now: datetime) -> int:
    """Delete codes whose replay no longer says anything; how many."""
    old = delete(AuthorizationCode).where(AuthorizationCode.expires_at < now - KEPT_AFTER_USE)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]
