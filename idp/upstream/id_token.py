"""What is believed of a provider's ID token (OIDC Core 3.1.3.7): signature, issuer, audience, time, nonce, at_hash.

The algorithm chooses the key, never the reverse: a public key is no HMAC secret (RFC 8725 section 2.1).
"""

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp.ports import UpstreamRefused, UpstreamUnavailable
from idp.upstream.wire import Wire

LEEWAY_S = 60
KEYS_KEPT_S = 3600.0
ASKED_AGAIN_AFTER_S = 5.0
LONGEST_TOKEN = 16 * 1024
MOST_KEYS = 20
KINDS: Mapping[str, type[Any]] = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey}
HMAC = "HS256"


@dataclass(frozen=True)
class Expected:
    """What a token must say. `nonce_required`: whether a provider that leaves the nonce out is believed."""

    issuer: str
    audience: str
    nonce: str
    nonce_required: bool = True
    access_token: str = ""


class PublicKeys:
    """A provider's JWK Set (RFC 7517): kept for an hour, asked again for a key that is not in it."""

    def __init__(self, wire: Wire, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire, self._url, self._clock = wire, url, clock
        self._lock = threading.Lock()
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._read_at: float | None = None

    def find(self, alg: str, kid: str | None) -> Any:
        """The key that this header names; without a name, the only one of its kind.

        Raises: UpstreamRefused when there is none; UpstreamUnavailable when the set cannot be had.
        """
        found = self._among(alg, kid)
        if found is None and self._is_older_than(ASKED_AGAIN_AFTER_S):
            self._read(ASKED_AGAIN_AFTER_S)
            found = self._among(alg, kid)
        if found is None:
            raise UpstreamRefused("key")
        return found

    def _among(self, alg: str, kid: str | None) -> Any:
        if self._is_older_than(KEYS_KEPT_S):
            self._read(KEYS_KEPT_S)
        kind = KINDS[alg]
        fit = [
            one
            for one in self._keys
            if one.get("kty") == kind.key_type
            and one.get("use", "sig") == "sig"
            and one.get("alg", alg) == alg
            and (kid is None or one.get("kid") == kid)
        ]
        if len(fit) != 1:
            return None
        try:
            return kind.import_key({name: value for name, value in fit[0].items() if name != "d"})
        except (JoseError, ValueError, KeyError, TypeError):
            return None

    def _is_older_than(self, seconds: float) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= seconds

    def _read(self, age_s: float) -> None:
        with self._lock:
            if not self._is_older_than(age_s):  # somebody else asked while we waited
                return
            said = self._wire.get(self._url)
            keys = said.document.get("keys")
            if not said.good or not isinstance(keys, list):
                raise UpstreamUnavailable("keys")
            self._keys = [one for one in keys[:MOST_KEYS] if isinstance(one, dict)]
            self._read_at = self._clock()


class IdTokens:
    """Reads one provider's ID tokens. `secret`: the HMAC key of a provider that signs so; none otherwise."""

    def __init__(self, keys: PublicKeys, *, algorithms: Sequence[str], secret: str | None = None) -> None:
        self._keys, self._algorithms, self._secret = keys, frozenset(algorithms), secret

    def read(self, token: object, expected: Expected, *, now: datetime) -> Mapping[str, Any]:
        """The claims. Raises: UpstreamRefused, with a code that says which check failed; UpstreamUnavailable."""
        if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not token.isascii():
            raise UpstreamRefused("id_token")
        try:
            header = jws.extract_compact(token.encode()).headers()
            alg, key = self._key(header)
            claims = jwt.decode(token, key, algorithms=[alg]).claims
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise UpstreamRefused("signature") from error
        fault = fault_of(claims, expected, now=now)
        if fault is not None:
            raise UpstreamRefused(fault)
        return claims

    def _key(self, header: Mapping[str, Any]) -> tuple[str, Any]:
        alg, kid = header.get("alg"), header.get("kid")
        if not isinstance(alg, str) or alg not in self._algorithms:
            raise UpstreamRefused("alg")
        if alg == HMAC:
            if not self._secret:  # an empty secret is everybody's
                raise UpstreamRefused("alg")
            return alg, OctKey.import_key(self._secret)
        return alg, self._keys.find(alg, kid if isinstance(kid, str) else None)


def fault_of(claims: Mapping[str, Any], expected: Expected, *, now: datetime) -> str | None:
    """PURE: which claim must not be believed, or None."""
    at = now.timestamp()
    checks = (
        ("iss", claims.get("iss") == expected.issuer),
        ("aud", _is_for(claims, expected.audience)),
        ("exp", _is_number(claims.get("exp")) and at < claims["exp"] + LEEWAY_S),
        ("iat", _is_number(claims.get("iat")) and claims["iat"] <= at + LEEWAY_S),
        ("nonce", _is_echoed(claims, expected)),
        ("at_hash", _is_with(claims, expected.access_token)),
        ("sub", isinstance(claims.get("sub"), str) and bool(claims["sub"])),
    )
    return next((name for name, holds in checks if not holds), None)


def _is_for(claims: Mapping[str, Any], audience: str) -> bool:
    said = claims.get("aud")
    if isinstance(said, list) and len(said) > 1:
        return audience in said and claims.get("azp") == audience
    return said in (audience, [audience]) and claims.get("azp", audience) == audience


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_echoed(claims: Mapping[str, Any], expected: Expected) -> bool:
    said = claims.get("nonce")
    if said is None:
        return not expected.nonce_required
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.nonce.encode())


def _is_with(claims: Mapping[str, Any], access_token: str) -> bool:
    said = claims.get("at_hash")
    if said is None or not access_token:
        return True
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    try:
        return isinstance(said, str) and hmac.compare_digest(base64.urlsafe_b64decode(said + "=="), half)
    except (binascii.Error, ValueError):
        return False
