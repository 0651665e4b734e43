"""How often an issuer may be asked about one number: 3 times a day, and a break after 3 answers of "no".

Counted for the fingerprint of the number, one row each, by one conditional UPDATE before the issuer is asked: several
accounts with one number, browsers and processes have three together (RELIABILITY 3, THAI.md 3b R2). Only this way
closes; ThaID and the counter stay open.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from consent.db import InsertOnce, rows_of
from idp.proofing.models import Looks

A_DAY = timedelta(hours=24)
MOST_MISSES = 3
FIRST_BREAK = timedelta(hours=24)
LONGEST_BREAK = timedelta(days=8)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_open_once = InsertOnce(Looks)


@dataclass(frozen=True)
class Quiet:
    """The issuer is not asked before `until`."""

    until: datetime


def take(session: Session, fingerprint: str, *, now: datetime) -> Quiet | None:
    """Pay for one look-up before it is made; None when it may be. The caller commits first, then asks."""
    first = {"look_1": LONG_AGO, "look_2": LONG_AGO, "look_3": LONG_AGO, "misses": 0, "breaks": 0}
    _open_once(session, {"fingerprint": fingerprint, **first, "quiet_until": None})
    taken = session.execute(
        update(Looks)
        .where(
            Looks.fingerprint == fingerprint,
            Looks.look_3 <= now - A_DAY,
            or_(Looks.quiet_until.is_(None), Looks.quiet_until <= now),
        )
        .values(look_1=now, look_2=Looks.look_1, look_3=Looks.look_2)
        .execution_options(synchronize_session=False)
    )
    return None if rows_of(taken) == 1 else quiet(session, fingerprint, now=now)


def quiet(session: Session, fingerprint: str, *, now: datetime) -> Quiet | None:
    """Until when nothing may be asked about this number, or None."""
    row = session.execute(select(Looks.look_3, Looks.quiet_until).where(Looks.fingerprint == fingerprint)).first()
    if row is None:
        return None
    until = max(row.look_3 + A_DAY, row.quiet_until or LONG_AGO)
    return Quiet(until) if until > now else None


def give_back(session: Session, fingerprint: str) -> None:
    """The issuer did not answer: that look-up was none."""
    session.execute(
        update(Looks)
        .where(Looks.fingerprint == fingerprint)
        .values(look_1=Looks.look_2, look_2=Looks.look_3, look_3=LONG_AGO)
        .execution_options(synchronize_session=False)
    )


def missed(session: Session, fingerprint: str, *, now: datetime) -> Quiet | None:
    """The issuer said no; the third time in a row begins a break that is twice as long as the last one."""
    row = session.execute(
        update(Looks)
        .where(Looks.fingerprint == fingerprint)
        .values(misses=Looks.misses + 1)
        .returning(Looks.misses, Looks.breaks)
        .execution_options(synchronize_session=False)
    ).one()
    if row.misses < MOST_MISSES:
        return quiet(session, fingerprint, now=now)
    session.execute(
        update(Looks)
        .where(Looks.fingerprint == fingerprint)
        .values(misses=0, breaks=row.breaks + 1, quiet_until=now + break_of(row.breaks))
        .execution_options(synchronize_session=False)
    )
    return quiet(session, fingerprint, now=now)


def forgive(session: Session, fingerprint: str) -> None:
    """The card was the person's own: earlier misses are forgotten, the day's look-ups are not."""
    session.execute(
        update(Looks)
        .where(Looks.fingerprint == fingerprint)
        .values(misses=0, breaks=0, quiet_until=None)
        .execution_options(synchronize_session=False)
    )


def break_of(breaks: int) -> timedelta:
    """PURE: how long the break is after so many breaks without a right answer: 1, 2, 4, 8 days and no more."""
    return min(LONGEST_BREAK, FIRST_BREAK * (1 << min(breaks, 8)))
