"""Guesses at one person's secret, counted in SQL before they are compared (RELIABILITY rule 1).

Five tries, then a lock of 15 minutes that doubles each time, 24 hours at most; a right guess forgives. The lock is on
the secret, never on the person: a passkey always works (ASVS 6.1.1).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base

TRIES = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
SIX_DIGITS = re.compile(r"[0-9]{6}")
SEPARATORS = str.maketrans("", "", " -\u00a0\u200b")
LONGEST_TEXT = 32


@dataclass(frozen=True)
class Check:
    """What a guess came to. `until` is set while locked."""

    outcome: Literal["right", "wrong", "locked", "none"]
    tries_left: int = 0
    until: datetime | None = None


@dataclass(frozen=True)
class Spent:
    """A try that is paid for and may now be compared."""

    tries_left: int
    lockouts: int


class Limited(Base):
    """The columns of a secret that may be guessed at, one row a person."""

    __abstract__ = True

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    tries_left: Mapped[int] = mapped_column(default=TRIES)
    lockouts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


def lock_of(lockouts: int) -> timedelta:
    """PURE: how long the next lock lasts after so many locks without a right guess between them."""
    return LONGEST_LOCK if lockouts >= LONGEST_LOCK // FIRST_LOCK else min(FIRST_LOCK * 2**lockouts, LONGEST_LOCK)


def six_digits(text: str) -> str:
    """PURE: the six ASCII digits that somebody typed (Thai and full-width digits, spaces, dashes), or ""."""
    plain = text[:LONGEST_TEXT].translate(SEPARATORS)
    digits = "".join(str(unicodedata.decimal(char, "x")) for char in plain)
    return digits if SIX_DIGITS.fullmatch(digits) else ""


def keep(session: Session, secret: type[Limited], subject_id: UUID, **values: Any) -> None:
    """Insert the person's row or change just these columns of it, whoever else does the same now."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(secret).values(subject_id=subject_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=[secret.subject_id], set_=values))


def spend(session: Session, secret: type[Limited], subject_id: UUID, *, now: datetime) -> Spent | None:
    """Pay for one guess by one conditional update; None when locked or when there is no such secret."""
    row = session.execute(
        update(secret)
        .where(
            secret.subject_id == subject_id,
            secret.tries_left > 0,
            or_(secret.locked_until.is_(None), secret.locked_until <= now),
        )
        .values(tries_left=secret.tries_left - 1)
        .returning(secret.tries_left, secret.lockouts)
        .execution_options(synchronize_session=False)
    ).first()
    return None if row is None else Spent(*row)


def refusal(session: Session, secret: type[Limited], subject_id: UUID) -> Check:
    """Why nothing was spent: a lock, or no such secret."""
    row = session.execute(select(secret.locked_until).where(secret.subject_id == subject_id)).first()
    return Check("none") if row is None else Check("locked", until=row[0])


def forgive(session: Session, secret: type[Limited], subject_id: UUID) -> None:
    """A right guess gives all tries back and forgets earlier locks."""
    session.execute(
        update(secret)
        .where(secret.subject_id == subject_id)
        .values(tries_left=TRIES, lockouts=0, locked_until=None)
        .execution_options(synchronize_session=False)
    )


def wrong(
    session: Session, secret: type[Limited], subject_id: UUID, spent: Spent, *, factor: str, reason: str, now: datetime
) -> Check:
    """Note a wrong guess; the last one locks, in the same transaction. Appends (factor).failed, (factor).locked."""
    _note(session, f"{factor}.failed", subject_id, reason=reason, now=now)
    if spent.tries_left > 0:
        return Check("wrong", tries_left=spent.tries_left)
    until = now + lock_of(spent.lockouts)
    session.execute(
        update(secret)
        .where(secret.subject_id == subject_id)
        .values(tries_left=TRIES, lockouts=spent.lockouts + 1, locked_until=until)
        .execution_options(synchronize_session=False)
    )
    _note(session, f"{factor}.locked", subject_id, reason="tries_spent", now=now)
    return Check("locked", until=until)


def _note(session: Session, event: str, subject_id: UUID, *, reason: str, now: datetime) -> None:
    """The server speaks: whoever guessed wrong has not shown who they are."""
    actor = log.Actor.system("login")
    log.append(session, event, now=now, actor=actor, subject_id=subject_id, outcome="failed", reason=reason)
