"""Access tokens: RFC 9068 JWTs of at most five minutes, made on live consents and asked about live (DECISIONS 11).

There is no row per token. A token names its grant; the grant, the person, the client and the decision are read at
every use. A single revocation stands in a small table until the token would have expired.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent import purposes
from consent.db import Base, Plain, table_of
from idp.oauth import acting, details, slots, suspended, uses
from idp.oauth.clients import Client, ClientFacts
from idp.oauth.deciding import decide
from idp.oauth.live import GrantFacts, find_grant
from idp.oauth.pipeline import Context, uuid_or_none
from idp.oauth.resources import Target
from idp.oauth.visit_detail import Detail

LONGEST_S = 300
LONGEST_TOKEN = 8192
JTI_BYTES = 16
TYPE = "at+jwt"
ALGORITHM = "ES256"
KEY_PREFIX = "access_token-"


class RevokedToken(Base):
    """A single access token that was taken back before its time."""

    __tablename__ = "revoked_token"

    jti: Mapped[Plain] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Minted:
    """A fresh access token."""

    token: str
    jti: str
    expires_in_s: int
    scope: str

    def body(self, **more: str | None) -> dict[str, Any]:
        """The token response (RFC 6749 section 5.1); what is None is left out."""
        body = {
            "access_token": self.token,
            "token_type": "Bearer",
            "expires_in": self.expires_in_s,
            "scope": self.scope,
            **more,
        }
        return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True)
class LiveToken:
    """A token that we made, that is in time, not revoked, and whose grant runs. The consents are not asked yet."""

    claims: Mapping[str, Any]
    grant: GrantFacts | None

    @property
    def jti(self) -> str:
        """Its id."""
        return str(self.claims["jti"])

    @property
    def client_id(self) -> str:
        """The client that it was made for."""
        return str(self.claims["client_id"])

    @property
    def aud(self) -> frozenset[str]:
        """Where it may be used."""
        aud = self.claims["aud"]
        return frozenset([aud] if isinstance(aud, str) else aud)

    @property
    def purposes(self) -> Mapping[str, tuple[str, ...]]:
        """Purpose -> scopes of this token: the grant's, as far as the token names them."""
        if self.grant is None:
            return {}
        named, scopes = set(self.claims["purposes"]), set(str(self.claims["scope"]).split())
        return {code: tuple(s for s in of if s in scopes) for code, of in self.grant.scopes.items() if code in named}


# --- minting ------------------------------------------------------------------------------------------------------


def fitting(
    wanted: Mapping[str, tuple[str, ...]], target: Target, held: Sequence[Detail] = ()
) -> dict[str, tuple[str, ...]]:
    """What of `wanted` makes sense at this target.

    A purpose that must be asked about at each use (`offline_s` 0) is only for those who ask; a scope is only for
    holders that take it; so is what is `held` for one visit. Sign-in scopes stay: they say who, not what.
    """
    fit: dict[str, tuple[str, ...]] = {}
    for code, scopes in wanted.items():
        if purposes.get(code).offline_s == 0 and not target.introspected:
            continue
        holder = target.holder
        kept = tuple(s for s in scopes if holder is None or target.userinfo or code == "SIGNIN" or holder.takes(s))
        if kept:
            fit[code] = kept
    place = None if target.holder is None else target.holder.identifier
    return details.fitting(fit, held, place=place, asked_live=target.introspected) if held else fit


def mint(
    context: Context,
    client: ClientFacts,
    *,
    grant: GrantFacts | None,
    wanted: Mapping[str, tuple[str, ...]],
    target: Target,
    offline_access: bool = False,
    own: tuple[str, ...] = (),
) -> Minted:
    """An RFC 9068 access token. Its life obeys the strictest purpose, and the session when nothing outlives it.

    `own`: scopes of this server's own interfaces, which belong to no purpose.
    """
    now = context.now
    life = min(LONGEST_S, purposes.token_life_s(list(wanted), introspected=target.introspected) or LONGEST_S)
    if grant is not None and not grant.offline_access and grant.session_expires_at is not None:
        life = max(1, min(life, int((grant.session_expires_at - now).total_seconds())))
    other = None if grant is None else grant.treatment or grant.proxy
    until = [] if other is None else [other.ends_at]
    until += [] if grant is None else details.ends(grant.details, wanted)
    life = max(1, min([life, *(int((end - now).total_seconds()) for end in until)]))
    scopes = [scope for of in wanted.values() for scope in of] + (["offline_access"] if offline_access else [])
    scopes += own
    holder = target.holder
    audience = ([holder.identifier] if holder else []) + ([context.issuer] if target.userinfo else [])
    issued, jti = int(now.timestamp()), secrets.token_urlsafe(JTI_BYTES)
    claims: dict[str, Any] = {
        "iss": context.issuer,
        "aud": audience[0] if len(audience) == 1 else audience,
        "client_id": client.id,
        "jti": jti,
        "iat": issued,
        "exp": issued + life,
        "scope": " ".join(scopes),
        "purposes": list(wanted),
    }
    if grant is None:
        claims["sub"] = client.id
    else:
        claims |= _granted(context, grant, wanted, holder.sector if holder else client.sector)
    token = context.ring.signer("access_token", ALGORITHM).sign_jwt(claims, typ=TYPE)
    return Minted(token, jti, life, claims["scope"])


def _granted(context: Context, grant: GrantFacts, wanted: Mapping[str, tuple[str, ...]], sector: str) -> dict[str, Any]:
    """What a token says of its grant. A closer answer since a refusal: its list must not call this token invalid."""
    if grant.suspended_at is not None and suspended.for_holders(wanted):
        suspended.resume(context.session, grant.id)
    return {
        **acting.subject(context, grant, sector),
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": grant.acr,
        "amr": grant.amr,
        "ial": grant.ial.value,
        "grant_id": str(grant.id),
        **slots.claim(context.issuer, grant.place),
        **details.claim(grant.details, wanted),
        **launch_context(context, grant, sector),
    }


def launch_context(context: Context, grant: GrantFacts, sector: str) -> dict[str, Any]:
    """SMART App Launch 2.2: whose record a clinician's token opens, as its data holder knows them; else nothing."""
    if grant.treatment is None:
        return {}
    return {"patient": context.ring.pairwise(grant.treatment.patient_id, sector), "hcode": grant.treatment.hcode}


# --- reading ------------------------------------------------------------------------------------------------------

_TAKEN_BACK, _CLIENT = table_of(RevokedToken).c, table_of(Client).c
_REVOKED = select(_TAKEN_BACK.jti).where(_TAKEN_BACK.jti == bindparam("jti"))
_STATUS = select(_CLIENT.status).where(_CLIENT.id == bindparam("client"))


def find_live(context: Context, token: str) -> LiveToken | None:
    """The token if it is ours, in time, not revoked, and its grant, person and client all stand; else None."""
    claims = read(context, token)
    return None if claims is None else live(context, claims)


def live(context: Context, claims: Mapping[str, Any]) -> LiveToken | None:
    """The token of these claims, which `read` gave, if it lives."""
    if context.session.scalar(_REVOKED, {"jti": claims["jti"]}) is not None:
        return None
    if "grant_id" not in claims:
        status = context.session.scalar(_STATUS, {"client": claims["client_id"]})
        return LiveToken(claims, None) if status == "active" else None
    grant_id = uuid_or_none(claims["grant_id"])
    grant = None if grant_id is None else find_grant(context, grant_id)
    if grant is None or grant.stopped_at(context.now) is not None or slots.moved(claims, context.issuer, grant.place):
        return None
    return LiveToken(claims, grant)


def read(context: Context, token: str) -> dict[str, Any] | None:
    """The claims of an access token that we signed and that is in time; None for anything else, however odd."""
    header = _header(token)
    kid = header.get("kid")
    key = context.ring.public.get(kid) if isinstance(kid, str) and kid.startswith(KEY_PREFIX) else None
    if key is None or header.get("typ") != TYPE or header.get("alg") != ALGORITHM:
        return None
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError, TypeError):  # TypeError: joserfc reads `crit` before it asks what it is
        return None
    now = context.now.timestamp()
    return claims if claims["iss"] == context.issuer and claims["exp"] > now else None


def _header(token: str) -> dict[str, Any]:
    if len(token) > LONGEST_TOKEN or not token.isascii():
        return {}
    first = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def revoke(session: Session, claims: Mapping[str, Any]) -> None:
    """Take one access token back; twice is once."""
    row = RevokedToken(jti=claims["jti"], expires_at=datetime.fromtimestamp(claims["exp"], UTC))
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return


def standing(
    context: Context,
    live: LiveToken,
    grant: GrantFacts,
    *,
    at: str,
    event: str,
    asker: str,
    takes: Callable[[str], bool],
) -> dict[str, tuple[str, ...]]:
    """What of a token's purposes stands at this use; the first use at a place and every refusal get an entry.

    `takes` says which scopes this place has a use for: only the purposes behind those are asked, and only they are
    in the log, so that the citizen reads what really happened.
    """
    wanted = {code: tuple(filter(takes, of)) for code, of in live.purposes.items()}
    wanted = {code: of for code, of in wanted.items() if of}
    first = uses.first(context, live.jti, at)
    if first and grant.details:
        wanted = details.spend(context, grant.id, wanted, grant.details)
    stands = decide(context, grant, wanted, event=event, asker=asker, levels=False, write=first)
    if not first and not stands:
        return decide(context, grant, wanted, event=event, asker=asker, levels=False)
    return stands


def purge(session: Session, *, now: datetime) -> int:
    """Delete what can no longer matter: revocations of dead tokens, counters of yesterday; how many rows."""
    gone = session.execute(delete(RevokedToken).where(RevokedToken.expires_at < now))
    return int(gone.rowcount) + uses.purge(session, now=now)  # type: ignore[attr-defined]
