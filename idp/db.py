"""Engines and sessions for both databases, and driver errors in our own words.

SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE for writers (an upgrade from DEFERRED fails at once, DECISIONS 24).
PostgreSQL: psycopg 3, READ COMMITTED, a statement and a lock timeout. A read session cannot write, on either.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from consent.db import Base, Plain
from idp.patience import Rest, is_gone

__all__ = [
    "DatabaseError",
    "DatabaseUnavailable",
    "Session",
    "Sessions",
    "check_mode",
    "installed_mode",
    "make_engine",
    "translated",
    "unhurried",
]

SQLITE_WAIT_S = 5
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"busy_timeout={SQLITE_WAIT_S}000",
    "foreign_keys=ON",
    "recursive_triggers=ON",
)
STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 3_000
CONNECT_S = 2
UNHURRIED_S = 24 * 3600.0


class DatabaseError(Exception):
    """The database refused; nothing of this transaction may be assumed kept or lost."""


class DatabaseUnavailable(DatabaseError):  # noqa: N818 -- it is a state, not a fault
    """The database cannot be reached, is full, locked or too slow: try again later (503)."""


class Installation(Base):
    """One row: whether this database belongs to a sandbox or to production. It never changes."""

    __tablename__ = "installation"
    __append_only__ = True

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[Plain]


@dataclass(frozen=True)
class Sessions:
    """Where a unit of work comes from. `write` begins IMMEDIATE on SQLite; in `read` any write raises."""

    engine: Engine
    read: sessionmaker[Session]
    write: sessionmaker[Session]
    rest: Rest | None = None  # only for a server that may be away
    turn: "Lock | None" = None  # SQLite has one writer: threads queue here, fairly, not in its sleeping retries

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that commits when the block returns and undoes when it raises."""
        with self._asked(), self._in_turn(), self.write() as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A read-only look."""
        with self._asked(), self.read() as session:
            yield session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One writing thread of this process at a time. Raises: DatabaseUnavailable after as long as SQLite waits."""
        if self.turn is None:
            yield
            return
        if not self.turn.acquire(timeout=SQLITE_WAIT_S):
            raise DatabaseUnavailable("locked")
        try:
            yield
        finally:
            self.turn.release()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Refuse at once while the server is known to be away, and notice when it is."""
        if self.rest is not None and not self.rest.admits():
            raise DatabaseUnavailable("resting")
        try:
            with translated():
                yield
        except Exception as error:
            if self.rest is not None:
                gone = isinstance(error, DatabaseUnavailable) and is_gone(error.__cause__)
                (self.rest.failed if gone else self.rest.worked)()
            raise
        if self.rest is not None:
            self.rest.worked()


def make_engine(url: str) -> Engine:
    """An engine for `url`, with our pragmas or timeouts; no connection is made yet (workers fork first)."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": SQLITE_WAIT_S, "check_same_thread": False})
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"
    engine = create_engine(
        url,
        pool_size=4,
        max_overflow=4,
        pool_timeout=3,
        connect_args={"options": options, "connect_timeout": CONNECT_S},
    )
    from idp import postgresql  # noqa: PLC0415 -- loads the driver, which SQLite does not need

    postgresql.teach(engine)
    return engine


def make_sessions(engine: Engine) -> Sessions:
    """Read and write session factories over one engine."""
    reader = {"sqlite_begin": "DEFERRED", "read_only": True, "postgresql_readonly": True}
    writer = {"sqlite_begin": "IMMEDIATE"}
    return Sessions(
        engine=engine,
        read=sessionmaker(engine, expire_on_commit=False, execution_options=reader),
        write=sessionmaker(engine, expire_on_commit=False, execution_options=writer),
        rest=None if engine.dialect.name == "sqlite" else Rest(),
        turn=Lock() if engine.dialect.name == "sqlite" else None,
    )


def _sqlite_connect(dbapi: Any, _record: Any) -> None:
    dbapi.isolation_level = None  # SQLAlchemy's begin event emits BEGIN, not the driver
    for pragma in SQLITE_PRAGMAS:
        dbapi.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    # Past SQLAlchemy's own machinery, which costs more than the two statements; so a fault, as of a BEGIN that finds
    # the database locked, is the driver's own, and `translated` knows it.
    options = connection.get_execution_options()
    driver = connection.connection.cursor()
    driver.execute(f"PRAGMA query_only = {int(options.get('read_only', False))}")
    driver.execute("BEGIN " + options.get("sqlite_begin", "IMMEDIATE"))


def unhurried(connection: Connection) -> None:
    """Let this transaction take its time, as a migration or a count of whole tables does: neither side gives it up."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        # `idp.postgresql` counts on our side; it begins anew when the connection is used again.
        connection.connection.dbapi_connection.patience_s = UNHURRIED_S  # type: ignore[union-attr]


@contextmanager
def translated() -> Iterator[None]:
    """Turn driver errors into ours, without their text (it may hold bound values)."""
    try:
        yield
    except (OperationalError, PoolTimeoutError, sqlite3.OperationalError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable(type(error).__name__) from error
        raise DatabaseError(type(error.orig).__name__) from error
    except SQLAlchemyError as error:
        raise DatabaseError(type(error).__name__) from error


def installed_mode(session: Session) -> str | None:
    """Whether this database belongs to a sandbox or to production; None before its first start."""
    return session.scalar(select(Installation.mode))


def check_mode(session: Session, *, sandbox: bool) -> None:
    """Mark a fresh database as sandbox or production, and refuse the other mode for ever (issue: safe starts).

    Raises: ValueError in one sentence when the database is the other kind.
    """
    mode = "sandbox" if sandbox else "production"
    found = installed_mode(session)
    if found is None:
        session.add(Installation(id=1, mode=mode))
        session.flush()
    elif found != mode:
        raise ValueError(f"this database belongs to a {found} server; it cannot be opened as {mode}")
