"""How often one address may ask a page that anybody can open. Held in memory, by this process, for a minute.

Nothing about who asked is written anywhere. IPv6 hosts own whole networks, so their first 64 bits count as one.
"""

from datetime import datetime, timedelta
from threading import Lock

from idp.abuse.volume import network_of

WINDOW = timedelta(minutes=1)
MOST_KNOWN = 10_000


class Pace:
    """At most `most` in a minute from one address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._since: datetime | None = None
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def take(self, address: str | None, *, now: datetime) -> bool:
        """Count one. False: too many, and it is not counted. Beyond 10,000 addresses newcomers share one count."""
        with self._lock:
            if self._since is None or not timedelta(0) <= now - self._since < WINDOW:
                self._since, self._counts = now, {}
            origin = network_of(address)
            if origin not in self._counts and len(self._counts) >= MOST_KNOWN:
                origin = ""
            if self._counts.get(origin, 0) >= self._most:
                return False
            self._counts[origin] = self._counts.get(origin, 0) + 1
            return True
