"""Has the grant behind a token ended? The issuer's status lists, kept as long as they say (Token Status List).

For a holder that does not ask about each token: one small list answers for a million, and the issuer does not learn
which token was looked at. A list counts its age from the moment it was signed, so that a copy that was kept on the way
is no younger. A list that is too old and cannot be read anew refuses the token; with `fail_closed=False` it goes on
being believed until its own end (`exp`), and then, or when there was never one, the token's own short life decides.
"""

import threading
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from idp.relying import jws
from idp.relying.keys import TIMEOUT, Clock, IssuerUnavailable, Keys, wall_clock

ALGORITHM = "ES256"
TYPE = "statuslist+jwt"
ACCEPT = "application/statuslist+jwt"
BITS = (1, 2, 4, 8)
VALID = 0
DEFAULT_TTL_S = 60.0  # of a list that does not say
LOOK_AGAIN_S = 5.0
MAX_CHARS = 4 * 1024 * 1024
MAX_BYTES = 8 * 1024 * 1024  # unpacked; a packed list may not become a flood
MOST_KEPT = 256

FetchText = Callable[[str], str]


class StatusUnavailable(Exception):  # noqa: N818 -- a state, not a fault
    """The list cannot be read now."""


@dataclass(frozen=True)
class StatusList:
    """One list, proven and unpacked."""

    bits: int
    packed: bytes
    fresh_until: float
    ends_at: float

    def status(self, index: int) -> int:
        """The status at this place (sections 4.1, 7.1). Raises: jws.Refused when there is no such place."""
        each = 8 // self.bits
        if not 0 <= index < len(self.packed) * each:
            raise jws.Refused("the token points outside its status list")
        return self.packed[index // each] >> index % each * self.bits & (1 << self.bits) - 1


def fetch_text(url: str) -> str:
    """GET a status list token without following redirects; any failure is an httpx.HTTPError or ValueError."""
    answer = httpx.get(url, timeout=TIMEOUT, headers={"Accept": ACCEPT})
    answer.raise_for_status()
    if len(answer.content) > MAX_CHARS:
        raise ValueError("the list is too large")
    return answer.text.strip()


class StatusLists:
    """The lists of one issuer. Threads may share it; only one of them fetches at a time."""

    def __init__(
        self, keys: Keys, *, fail_closed: bool = True, fetch: FetchText = fetch_text, clock: Clock = wall_clock
    ) -> None:
        self.fail_closed = fail_closed
        self._keys, self._fetch, self._clock = keys, fetch, clock
        self._lock = threading.Lock()
        self._kept: dict[str, StatusList] = {}
        self._tried_at: dict[str, float] = {}

    def check(self, claims: Mapping[str, Any]) -> None:
        """Nothing for a token whose grant runs, or that points to no list (a system's own).

        Raises: jws.Refused when it has ended; StatusUnavailable when that cannot be known, with `fail_closed`.
        """
        place = reference(claims)
        if place is None:
            return
        uri, index = place
        if not uri.startswith(f"{self._keys.issuer}/"):
            raise jws.Refused("the token points to a status list of somebody else")
        found = self._find(uri)
        if found is not None and found.status(index) != VALID:
            raise jws.Refused("the token has been revoked")

    def _find(self, uri: str) -> StatusList | None:
        known = self._kept.get(uri)
        if known is not None and self._clock() < known.fresh_until:
            return known
        with self._lock:
            self._look_again(uri)
        known, now = self._kept.get(uri), self._clock()
        if known is not None and now < known.fresh_until:
            return known
        if self.fail_closed:
            raise StatusUnavailable("the status list cannot be read")
        return known if known is not None and now < known.ends_at else None

    def _look_again(self, uri: str) -> None:
        now, known = self._clock(), self._kept.get(uri)
        fresh = known is not None and now < known.fresh_until
        if fresh or 0 <= now - self._tried_at.get(uri, float("-inf")) < LOOK_AGAIN_S:
            return
        if len(self._tried_at) >= MOST_KEPT:
            self._kept.clear()
            self._tried_at.clear()
        self._tried_at[uri] = now
        try:
            read = unpacked(self._fetch(uri), uri=uri, keys=self._keys, now=now)
        except (httpx.HTTPError, ValueError, IssuerUnavailable, jws.Refused):
            return  # what we have goes on as long as it may
        self._kept[uri] = read


def reference(claims: Mapping[str, Any]) -> tuple[str, int] | None:
    """PURE: where the token's status stands (section 6.2), or None. Raises: jws.Refused for a broken reference."""
    status = claims.get("status")
    if status is None:
        return None
    listed = status.get("status_list") if isinstance(status, dict) else None
    uri, index = (listed.get("uri"), listed.get("idx")) if isinstance(listed, dict) else (None, None)
    if not isinstance(uri, str) or isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise jws.Refused("the token's status cannot be looked up")
    return uri, index


def unpacked(token: str, *, uri: str, keys: Keys, now: float) -> StatusList:
    """The list of a status list token (sections 5.1, 8.3).

    Raises: jws.Refused; ValueError when it cannot be unpacked; IssuerUnavailable.
    """
    claims = jws.claims_of(token, keys=keys, alg=ALGORITHM, typ=TYPE, most=MAX_CHARS)
    issued = jws.instant(claims, "iat")
    ends_at = jws.instant(claims, "exp") if "exp" in claims else float("inf")
    if claims.get("sub") != uri or claims.get("iss", keys.issuer) != keys.issuer:
        raise jws.Refused("the list is another one", part="audience")
    if issued > now + jws.LEEWAY_S or ends_at <= now:
        raise jws.Refused("the list is from another time")
    ttl = jws.instant(claims, "ttl") if "ttl" in claims else DEFAULT_TTL_S
    listed = claims.get("status_list")
    bits, packed = (listed.get("bits"), listed.get("lst")) if isinstance(listed, dict) else (None, None)
    if isinstance(bits, bool) or bits not in BITS or not isinstance(packed, str) or ttl <= 0:
        raise jws.Refused("the list cannot be read")
    fresh_until = max(issued + ttl, now + LOOK_AGAIN_S)  # a clock that is ahead may not make every list too old
    return StatusList(int(bits), _unzipped(packed), min(fresh_until, ends_at), ends_at)


def _unzipped(text: str) -> bytes:
    unzip = zlib.decompressobj()
    try:
        found = unzip.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), MAX_BYTES)
    except zlib.error as error:
        raise ValueError("the list is not packed as it should be") from error
    if not unzip.eof:
        raise ValueError("the list is too large, or cut short")
    return found
