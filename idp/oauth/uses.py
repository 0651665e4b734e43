"""Uses of access tokens: the first at a place is known by its row, the repeats are only counted (DECISIONS 20).

The row is written by one statement, in the transaction of the entry that it stands for. Repeats are added up in the
process and written at most once a second, so that a holder which asks about one token at every call costs no write at
each. A process that is killed takes the last second of its counts along, and never an entry.
"""

import threading
from collections import Counter
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, bindparam, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, InsertOnce, Plain, table_of
from idp.oauth.pipeline import Context

FLUSH_EVERY = timedelta(seconds=1)
USES_KEPT = timedelta(days=1)


class TokenUse(Base):
    """The first use of a token at one resource server has a log entry; this row counts the repeats (DECISIONS 20)."""

    __tablename__ = "token_use"

    jti: Mapped[Plain] = mapped_column(primary_key=True)
    resource: Mapped[Plain] = mapped_column(primary_key=True)
    first_at: Mapped[datetime] = mapped_column(index=True)
    repeats: Mapped[int]


_USE = table_of(TokenUse)
_first = InsertOnce(TokenUse)
_COUNTED = (
    update(_USE)
    .where(_USE.c.jti == bindparam("token"), _USE.c.resource == bindparam("place"))
    .values(repeats=_USE.c.repeats + bindparam("more"))
)


class Repeats:
    """What this process has counted and not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[tuple[str, str]] = Counter()
        self._since: datetime | None = None

    def add(self, jti: str, resource: str, *, now: datetime) -> Counter[tuple[str, str]]:
        """Count one; what is due to be written now, mostly nothing."""
        with self._lock:
            self._counted[jti, resource] += 1
            self._since = self._since or now
            if now - self._since < FLUSH_EVERY:
                return Counter()
            due, self._counted, self._since = self._counted, Counter(), None
            return due


_repeats: WeakKeyDictionary[Engine, Repeats] = WeakKeyDictionary()


def first(context: Context, jti: str, resource: str) -> bool:
    """True for the first use of this token at this place, for exactly one caller; every later one is counted."""
    session = context.session
    row = {"jti": jti, "resource": resource, "first_at": context.now, "repeats": 0}
    if _first(session, row):
        return True
    due = _repeats.setdefault(session.get_bind().engine, Repeats()).add(jti, resource, now=context.now)
    if due:
        # In one order, so that two processes that write the same counts wait for each other and cannot deadlock.
        rows = [{"token": token, "place": place, "more": more} for (token, place), more in sorted(due.items())]
        session.execute(_COUNTED, rows)
    return False


def purge(session: Session, *, now: datetime) -> int:
    """Delete the counters of yesterday; how many rows."""
    gone = session.execute(delete(_USE).where(_USE.c.first_at < now - USES_KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]
