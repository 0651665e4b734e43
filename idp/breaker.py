"""A circuit breaker: an outside service that does not answer is left alone for a while, and then asked by one alone.

It opens at once when a time limit was reached, so that nobody else waits for it, and after a few quick failures in a
row. The rest doubles while it stays away. Each process has its own: what one learns costs the others one try.
"""

import threading
import time
from collections.abc import Callable
from weakref import WeakSet

import structlog

REST_S = 2.0
LONGEST_REST_S = 60.0
LONGEST_TRY_S = 10.0
FAILURES = 3

logger = structlog.get_logger("yinyom.breaker")
_known: "WeakSet[Breaker]" = WeakSet()


class Breaker:
    """closed: everybody may ask. open: nobody. half-open: one asks, and whether that works decides."""

    def __init__(self, name: str, *, failures: int = FAILURES, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._most, self._clock, self._lock = failures, clock, threading.Lock()
        self._failures, self._rest, self._until = 0, REST_S, 0.0
        self._open = False
        _known.add(self)

    @property
    def is_open(self) -> bool:
        """Whether the service counts as away, also while one asks whether it is back."""
        return self._open

    def admits(self) -> bool:
        """Whether to ask now. Costs nothing while all is well; whoever is admitted must tell how it went."""
        if not self._open:
            return True
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + LONGEST_TRY_S  # whoever asks now has this long; then somebody else may
            return True

    def worked(self) -> None:
        """It answered."""
        if not self._failures and not self._open:
            return
        with self._lock:
            was_open, self._open = self._open, False
            self._failures, self._rest = 0, REST_S
        if was_open:
            logger.info("breaker.closed", service=self.name)

    def failed(self, *, timed_out: bool = False) -> None:
        """It did not; `timed_out`: it made somebody wait until the end, so nobody else shall."""
        with self._lock:
            was_open, self._failures = self._open, self._failures + 1
            if not (was_open or timed_out or self._failures >= self._most):
                return
            self._rest = min(LONGEST_REST_S, self._rest * 2) if was_open else REST_S
            self._open, self._until = True, self._clock() + self._rest
        if not was_open:
            logger.warning("breaker.opened", service=self.name, timed_out=timed_out)


def open_services() -> dict[str, bool]:
    """Every service that this process has a breaker for, and whether it counts as away."""
    found: dict[str, bool] = {}
    for one in list(_known):
        found[one.name] = found.get(one.name, False) or one.is_open
    return found
