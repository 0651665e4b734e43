"""RFC 7523 sections 2.2 and 3, OIDC Core 9: a client proves itself by a short-lived JWT under its registered key.

An assertion works once. Its `jti` is consumed by one conditional INSERT in the transaction of the request, after
everything else was checked: a forged assertion cannot use up the real one, and of two at once one wins.
"""

import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from authlib.oauth2.rfc6749 import InvalidClientError
from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, InsertOnce, Plain, rows_of
from idp.oauth import client_keys
from idp.oauth.clients import ClientFacts
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, ProtocolRequest

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = timedelta(minutes=5)
COMPAT_LIFE = timedelta(hours=1)  # libraries of the field say an hour when nobody tells them otherwise
AHEAD = timedelta(seconds=10)  # FAPI 2.0 section 5.3.2.1: a client's clock may be this much ahead, no more
LONGEST_JTI = 256
TOKEN_PATH = "/oauth/token"  # noqa: S105 -- an address
FEATURE = Feature(
    "private_key_jwt",
    "RFC 7523",
    {
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(client_keys.COMPAT_ALGORITHMS)
        for endpoint in ("token", "introspection", "revocation")
    },
)


class ClientAssertion(Base):
    """An assertion that was used. The row outlives the assertion itself, so a replay always meets it."""

    __tablename__ = "client_assertion"

    client_id: Mapped[Plain] = mapped_column(primary_key=True)
    jti_hash: Mapped[Plain] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


_use_once = InsertOnce(ClientAssertion)


def authenticate(context: Context, query_client: Any, request: ProtocolRequest) -> ClientFacts | None:
    """The client behind a good assertion; None when the request holds none. Raises: InvalidClientError."""
    form = request.form
    if "client_assertion" not in form and "client_assertion_type" not in form:
        return None
    token = form.get("client_assertion", "")
    if form.get("client_assertion_type") != TYPE:
        _refuse("the client_assertion_type is not jwt-bearer")
    header, unverified = _unverified(token)
    client = _client(query_client, unverified.get("sub"))
    if form.get("client_id", client.id) != client.id:
        _refuse("client_id differs from the assertion")
    claims = _verified(client, token, header)
    _check_audience(context, client, claims)
    expires_at = _check_times(context, client, claims)
    _consume(context.session, client.id, claims.get("jti"), expires_at)
    return client


def purge(session: Session, *, now: datetime) -> int:
    """Delete the rows of assertions that have expired by themselves; how many."""
    return rows_of(session.execute(delete(ClientAssertion).where(ClientAssertion.expires_at < now)))


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header, claims = (json.loads(_decoded(part)) for part in token.split(".")[:2])
    except (ValueError, binascii.Error, RecursionError):
        _refuse("the assertion cannot be read")
    if not isinstance(header, dict) or not isinstance(claims, dict):
        _refuse("the assertion cannot be read")
    return header, claims


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _client(query_client: Any, name: object) -> ClientFacts:
    client: ClientFacts | None = query_client(name) if isinstance(name, str) else None
    if client is None or client.auth_method != "private_key_jwt" or client.jwks is None:
        _refuse("no client authenticates in this way under this name")
    return client


def _verified(client: ClientFacts, token: str, header: dict[str, Any]) -> dict[str, Any]:
    """The claims under the client's own key (RFC 7523 section 3, points 1, 2 and 9)."""
    alg = str(header.get("alg"))
    allowed = client_keys.COMPAT_ALGORITHMS if client.profile == "compat" else client_keys.ALGORITHMS
    if alg not in allowed:
        _refuse("the algorithm is not allowed")
    key = client_keys.find(client_keys.load(client.jwks or ""), kid=header.get("kid"), alg=alg)
    payload = client_keys.verified_payload(token, key, alg) if key else None
    if payload is None:
        _refuse("the signature is not by a registered key")
    claims: dict[str, Any] = json.loads(payload)
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        _refuse("iss and sub must be the client_id")
    return claims


def _check_audience(context: Context, client: ClientFacts, claims: dict[str, Any]) -> None:
    """The issuer, as a single string (FAPI 2.0 section 5.3.2.1); for `compat` the token endpoint or a list of one."""
    audience = claims.get("aud")
    accepted = [context.issuer]
    if client.profile == "compat":
        accepted.append(context.issuer + TOKEN_PATH)
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
    if audience not in accepted:
        _refuse("aud must be the issuer")


def _check_times(context: Context, client: ClientFacts, claims: dict[str, Any]) -> datetime:
    """`exp` is there, ahead and near; `nbf` and `iat`, if given, are past. The moment of expiry."""
    times = {name: _moment(claims[name]) for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or times["exp"] <= context.now:
        _refuse("the assertion has expired or has no exp")
    if times["exp"] > context.now + (COMPAT_LIFE if client.profile == "compat" else LONGEST_LIFE) + AHEAD:
        _refuse("exp is too far ahead")
    if any(times[name] > context.now + AHEAD for name in ("nbf", "iat") if name in times):
        _refuse("the assertion is from the future")
    return times["exp"]


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _refuse("a time of the assertion is no number")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        _refuse("a time of the assertion cannot be read")


def _consume(session: Session, client_id: str, jti: object, expires_at: datetime) -> None:
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        _refuse("jti is missing or too long")
    jti_hash = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()
    row = {"client_id": client_id, "jti_hash": jti_hash, "expires_at": expires_at}
    if not _use_once(session, row):
        _refuse("the assertion was used before")


def _refuse(why: str) -> NoReturn:
    raise InvalidClientError(why, status_code=401)
