"""The ground that every table stands on: base class, column kinds, ids, append-only guards, and two small ports.

Every text column says what it holds: `Plain` (codes, ids, hashes, published text) or `Personal` (erasure and the
leak test must reach it). What identifies a person is `Sealed`: bytes under the person's own key (DECISIONS 5).
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Protocol, cast
from uuid import UUID

from sqlalchemy import (
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Executable,
    LargeBinary,
    MetaData,
    Result,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant, to the microsecond, on both engines. A naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values; SQLite keeps UTC without the zone, so that text order is time order."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text that names nobody: a code, an id, a hash, a published sentence."""

    impl = Text
    cache_ok = True


class PersonalText(TypeDecorator[str]):
    """Text about a person that must stay readable in SQL; erasure reaches it."""

    impl = Text
    cache_ok = True


class SealedBytes(TypeDecorator[bytes]):
    """Ciphertext under a person's own key (`Sealer`); the column is useless without it."""

    impl = LargeBinary
    cache_ok = True


Plain = Annotated[str, mapped_column(PlainText())]
Personal = Annotated[str, mapped_column(PersonalText())]
Sealed = Annotated[bytes, mapped_column(SealedBytes())]


class Base(DeclarativeBase):
    """All tables of both packages. `__append_only__ = True` gives a table the guard triggers."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime(), UUID: Uuid(), str: String()}
    __append_only__: ClassVar[bool] = False


_last = 0  # milliseconds and the 12-bit counter of the newest id, as one number
_lock = threading.Lock()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7), so that indexes grow at one end. Never decides anything.

    In one process each id is greater than the one before, also within a millisecond and when the clock steps back
    (section 6.2, method 1): what one transaction does is read back in its order.
    """
    global _last  # noqa: PLW0603 -- the counter of this process
    with _lock:
        _last = max(_last + 1, time.time_ns() // 1_000_000 << 12)
        ms, counter = _last >> 12, _last & 0xFFF
    tail = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    return UUID(int=ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail)


def table_of(model: type[Base]) -> Table:
    """The model's table, for Core statements: built once, no identity map, and a rowcount that can be trusted."""
    return cast("Table", model.__table__)


class InsertOnce:
    """Insert a row unless its key is there already, without poisoning a PostgreSQL transaction."""

    def __init__(self, model: type[Base]) -> None:
        table = table_of(model)
        # Without preserve_rowcount SQLAlchemy answers -1 for every INSERT on PostgreSQL.
        kept = {"preserve_rowcount": True}
        self._by_engine: dict[str, Executable] = {
            "sqlite": sqlite.insert(table).on_conflict_do_nothing().execution_options(**kept),
            "postgresql": postgresql.insert(table).on_conflict_do_nothing().execution_options(**kept),
        }

    def __call__(self, session: Session, row: dict[str, Any]) -> bool:
        """True if this call wrote the row. Waits for another transaction that is just writing the same key."""
        return rows_of(session.execute(self._by_engine[session.get_bind().dialect.name], row)) == 1


def rows_of(result: Result[Any]) -> int:
    """How many rows a Core UPDATE touched (an INSERT says so only with `preserve_rowcount`)."""
    return cast("CursorResult[Any]", result).rowcount


class Signer(Protocol):
    """Signs bytes with one key. `idp.keys` implements it; this package owns no keys (DECISIONS 6)."""

    @property
    def kid(self) -> str:
        """The key's id as it stands in the JWKS."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """A detached signature over exactly these bytes."""
        ...


class Sealer(Protocol):
    """Seals text under the key of one person, so that destroying the key erases the text."""

    def seal(self, plain: str, *, owner: UUID, field: str) -> bytes:
        """Ciphertext, padded, different each time, bound to owner and field."""
        ...

    def open(self, sealed: bytes, *, owner: UUID, field: str) -> str:
        """The text, or KeyError when the owner's key is gone."""
        ...


def append_only_tables() -> list[str]:
    """Names of the tables whose rows may never change or go, in a fixed order."""
    return sorted(m.local_table.name for m in Base.registry.mappers if m.class_.__append_only__)  # type: ignore[attr-defined]


def create_guards(connection: Connection, tables: list[str]) -> None:
    """(Re-)create the triggers that make UPDATE and DELETE on `tables` fail, on either engine.

    Alembic's batch mode on SQLite rebuilds a table and drops its triggers: every migration that touches a guarded
    table calls this again at its end (DECISIONS 24).
    """
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            name = f"guard_{table}_{verb.lower()}"
            if connection.dialect.name == "sqlite":
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
                connection.execute(
                    text(
                        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    )
                )
            else:
                _create_postgresql_guard(connection, table, verb, name)


def _create_postgresql_guard(connection: Connection, table: str, verb: str, name: str) -> None:
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    )
    connection.execute(text(f"DROP TRIGGER IF EXISTS {name} ON {table}"))
    connection.execute(
        text(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    )
    if verb == "DELETE":
        connection.execute(text(f"DROP TRIGGER IF EXISTS {name}_all ON {table}"))
        connection.execute(
            text(
                f"CREATE TRIGGER {name}_all BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        )
