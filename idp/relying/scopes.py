"""PURE: does a granted scope cover a needed one? SMART App Launch 2.2 letters (c r u d s), anything else exactly."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

SMART = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]*)\.(c?r?u?d?s?)(?:\?(.+))?", re.ASCII)


def covers(granted: str, needed: str) -> bool:
    """`patient/Observation.rs` covers `.r`, `.s` and `.rs?category=laboratory`; a narrowed grant never widens.

    No wildcard is understood: this issuer grants none, and a star read as "all" would be the wrong mistake.
    """
    if granted == needed:
        return True
    have, want = SMART.fullmatch(granted), SMART.fullmatch(needed)
    if have is None or want is None or not want[3]:
        return False
    same_kind = have[1] == want[1] and have[2] == want[2]
    return same_kind and set(want[3]) <= set(have[3]) and _parameters(have[4]) <= _parameters(want[4])


def missing(granted: Iterable[str], needed: Iterable[str]) -> tuple[str, ...]:
    """Those of `needed` that nothing granted covers, in their order."""
    have = tuple(granted)
    return tuple(need for need in needed if not any(covers(scope, need) for scope in have))


def _parameters(query: str | None) -> frozenset[tuple[str, str]]:
    return frozenset(parse_qsl(query or "", keep_blank_values=True))
