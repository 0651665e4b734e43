"""The issuer's public keys, kept for five minutes and used on while the issuer is down (OIDC Discovery 4, RFC 7517).

A key id that we do not know causes one fresh look, at most every ten seconds, so that a stream of forged ids cannot
turn this service into a hammer. Keys are looked up by id; a key for another algorithm or use is never handed out.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwk
from joserfc.errors import JoseError

Clock = Callable[[], float]
FetchJson = Callable[[str], Mapping[str, Any]]

TTL_S = 300.0
LOOK_AGAIN_S = 10.0
MAX_BYTES = 256 * 1024
TIMEOUT = httpx.Timeout(2.0)
KEY_TYPES = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}


def wall_clock() -> float:
    """Seconds since 1970. The one place where this library reads the time; every user may inject another clock."""
    return time.time()  # noqa: TID251 -- a stand-alone library has nobody above it who could pass `now`


class IssuerUnavailable(Exception):  # noqa: N818 -- a state, not a fault
    """The issuer's metadata or keys cannot be read, and none are kept: nothing can be decided (503)."""


@dataclass(frozen=True)
class Endpoints:
    """What discovery told."""

    jwks_uri: str
    introspection: str | None


def fetch_json(url: str) -> Mapping[str, Any]:
    """GET a small JSON object without following redirects; any failure is an httpx.HTTPError or ValueError."""
    answer = httpx.get(url, timeout=TIMEOUT, headers={"Accept": "application/json"})
    answer.raise_for_status()
    if len(answer.content) > MAX_BYTES:
        raise ValueError("the document is too large")
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("the document is no JSON object")  # noqa: TRY004 -- bad data, not a bad call
    return document


class Keys:
    """One issuer's keys. Threads may share it; only one of them fetches at a time."""

    def __init__(self, issuer: str, *, fetch: FetchJson = fetch_json, clock: Clock = wall_clock) -> None:
        self.issuer = issuer
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._keys: Mapping[tuple[str, str], Any] = {}
        self._endpoints: Endpoints | None = None
        self._read_at = self._tried_at = float("-inf")

    def find(self, kid: str, alg: str) -> Any | None:
        """The key with this id, fit for this algorithm; None when the issuer does not publish it.

        Raises: IssuerUnavailable when no keys were ever read and the issuer cannot be reached.
        """
        if self._clock() - self._read_at >= TTL_S or (kid, alg) not in self._keys:
            self._look_again(kid, alg)
        return self._keys.get((kid, alg))

    def endpoints(self) -> Endpoints:
        """The issuer's discovered endpoints (kept for good); raises IssuerUnavailable."""
        if self._endpoints is None:
            with self._lock:
                self._discover()
        if self._endpoints is None:
            raise IssuerUnavailable("the issuer's metadata cannot be read")
        return self._endpoints

    def _look_again(self, kid: str, alg: str) -> None:
        with self._lock:
            now = self._clock()
            fresh = now - self._read_at < TTL_S and (kid, alg) in self._keys
            if not fresh and not 0 <= now - self._tried_at < LOOK_AGAIN_S:
                self._tried_at = now
                self._read(now)
        if not self._keys:
            raise IssuerUnavailable("the issuer's keys cannot be read")

    def _read(self, now: float) -> None:
        self._discover()
        if self._endpoints is None:
            return
        try:
            found = usable_keys(self._fetch(self._endpoints.jwks_uri))
        except (httpx.HTTPError, ValueError):
            return  # the issuer is down: what we have goes on (the tokens themselves live minutes)
        if found:
            self._keys, self._read_at = found, now

    def _discover(self) -> None:
        if self._endpoints is not None:
            return
        try:
            document = self._fetch(f"{self.issuer}/.well-known/openid-configuration")
        except (httpx.HTTPError, ValueError):
            return
        jwks_uri, introspection = document.get("jwks_uri"), document.get("introspection_endpoint")
        if document.get("issuer") == self.issuer and isinstance(jwks_uri, str):  # RFC 8414 section 3.3
            self._endpoints = Endpoints(jwks_uri, introspection if isinstance(introspection, str) else None)


def usable_keys(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Public signature keys by (kid, alg). What is private, unnamed, foreign or broken is left out."""
    listed = document.get("keys")
    found: dict[tuple[str, str], Any] = {}
    for entry in listed if isinstance(listed, list) else ():
        alg = _algorithm(entry)
        if alg is not None:
            try:
                found[entry["kid"], alg] = jwk.import_key(entry)
            except (JoseError, ValueError, TypeError):
                continue
    return found


def _algorithm(entry: object) -> str | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    if "d" in entry or entry.get("use", "sig") != "sig":
        return None
    for alg, (kty, curve) in KEY_TYPES.items():
        if entry.get("kty") == kty and entry.get("crv") == curve and entry.get("alg", alg) == alg:
            return alg
    return None
