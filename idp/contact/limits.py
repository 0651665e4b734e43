"""How often a code may be sent for one national ID: 1 in 30 s, 3 in 15 min, 8 in 24 h (RELIABILITY 3).

Counted for the fingerprint, so that a number nobody has counts like any other. One row remembers the last eight
sends, newest first; a send is one conditional UPDATE that checks all three windows and shifts the row, so that parallel
requests cannot send one too many.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain
from idp.contact.challenge import Challenge, hashed

SHORTEST = timedelta(seconds=30)
WINDOWS = ((1, SHORTEST), (3, timedelta(minutes=15)), (8, timedelta(hours=24)))  # the n-th last must be older than
REMEMBERED = 8
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SendLedger(Base):
    """The last eight sends for one number, `sent_1` the newest."""

    __tablename__ = "send_ledger"

    fingerprint: Mapped[Plain] = mapped_column(primary_key=True)
    sent_1: Mapped[datetime]
    sent_2: Mapped[datetime]
    sent_3: Mapped[datetime]
    sent_4: Mapped[datetime]
    sent_5: Mapped[datetime]
    sent_6: Mapped[datetime]
    sent_7: Mapped[datetime]
    sent_8: Mapped[datetime]


@dataclass(frozen=True)
class Limited:
    """Nothing is sent before `until`."""

    until: datetime


_COLUMNS = [getattr(SendLedger, f"sent_{n}") for n in range(1, REMEMBERED + 1)]
_LEDGER = select(*_COLUMNS).where(SendLedger.fingerprint == bindparam("number"))
_TAKE = (
    update(SendLedger)
    .where(
        SendLedger.fingerprint == bindparam("number"),
        *(_COLUMNS[nth - 1] <= bindparam(f"before_{nth}") for nth, _ in WINDOWS),
    )
    .values(dict(zip(_COLUMNS[1:], _COLUMNS, strict=False)) | {_COLUMNS[0]: bindparam("at")})
    .execution_options(synchronize_session=False)
)


def counted_as(mark: str, device_hash: str | None) -> str:
    """PURE: what sends for a number or to a phone are counted under, apart for each device that the person is known by.

    Otherwise eight requests a day by a stranger, who needs the number alone, would silence its person everywhere.
    """
    return mark if device_hash is None else hashed(f"{mark} {device_hash}")


def take(session: Session, fingerprint: str, *, now: datetime, patience: timedelta = SHORTEST) -> datetime | Limited:
    """Count one send and say when it happens: now, or within `patience`; otherwise when to ask again."""
    _open_ledger(session, fingerprint)
    if _taken(session, fingerprint, at=now):
        return now
    until = _free_at(session, fingerprint)
    if until - now <= patience and _taken(session, fingerprint, at=until):
        return until
    return Limited(until)


def _taken(session: Session, fingerprint: str, *, at: datetime) -> bool:
    before = {f"before_{nth}": at - window for nth, window in WINDOWS}
    done: Any = session.execute(_TAKE, {"number": fingerprint, "at": at, **before})
    return bool(done.rowcount)


def _free_at(session: Session, fingerprint: str) -> datetime:
    sent = session.execute(_LEDGER, {"number": fingerprint}).one()
    times: tuple[datetime, ...] = tuple(sent)
    return max(times[nth - 1] + window for nth, window in WINDOWS)


def _open_ledger(session: Session, fingerprint: str) -> None:
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"fingerprint": fingerprint} | dict.fromkeys((column.key for column in _COLUMNS), LONG_AGO)
    session.execute(insert(SendLedger).values(row).on_conflict_do_nothing(index_elements=["fingerprint"]))


def numbers_of(session: Session, browser: str, *, besides: str, since: datetime) -> int:
    """For how many other people a code was asked for in this browser; exact over all processes."""
    asked_for = select(func.count(Challenge.fingerprint.distinct())).where(
        Challenge.browser_hash == hashed(browser),
        Challenge.created_at > since,
        Challenge.hurdle.is_(None),
        Challenge.fingerprint != besides,
    )
    return session.scalar(asked_for) or 0
