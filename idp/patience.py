"""How seldom we ask a database again while it does not answer.

One at a time tries until one succeeds; the others are refused at once, so that no thread piles up behind an outage.
"""

import threading
import time
from collections.abc import Callable

REST_S = 1.0
LONGEST_TRY_S = 6.0


class Rest:
    """After a failure nobody asks for a second, then one does, and the others are still refused until it worked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._away, self._until = False, 0.0

    def admits(self) -> bool:
        """Whether to ask the database now. Costs nothing while all is well."""
        if not self._away:
            return True
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + LONGEST_TRY_S  # whoever asks now has this long; then somebody else may
            return True

    def failed(self) -> None:
        """The database was not there."""
        with self._lock:
            self._away, self._until = True, self._clock() + REST_S

    def worked(self) -> None:
        """It is there."""
        self._away = False


def is_gone(error: BaseException | None) -> bool:
    """Whether the server was not there at all: no answer with a code of its own, or one that says it goes down."""
    code = getattr(getattr(error, "orig", None), "sqlstate", "")
    return code is None or code.startswith("57P")  # class 57, operator intervention: shutdown, crash, starting up
