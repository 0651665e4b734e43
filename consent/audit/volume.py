"""How much was written: counts by day and family of events, so that an unusual day shows. Nobody's entries are read.

A day is counted along the index on time, up to MOST entries; a fuller one says so. Days that are over are kept in
memory, since an entry's time never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from consent.audit.events import EVENTS, FAMILIES
from consent.audit.models import AuditEntry

MOST = 100_000
SETTLED = timedelta(hours=1)  # longer than any transaction that still writes into the day before
OFTEN, LEAST = 3, 20  # a day is unusual from three times the usual, and not below twenty entries


@dataclass(frozen=True)
class Day:
    """One day: how many entries of each family. `full`: there were more than are counted."""

    begins: datetime
    counts: Mapping[str, int]
    full: bool

    @property
    def total(self) -> int:
        """Of all families."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Usual:
    """Today so far beside the median of the days before. `compared`: there was a day before with any entry at all."""

    today: int
    usual: int
    compared: bool = True

    @property
    def unusual(self) -> bool:
        """Whether today stands out."""
        return self.compared and self.today >= max(LEAST, OFTEN * self.usual)


_ENTRIES = (
    select(AuditEntry.event)
    .where(AuditEntry.at >= bindparam("begins"), AuditEntry.at < bindparam("ends"))
    .limit(bindparam("most"))
    .subquery()
)
_COUNT = select(_ENTRIES.c.event, func.count()).group_by(_ENTRIES.c.event)


class Counted:
    """Counts days; one for a process and a database."""

    def __init__(self, most: int = MOST) -> None:
        self._days: dict[datetime, Day] = {}
        self._most = most

    def days(self, session: Session, midnights: Sequence[datetime], *, now: datetime) -> list[Day]:
        """The days between these midnights, oldest first."""
        found = [self._days.get(begins) or self._count(session, begins, ends) for begins, ends in pairwise(midnights)]
        ended = {day.begins: day for day, ends in zip(found, midnights[1:], strict=True) if ends + SETTLED <= now}
        self._days = ended  # what left the window is forgotten
        return found

    def _count(self, session: Session, begins: datetime, ends: datetime) -> Day:
        rows = session.execute(_COUNT, {"begins": begins, "ends": ends, "most": self._most}).all()
        counts = dict.fromkeys(FAMILIES, 0)
        for event, count in rows:
            counts[EVENTS[event].family if event in EVENTS else FAMILIES[-1]] += count
        return Day(begins, counts, full=sum(counts.values()) >= self._most)


def against_usual(days: Sequence[Day]) -> dict[str, Usual]:
    """The last day beside the median of those before it, by family; "" for all together."""
    *before, today = days
    compared = any(day.total for day in before)

    def beside(count: int, counts: list[int]) -> Usual:
        return Usual(count, median_low(counts) if counts else 0, compared)

    told = {"": beside(today.total, [day.total for day in before])}
    return told | {name: beside(today.counts[name], [day.counts[name] for day in before]) for name in FAMILIES}
