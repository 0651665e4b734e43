"""Which autonomous system an address belongs to, by a local file of the public form; nobody is asked.

Tab-separated, one range a line: first address, last address, AS number, and anything behind it; IPv4 and IPv6, gzip
undone. AS 0 (routed by nobody) is left out. Networks of IPv6 are kept to their /64, as everything here counts them.
"""

import socket
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PREFIX_BITS = 64
V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)
Row = tuple[int, int, int]


@dataclass(frozen=True)
class Ranges:
    """Sorted ranges of one family: where each begins, where it ends, whose it is."""

    firsts: Sequence[int]
    lasts: Sequence[int]
    numbers: Sequence[int]

    def look(self, place: int) -> int | None:
        """The AS number of the range that begins nearest below, if it reaches so far."""
        at = bisect_right(self.firsts, place) - 1
        return self.numbers[at] if at >= 0 and place <= self.lasts[at] else None


@dataclass(frozen=True)
class AsRanges:
    """Both families."""

    v4: Ranges
    v6: Ranges

    def number_of(self, network: str) -> int | None:
        """The AS number of an address (`volume.network_of`); None where no range has it, or it is no address."""
        found = _place(network)
        return None if found is None else (self.v4 if found[0] == V4 else self.v6).look(found[1])


def read(path: Path | None) -> AsRanges | None:
    """Everything in the file; None without one. Raises: ValueError in one sentence when it cannot be read or used."""
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as lines:
            return parse(lines)
    except OSError as error:
        raise ValueError(f"the file of AS ranges {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"the file of AS ranges {path} is of no use: {error}") from error


def parse(lines: Iterable[str]) -> AsRanges:
    """PURE: the ranges of these lines. Raises: ValueError that names the first bad line, or says that there is none."""
    columns = {family: (array("Q"), array("Q"), array("Q")) for family in (V4, V6)}  # half a million ranges: 15 MB
    for n, line in enumerate(lines, 1):
        if not line.strip():
            continue
        family, row = _row(line, n)
        if row[2]:
            for column, value in zip(columns[family], row, strict=True):
                column.append(value)
    if not any(firsts for firsts, *_ in columns.values()):
        raise ValueError("it has no range")
    return AsRanges(*(_sorted(*columns[family]) for family in (V4, V6)))


def _row(line: str, n: int) -> tuple[int, Row]:
    first, last, number = ([*line.split("\t", 3), "", ""])[:3]
    begins, ends, told = _place(first.strip()), _place(last.strip()), number.strip()
    plain = told.isascii() and told.isdigit() and int(told) < 1 << 32
    if begins is None or ends is None or begins[0] != ends[0] or begins[1] > ends[1] or not plain:
        raise ValueError(f"line {n} is no range (first address, last address, AS number, between tabs)")
    return begins[0], (begins[1], ends[1], int(told))


def _place(address: str) -> tuple[int, int] | None:
    """PURE: family and number of an address; of IPv6 the upper half."""
    family = V6 if ":" in address else V4
    try:
        raw = socket.inet_pton(family, address)
    except (OSError, ValueError):
        return None
    return family, int.from_bytes(raw[: PREFIX_BITS // 8])


def _sorted(*columns: Sequence[int]) -> Ranges:
    """The ranges as they are in the file where that is sorted, as the public ones are."""
    firsts = columns[0]
    if all(before <= after for before, after in pairwise(firsts)):
        return Ranges(*columns)
    order = sorted(range(len(firsts)), key=firsts.__getitem__)
    return Ranges(*(array("Q", (column[at] for at in order)) for column in columns))
