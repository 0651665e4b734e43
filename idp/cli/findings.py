"""What a check of `idp doctor` says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found: ok, warn or fail, and one sentence."""

    level: str
    name: str
    words: str


Checks = Mapping[str, Callable[[Any], Finding]]
