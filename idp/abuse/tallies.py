"""Counts that all processes share: one row a name and a stretch of time, moved by one statement.

A name is a program's word, or a keyed fingerprint behind one; nothing here names anybody.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, UtcDateTime, table_of

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEPT = timedelta(days=8)


class Tally(Base):
    """How often something happened from `since` on, until the next row of that name."""

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_since", "since"),)

    name: Mapped[Plain] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    counted: Mapped[int]


_T = table_of(Tally).c
_COUNTED = select(_T.since, _T.counted).where(
    _T.name == bindparam("of"),
    _T.since >= bindparam("first", type_=UtcDateTime()),
    _T.since <= bindparam("last", type_=UtcDateTime()),
)


def _add(engine: Any) -> Any:
    row = engine.insert(Tally).values(name=bindparam("of"), since=bindparam("at", type_=UtcDateTime()), counted=1)
    more = row.on_conflict_do_update(index_elements=["name", "since"], set_={"counted": _T.counted + 1})
    return more.returning(_T.counted)


_TAKE_BACK = (
    update(Tally)
    .where(Tally.name == bindparam("of"), Tally.since == bindparam("at"), Tally.counted > 0)
    .values(counted=Tally.counted - 1)
    .execution_options(synchronize_session=False)
)
_ADD = {"sqlite": _add(sqlite), "postgresql": _add(postgresql)}


def add(session: Session, name: str, *, each: timedelta, now: datetime) -> int:
    """Count one; how many there are now in this stretch of `each` (a minute, an hour, a day; UTC)."""
    counted: int = session.execute(
        _ADD[session.get_bind().dialect.name], {"of": name, "at": begun(now, each)}
    ).scalar_one()
    return counted


def take_back(session: Session, name: str, *, each: timedelta, now: datetime) -> None:
    """What was counted in this stretch did not happen."""
    session.execute(_TAKE_BACK, {"of": name, "at": begun(now, each)})


def counted(session: Session, name: str, *, first: datetime, last: datetime) -> dict[datetime, int]:
    """The counts of the stretches that began between the two moments, both included."""
    rows = session.execute(_COUNTED, {"of": name, "first": first, "last": last})
    return {since: count for since, count in rows}  # noqa: C416 -- rows are no pairs to `dict` for the type checker


def total(session: Session, prefix: str, *, since: Collection[datetime]) -> dict[datetime, int]:
    """All counts whose names begin so, added up by the stretches that began at these moments."""
    rows = session.execute(
        select(_T.since, func.sum(_T.counted))
        .where(_T.since.in_(since), _T.name.startswith(prefix, autoescape=True))
        .group_by(_T.since)
    )
    return {moment: int(number) for moment, number in rows}


def one(session: Session, name: str, *, each: timedelta, now: datetime) -> int:
    """The count of the present stretch."""
    since = begun(now, each)
    return counted(session, name, first=since, last=since).get(since, 0)


def begun(now: datetime, each: timedelta) -> datetime:
    """PURE: when the present stretch began; all processes agree on it."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (now - day) // each * each


def purge(session: Session, *, now: datetime) -> None:
    """Forget what no rule looks back at."""
    session.execute(delete(Tally).where(Tally.since < now - KEPT).execution_options(synchronize_session=False))
