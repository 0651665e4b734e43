"""How often a code may be sent for one number: 1 in 30 s, 3 in 15 min, 8 in 24 h, then more slowly (RELIABILITY 3).

Counted for the fingerprint, so that a number nobody has counts like any other. One row remembers the last eight
sends, newest first; a send is one conditional UPDATE that checks all windows and shifts the row, so that parallel
requests cannot send one too many. Beyond the day's eight each waits twice as long after the one before it: 1, 2, 4 and
so on to 32 minutes, until the eighth last is a day old.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, UtcDateTime
from idp.contact.challenge import Challenge, hashed

SHORTEST = timedelta(seconds=30)
WINDOWS = ((1, SHORTEST), (3, timedelta(minutes=15)))  # the n-th last must be older than
REMEMBERED, DAY = 8, timedelta(hours=24)
RESTS = tuple(timedelta(minutes=1 << n) for n in range(6))  # before the ninth of a day, the tenth, and so on
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SendLedger(Base):
    """The last eight sends for one number, `sent_1` the newest.

    `over`: how many of the sends in a row went beyond the day's eight (at most five are told apart); `rests_until`: the
    next of them goes no sooner.
    """

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
    over: Mapped[int] = mapped_column(server_default="0")
    rests_until: Mapped[datetime | None]


@dataclass(frozen=True)
class Limited:
    """Nothing is sent before `until`."""

    until: datetime


_COLUMNS = [getattr(SendLedger, f"sent_{n}") for n in range(1, REMEMBERED + 1)]
_LEDGER = select(*_COLUMNS, SendLedger.rests_until).where(SendLedger.fingerprint == bindparam("number"))
_IN_QUOTA = SendLedger.sent_8 <= bindparam("yesterday", type_=UtcDateTime())
_REST = [bindparam(f"rest_{n}", type_=UtcDateTime()) for n in range(len(RESTS))]
_TAKE = (
    update(SendLedger)
    .where(
        SendLedger.fingerprint == bindparam("number"),
        *(_COLUMNS[nth - 1] <= bindparam(f"before_{nth}") for nth, _ in WINDOWS),
        or_(_IN_QUOTA, SendLedger.rests_until <= bindparam("rested", type_=UtcDateTime())),
    )
    .values(
        dict(zip(_COLUMNS[1:], _COLUMNS, strict=False))
        | {
            _COLUMNS[0]: bindparam("at", type_=UtcDateTime()),
            SendLedger.over: case(
                (_IN_QUOTA, 0), (SendLedger.over < len(RESTS) - 1, SendLedger.over + 1), else_=len(RESTS) - 1
            ),
            SendLedger.rests_until: case(
                (_IN_QUOTA, _REST[0]),
                *((SendLedger.over == n, _REST[n + 1]) for n in range(len(RESTS) - 2)),
                else_=_REST[-1],
            ),
        }
    )
    .execution_options(synchronize_session=False)
)


def counted_as(mark: str, device_hash: str | None) -> str:
    """PURE: what sends for a number or to a phone are counted under, apart for each device that the person is known by.

    Otherwise eight requests a day by a stranger, who needs the number alone, would silence its person everywhere.
    """
    return mark if device_hash is None else hashed(f"{mark} {device_hash}")


def take(
    session: Session, fingerprint: str, *, now: datetime, patience: timedelta = SHORTEST, strict: bool = False
) -> datetime | Limited:
    """Count one send and say when it happens: now, or within `patience`; otherwise when to ask again.

    `strict`: not one beyond the day's eight, for who may choose where they go.
    """
    _open_ledger(session, fingerprint)
    if _taken(session, fingerprint, at=now, strict=strict):
        return now
    until = _free_at(session, fingerprint, strict=strict)
    if until - now <= patience and _taken(session, fingerprint, at=until, strict=strict):
        return until
    return Limited(until)


def _taken(session: Session, fingerprint: str, *, at: datetime, strict: bool) -> bool:
    before = {f"before_{nth}": at - window for nth, window in WINDOWS}
    rests = {f"rest_{n}": at + rest for n, rest in enumerate(RESTS)}
    told = {"number": fingerprint, "at": at, "yesterday": at - DAY, "rested": LONG_AGO if strict else at}
    done: Any = session.execute(_TAKE, {**told, **before, **rests})
    return bool(done.rowcount)


def _free_at(session: Session, fingerprint: str, *, strict: bool) -> datetime:
    found = session.execute(_LEDGER, {"number": fingerprint}).one()
    times: list[datetime] = list(found[:REMEMBERED])
    quota = times[-1] + DAY
    if found.rests_until is not None and not strict:
        quota = min(quota, found.rests_until)
    return max(quota, *(times[nth - 1] + window for nth, window in WINDOWS))


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
