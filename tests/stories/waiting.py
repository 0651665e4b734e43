"""Waiting for another process: look until it is so, or say what was missing."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
WITHIN_S = 60.0


def eventually(look: Callable[[], T | None], otherwise: str, *, within_s: float = WITHIN_S) -> T:
    """The first answer of `look` that is not None or False."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        time.sleep(0.05)
