"""What volume is counted in: Redis when several machines share one, else this process's memory. Never the database.

Nothing that names anybody is kept: keys are keyed fingerprints, and the longest lives thirty days. A process that
counts alone (no Redis, or Redis does not answer) allows its share of each limit: neither everything nor nothing
(RELIABILITY 3). In memory at most 100,000 keys are told apart; newcomers beyond them share one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

import structlog
from limits.errors import StorageError

MOST_KNOWN = 100_000
SWEEP = timedelta(minutes=1)
REST = timedelta(seconds=1)
ANSWER_S = 0.1
OTHERS = "others"
logger = structlog.get_logger("yinyom.abuse")


@dataclass(frozen=True)
class Count:
    """How many there were in the last window, as far as whoever counted knows; `share` processes count apart."""

    number: float
    share: int = 1

    def over(self, most: float) -> bool:
        """Whether that is more than this process may allow; at least one is allowed everywhere."""
        return self.number > max(1.0, most / self.share)


class Store(Protocol):
    """Numbers that grow and are forgotten."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add, and say how much there is. Raises StorageError."""
        ...

    def get(self, key: str) -> int:
        """How much there is. Raises StorageError."""
        ...


class Memory:
    """Numbers of this process. The caller's clock decides what is old."""

    def __init__(self) -> None:
        self._kept: dict[str, list[float]] = {}
        self._swept = 0.0
        self._lock = Lock()

    def add(self, key: str, *, until: float, now: float) -> int:
        """Count one that is forgotten at `until`."""
        with self._lock:
            self._sweep(now)
            name = key if key in self._kept or len(self._kept) < MOST_KNOWN else OTHERS
            number = self._kept.setdefault(name, [0, until])
            number[0] += 1
            return int(number[0])

    def get(self, key: str) -> int:
        """How many there are."""
        with self._lock:
            return int(self._kept.get(key, (0,))[0])

    def _sweep(self, now: float) -> None:
        if 0 <= now - self._swept < SWEEP.total_seconds():
            return
        self._swept = now
        self._kept = {key: number for key, number in self._kept.items() if number[1] > now}


class Windows:
    """Sliding windows over one of the two. `connect` makes the shared store at first use: processes may fork before."""

    def __init__(self, connect: Callable[[], Store] | None = None, *, share: int = 1) -> None:
        self._connect, self._share = connect, share
        self._shared: Store | None = None
        self._memory = Memory()
        self._rests_until: datetime | None = None

    def add(self, name: str, *, window: timedelta, now: datetime) -> Count:
        """Count one; how many that makes in the last `window`."""
        return self._count(name, window=window, now=now, more=1)

    def seen(self, name: str, *, window: timedelta, now: datetime) -> Count:
        """How many there were in the last `window`."""
        return self._count(name, window=window, now=now, more=0)

    def first(self, name: str, *, window: timedelta, now: datetime) -> bool:
        """Whether this is the first time in the present window."""
        key, _, _ = keys_of(name, window, now)
        return self._number(key, 2 * window, now, more=1)[0] == 1

    def rests(
        self, name: str, *, again: bool, rest: Callable[[int], timedelta], longest: timedelta, now: datetime
    ) -> bool:
        """Whether `name` rests now. `again` begins a rest from now on: the n-th in `longest` is `rest(n)` long."""
        nth, _ = self._number(f"{name}:rests", longest, now, more=int(again))
        if not nth:
            return False
        return self._number(f"{name}:rest:{nth}", rest(nth), now, more=int(again))[0] > 0

    def _count(self, name: str, *, window: timedelta, now: datetime, more: int) -> Count:
        key, before, gone = keys_of(name, window, now)
        this, share = self._number(key, 2 * window, now, more=more)
        last, _ = self._number(before, 2 * window, now, more=0)
        return Count(this + last * (1 - gone), share)

    def _number(self, key: str, kept: timedelta, now: datetime, *, more: int) -> tuple[int, int]:
        """The number of one key, which is forgotten `kept` after its first; and how many processes count apart."""
        store = self._reachable(now)
        if store is not None:
            try:
                found = store.incr(key, int(kept.total_seconds())) if more else store.get(key)
            except StorageError as error:
                self._rests_until = now + REST
                logger.warning("abuse.counting_alone", error=type(error.__cause__ or error).__name__)
            else:
                return found, 1
        at = now.timestamp()
        if more:
            return self._memory.add(key, until=at + kept.total_seconds(), now=at), self._share
        return self._memory.get(key), self._share

    def _reachable(self, now: datetime) -> Store | None:
        if self._connect is None or (self._rests_until is not None and now < self._rests_until):
            return None
        if self._shared is None:
            self._shared = self._connect()
        return self._shared


def keys_of(name: str, window: timedelta, now: datetime) -> tuple[str, str, float]:
    """PURE: the key of the present window, the key of the one before, and how much of the present one is over."""
    number, gone = divmod(now.timestamp(), window.total_seconds())
    return f"{name}:{number:.0f}", f"{name}:{number - 1:.0f}", gone / window.total_seconds()


def redis(url: str, password: str | None = None) -> Callable[[], Store]:
    """How to reach the shared store; it answers within 0.1 s or is counted as away."""

    def connect() -> Store:
        from limits.storage import RedisStorage  # noqa: PLC0415 -- only who has set a redis_url has the package

        found: Store = RedisStorage(
            url, wrap_exceptions=True, password=password or "", socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
        )
        return found

    return connect
