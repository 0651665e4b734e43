"""PURE: a client's public keys, registered by value (RFC 7591 section 2, `jwks`), and a signature by one of them.

A set is imported once in each process (an RSA key costs far more to import than to use). Keys are found by `kid`; an
assertion without one is only good when a single key fits its algorithm, so that nothing is ever tried in turn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError

from consent.errors import NotAllowed

ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")  # FAPI 2.0 section 5.4; RFC 9864 names EdDSA's one curve
COMPAT_ALGORITHMS = (*ALGORITHMS, "RS256")
KEY_OF = {"PS256": "RSA", "RS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
CURVES = {"EC": "P-256", "OKP": "Ed25519"}
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MOST_KEYS = 10
SMALLEST_RSA_BITS = 2048
LONGEST_KID = 128


@dataclass(frozen=True)
class PublicKey:
    """One key of a client; `alg` is set when the client bound the key to one algorithm."""

    kid: str | None
    kty: str
    alg: str | None
    key: Any = field(repr=False)

    def fits(self, alg: str) -> bool:
        """Whether this key may verify a signature by `alg`."""
        return KEY_OF.get(alg) == self.kty and self.alg in (None, alg)


class _Registry(jws.JWSRegistry):
    """joserfc warns at each use of the name EdDSA (RFC 9864); most clients know no other, so it is read in silence."""

    def get_alg(self, name: str) -> Any:
        """The algorithm, if it is allowed here."""
        if name not in (self.allowed or ()):
            raise NotAllowed("This algorithm is not allowed.", code="invalid_client_metadata")
        return self.algorithms[name]


def for_method(auth_method: str, document: object | None) -> str | None:
    """The JWKS of a client of private_key_jwt, None for any other. Raises: NotAllowed where they do not match."""
    if (auth_method == "private_key_jwt") != (document is not None):
        raise _refused("a JWKS belongs to private_key_jwt")
    return None if document is None else read(document)


def read(document: object) -> str:
    """The JWKS as it will be kept, checked. Raises: NotAllowed with code invalid_client_metadata."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_KEYS:
        raise _refused(f"a JWKS holds one to {MOST_KEYS} keys")
    for one in listed:
        _check(one)
    names = [one.get("kid") for one in listed]
    if len(listed) > 1 and (None in names or len(set(names)) < len(names)):
        raise _refused("with several keys each needs a kid of its own")
    return json.dumps({"keys": listed}, sort_keys=True)


@lru_cache(maxsize=4096)
def load(kept: str) -> tuple[PublicKey, ...]:
    """The keys of a kept JWKS, imported once per process."""
    return tuple(
        PublicKey(kid=one.get("kid"), kty=one["kty"], alg=one.get("alg"), key=jwk.import_key(one))
        for one in json.loads(kept)["keys"]
    )


def find(keys: Sequence[PublicKey], *, kid: object, alg: str) -> PublicKey | None:
    """The one key that this header means, or None."""
    fitting = [key for key in keys if key.fits(alg) and kid in (None, key.kid)]
    return fitting[0] if len(fitting) == 1 else None


def verified_payload(token: str, key: PublicKey, alg: str) -> bytes | None:
    """The payload if the signature is this key's by this algorithm, else None."""
    try:
        registry = _Registry(algorithms=[alg], strict_check_header=False)
        return bytes(jws.deserialize_compact(token, key.key, registry=registry).payload)
    except (JoseError, NotAllowed, ValueError, TypeError):
        return None


def _check(one: object) -> None:
    if not isinstance(one, dict) or not all(isinstance(value, (str, list)) for value in one.values()):
        raise _refused("a key cannot be read")
    if PRIVATE & one.keys():
        raise _refused("a private key was sent; make a new pair and register the public half only")
    _check_members(one)
    # joserfc only warns of a short modulus, so it is measured before it is imported (RFC 7518 section 3.3).
    if one["kty"] == "RSA" and len(str(one.get("n")).rstrip("=")) * 6 < SMALLEST_RSA_BITS:
        raise _refused(f"an RSA key needs {SMALLEST_RSA_BITS} bits")
    try:
        jwk.import_key(one)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _refused("a key cannot be read") from error


def _check_members(one: Mapping[str, Any]) -> None:
    if one.get("kty") not in ("RSA", "EC", "OKP") or one.get("crv") != CURVES.get(one["kty"]):
        raise _refused("a key must be RSA, P-256 or Ed25519")
    if one.get("use", "sig") != "sig":
        raise _refused("a key is not for signatures")
    if one.get("alg") is not None and KEY_OF.get(str(one["alg"])) != one["kty"]:
        raise _refused("a key names an algorithm that does not fit it")
    kid = one.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= LONGEST_KID):
        raise _refused("a kid cannot be read")


def _refused(why: str) -> NotAllowed:
    return NotAllowed(f"This client cannot be registered: {why}.", code="invalid_client_metadata")
