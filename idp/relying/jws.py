"""One strict check of a compact JWS: only the asked algorithm and type, only a key of the issuer (RFC 8725)."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from idp.relying.keys import Keys

LEEWAY_S = 10.0
MAX_CHARS = 16 * 1024
FORBIDDEN = ("crit", "jku", "jwk", "x5c", "x5u", "zip", "b64", "enc")  # a token never brings its own key or rules


class Refused(Exception):  # noqa: N818 -- an answer, not a fault
    """Not acceptable; the text is safe to show and names the first thing that is wrong. `part` says where."""

    def __init__(self, message: str, *, part: str = "token") -> None:
        super().__init__(message)
        self.part = part


def claims_of(token: str, *, keys: Keys, alg: str, typ: str | None, most: int = MAX_CHARS) -> dict[str, Any]:
    """The claims of a JWS whose signature is proven; `typ` None accepts an absent type or "JWT".

    Raises: Refused; IssuerUnavailable when no key was ever read.
    """
    unverified_header = header_of(token, most=most)
    if unverified_header.get("alg") != alg:
        raise Refused(f"the algorithm must be {alg}", part="key")
    if any(name in unverified_header for name in FORBIDDEN):
        raise Refused("the header carries a field that is not accepted", part="key")
    _check_type(unverified_header.get("typ"), typ)
    kid = unverified_header.get("kid")
    if not isinstance(kid, str):
        raise Refused("the header names no key", part="key")
    key = keys.find(kid, alg)
    if key is None:
        raise Refused("the key is not one of the issuer's", part="key")
    try:
        return dict(jwt.decode(token, key, algorithms=[alg]).claims)
    except (JoseError, ValueError) as error:
        raise Refused("the signature does not hold", part="key") from error


def header_of(token: str, *, most: int = MAX_CHARS) -> dict[str, Any]:
    """The header, unverified. Raises: Refused when the token is oversized or no compact JWS."""
    if len(token) > most:
        raise Refused("the token is too long")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts[:2]) or not token.isascii():  # noqa: PLR2004 -- RFC 7515 section 7.1
        raise Refused("the token is not a signed JWT")
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (ValueError, RecursionError) as error:
        raise Refused("the token is not a signed JWT") from error
    if not isinstance(header, dict):
        raise Refused("the token is not a signed JWT")
    return header


def check_issued(claims: Mapping[str, Any], *, issuer: str, audience: str, now: float) -> None:
    """Issuer, audience and time of issue (leeway 10 s). Raises: Refused."""
    if claims.get("iss") != issuer:
        raise Refused("the token comes from another issuer", part="issuer")
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise Refused("the token is meant for another audience", part="audience")
    if instant(claims, "iat") > now + LEEWAY_S:
        raise Refused("the token is from the future")
    if "nbf" in claims and instant(claims, "nbf") > now + LEEWAY_S:
        raise Refused("the token is not valid yet")


def check_not_expired(claims: Mapping[str, Any], *, now: float) -> None:
    """`exp` is required (leeway 10 s). Raises: Refused."""
    if instant(claims, "exp") <= now - LEEWAY_S:
        raise Refused("the token has expired")


def instant(claims: Mapping[str, Any], name: str) -> float:
    """A required NumericDate. Raises: Refused when it is absent, a boolean or not finite."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:  # noqa: PLR2004
        raise Refused(f"the token has no usable {name}")
    return float(value)


def text(claims: Mapping[str, Any], name: str) -> str:
    """A required, non-empty string claim. Raises: Refused."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(f"the token has no {name}")
    return value


def _check_type(found: object, wanted: str | None) -> None:
    name = found.lower().removeprefix("application/") if isinstance(found, str) else found
    if name != wanted and not (wanted is None and name == "jwt"):
        raise Refused("the token is of another type", part="key")
