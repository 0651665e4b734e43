"""Which data holders have fallen silent, each by its own rhythm: an operator asks before a citizen wonders (PDPA s.30).

A hospital that reports all day is late within hours; a clinic that is closed on Sunday is not late on Monday. So the
longest pause of the last weeks is what is usual, and twice that is silence. An outage is not learned as a rhythm.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, InsertOnce, Plain, rows_of, table_of
from idp.oauth import resources
from idp.reports import HolderReport

PERIOD = timedelta(days=28)  # the longest pause of this one and of the one before counts
LEAST, UNKNOWN = timedelta(hours=6), timedelta(days=3)  # never late before; while its rhythm is not known yet
TWICE = 2
APART = timedelta(hours=1)  # reports that lie nearer are one sign of life
STATES = ("speaking", "silent", "never")
MOST_STEPS = 500  # of one holder in one round; the rest waits for the next
LISTENER = log.Actor.system("worker")


class HolderRhythm(Base):
    """How regularly one holder reports. `silent_at`: since when an operator was told that it is late."""

    __tablename__ = "holder_rhythm"
    __table_args__ = (
        CheckConstraint("longest_s >= 0 AND before_s >= 0", name="spans"),
        CheckConstraint("first_at <= last_at", name="order"),
    )

    holder: Mapped[Plain] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    since: Mapped[datetime]
    longest_s: Mapped[int]
    before_s: Mapped[int]
    silent_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Rhythm:
    """Signs of life: the first, the last, since when pauses are measured, the longest of them, the longest before."""

    first_at: datetime
    last_at: datetime
    since: datetime
    longest: timedelta = timedelta(0)
    before: timedelta = timedelta(0)

    @property
    def limit(self) -> timedelta:
        """PURE: how long it may say nothing."""
        least = LEAST if self.last_at - self.first_at >= PERIOD else UNKNOWN
        return max(least, TWICE * max(self.longest, self.before))

    def heard(self, at: datetime) -> "Rhythm":
        """PURE: the rhythm with one more sign of life. What was silence counts as no longer than the limit was."""
        pause = min(at - self.last_at, self.limit)
        if at - self.since >= PERIOD:
            return replace(self, last_at=at, since=at, longest=pause, before=self.longest)
        return replace(self, last_at=at, longest=max(self.longest, pause))


@dataclass(frozen=True)
class Voice:
    """One registered holder as an operator sees it. `last` and `limit` are None while it never reported."""

    holder: str
    client_id: str
    last: datetime | None
    limit: timedelta | None

    def late(self, now: datetime) -> float:
        """PURE: how long it is silent, as a share of what it may be; above 1 it is late. 0 if it never spoke."""
        return 0.0 if self.last is None or self.limit is None else (now - self.last) / self.limit

    def state(self, now: datetime) -> str:
        """PURE: `speaking`, `silent` or `never`."""
        return "never" if self.last is None else "silent" if self.late(now) > 1 else "speaking"


_T, _R = table_of(HolderRhythm), table_of(HolderReport).c
_begin = InsertOnce(HolderRhythm)


def listen(session: Session, *, now: datetime) -> int:
    """Learn what was reported since the last round, and say who fell silent or is back; how many that were.

    Appends holder.silent and holder.back, each once, however many workers listen.
    """
    return sum(_listen(session, one.identifier, now=now) for one in resources.everyone(session))


def voices(session: Session, *, now: datetime) -> list[Voice]:
    """Every registered holder: the latest first of all, then those who never spoke."""
    known = {row.holder: _rhythm(row) for row in session.execute(select(_T))}
    found = []
    for one in resources.everyone(session):
        rhythm = known.get(one.identifier)
        told = (None, None) if rhythm is None else (rhythm.last_at, rhythm.limit)
        found.append(Voice(one.identifier, one.client_id or "", *told))
    return sorted(found, key=lambda voice: (voice.last is None, -voice.late(now)))


def _listen(session: Session, holder: str, *, now: datetime) -> int:
    row = session.execute(select(_T).where(_T.c.holder == holder)).one_or_none()
    begun = None if row is None else _rhythm(row)
    rhythm, whole = _caught_up(session, holder, begun, now=now)
    if rhythm is None:
        return 0
    if rhythm != begun:
        _learn(session, holder, rhythm)
    return _told(session, holder, late=now - rhythm.last_at > rhythm.limit, now=now) if whole else 0


def _learn(session: Session, holder: str, rhythm: Rhythm) -> None:
    """Keep it, unless another worker has heard more by now."""
    facts = {
        "last_at": rhythm.last_at,
        "since": rhythm.since,
        "longest_s": int(rhythm.longest.total_seconds()),
        "before_s": int(rhythm.before.total_seconds()),
    }
    if not _begin(session, {"holder": holder, "first_at": rhythm.first_at, "silent_at": None, **facts}):
        session.execute(update(_T).where(_T.c.holder == holder, _T.c.last_at < rhythm.last_at).values(facts))


def _caught_up(session: Session, holder: str, rhythm: Rhythm | None, *, now: datetime) -> tuple[Rhythm | None, bool]:
    """The rhythm with what came since, and whether that was all. Steps over an hour at once."""
    last = now - TWICE * PERIOD if rhythm is None else rhythm.last_at
    for _ in range(MOST_STEPS):
        of_it = (_R.holder == holder, _R.reported_at > last)
        at = session.scalar(select(func.min(_R.reported_at)).where(*of_it))
        if at is None:
            return rhythm, True
        rhythm = Rhythm(at, at, at) if rhythm is None else rhythm.heard(at)
        last = session.scalar(select(func.max(_R.reported_at)).where(*of_it, _R.reported_at <= at + APART)) or at
        rhythm = replace(rhythm, last_at=last)
    return rhythm, False


def _told(session: Session, holder: str, *, late: bool, now: datetime) -> int:
    """One entry when it falls silent, one when it is back."""
    of_it = _T.c.holder == holder
    turned = (
        update(_T).where(of_it, _T.c.silent_at.is_(None)).values(silent_at=now)
        if late
        else update(_T).where(of_it, _T.c.silent_at.is_not(None)).values(silent_at=None)
    )
    if rows_of(session.execute(turned)) != 1:
        return 0
    log.append(session, "holder.silent" if late else "holder.back", now=now, actor=LISTENER, holder=holder)
    return 1


def _rhythm(row: Any) -> Rhythm:
    longest, before = timedelta(seconds=row.longest_s), timedelta(seconds=row.before_s)
    return Rhythm(row.first_at, row.last_at, row.since, longest, before)
