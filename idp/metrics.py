"""Counters of this server, and how Prometheus reads them (text format 0.0.4). No name, number or id is ever a label.

Events are counted under the audit event's own name, after the commit that keeps them: what was undone never happened.
Several processes share a folder: each maps a file of its own and adds to it without a lock that anyone else could
hold; whoever is asked sums all files. A process that died leaves its file, so no counter ever falls.
"""

import mmap
import os
import re
import secrets
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event

from idp.db import Session, Sessions

SIZE = 256 * 1024
NUMBER = struct.Struct("<Q")
REASON = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
SUFFIX = ".counts"
HELP = {
    "yinyom_requests_total": ("counter", "Requests, by route and status."),
    "yinyom_request_seconds": ("summary", "Time that requests took, by route."),
    "yinyom_events_total": ("counter", "Audit events that were kept, by name and outcome; refusals by reason too."),
}


@dataclass(frozen=True)
class Sample:
    """One value of one series, with what it means."""

    name: str
    value: float
    labels: Mapping[str, str]
    help: str = ""


def series(name: str, labels: Mapping[str, str]) -> str:
    """The series as Prometheus writes it."""
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name


class Counters:
    """Whole numbers that only grow, in memory or, with a folder, in one file for each process."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._pid, self._used = os.getpid(), NUMBER.size
        self._places: dict[str, int] = {}
        if self._folder is None:
            self._memory: Any = bytearray(SIZE)
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{self._pid}-{secrets.token_hex(4)}{SUFFIX}"
        with path.open("x+b") as file:
            file.truncate(SIZE)
            self._memory = mmap.mmap(file.fileno(), SIZE)

    def add(self, name: str, by: int = 1, /, **labels: str) -> None:
        """Count. Series beyond the file's size are not counted: a full file must not stop a request."""
        with self._lock:
            if self._pid != os.getpid():  # a fork: the parent's numbers are the parent's
                self._begin()
            place = self._place(series(name, labels))
            if place is not None:
                (known,) = NUMBER.unpack_from(self._memory, place)
                NUMBER.pack_into(self._memory, place, known + by)

    def _place(self, key: str) -> int | None:
        place = self._places.get(key)
        if place is None:
            raw = key.encode()
            end = self._used + 2 * NUMBER.size + len(raw) + -len(raw) % NUMBER.size
            if end > SIZE:
                return None
            place = self._places[key] = self._used
            NUMBER.pack_into(self._memory, place + NUMBER.size, len(raw))
            self._memory[place + 2 * NUMBER.size : place + 2 * NUMBER.size + len(raw)] = raw
            self._used = end
            NUMBER.pack_into(self._memory, 0, end)  # last, so that a reader never meets half a name
        return place

    def totals(self) -> Counter[str]:
        """Every series, summed over all processes of the folder."""
        if self._folder is None:
            return _read(bytes(self._memory))
        found: Counter[str] = Counter()
        for path in self._folder.glob(f"*{SUFFIX}"):
            found.update(_read(path.read_bytes()))
        return found


def _read(raw: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    (used,) = NUMBER.unpack_from(raw)
    place = NUMBER.size
    while place < used:
        value, length = NUMBER.unpack_from(raw, place)[0], NUMBER.unpack_from(raw, place + NUMBER.size)[0]
        start = place + 2 * NUMBER.size
        found[raw[start : start + length].decode()] += value
        place = start + length + -length % NUMBER.size
    return found


def count_request(counters: Counters, *, route: str, status: int, seconds: float) -> None:
    """One request. `route` is the rule, never the path."""
    counters.add("yinyom_requests_total", route=route, status=str(status))
    counters.add("yinyom_request_seconds_count", route=route)
    counters.add("yinyom_request_seconds_sum", int(seconds * 1_000_000), route=route)


def listen(sessions: Sessions, counters: Counters) -> None:
    """Count what the log was given, once its transaction is kept."""

    def kept(session: Session) -> None:
        for name, outcome, reason in session.info.pop("appended", ()):
            why: dict[str, str] = {"reason": reason if REASON.fullmatch(reason) else "other"} if outcome != "ok" else {}
            counters.add("yinyom_events_total", event=name, outcome=outcome, **why)

    def undone(session: Session) -> None:
        session.info.pop("appended", None)

    event.listen(sessions.write, "after_commit", kept)
    event.listen(sessions.write, "after_rollback", undone)


def exposition(counted: Mapping[str, int], gauges: Iterable[Sample]) -> str:
    """What /metrics answers: each metric with its help and type once, then its series in order."""
    lines: list[str] = []
    for name, (kind, words) in HELP.items():
        lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
        own = (key for key in counted if key.startswith((f"{name}{{", f"{name}_sum", f"{name}_count")))
        lines += [f"{key} {counted[key] / 1_000_000 if '_sum{' in key else counted[key]}" for key in sorted(own)]
    told: set[str] = set()
    for gauge in gauges:
        if gauge.name not in told:
            told.add(gauge.name)
            lines += [f"# HELP {gauge.name} {gauge.help}", f"# TYPE {gauge.name} gauge"]
        lines.append(f"{series(gauge.name, gauge.labels)} {gauge.value:g}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
