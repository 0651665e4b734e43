import threading
from datetime import datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from consent.db import UtcDateTime, new_id
from idp import db, postgresql
from idp.db import DatabaseError, DatabaseUnavailable, Installation, check_mode, make_engine, make_sessions, unhurried
from idp.keys import SecretKey
from tests.fakes import NOW


def secret(name: str) -> SecretKey:
    return SecretKey(name=name, wrapped=b"x", created_at=NOW)


def test_returning_keeps(sessions):
    """DECISIONS 22: a block that returns is committed once."""
    with sessions.writing() as session:
        session.add(secret("kept"))

    with sessions.reading() as session:
        assert session.get(SecretKey, "kept") is not None


def test_raising_undoes(sessions):
    """DECISIONS 22: nothing of a block that raised remains."""

    def fail_half_way() -> None:
        with sessions.writing() as session:
            session.add(secret("lost"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()

    with sessions.reading() as session:
        assert session.get(SecretKey, "lost") is None


def test_a_read_session_cannot_write_even_raw_sql(sessions):
    """DECISIONS 24: a route marked read-only raises on a write, on both engines."""
    with pytest.raises(DatabaseError), sessions.reading() as session:
        session.execute(insert(SecretKey).values(name="sneaky", wrapped=b"x", created_at=NOW))

    with sessions.writing() as session:
        session.add(secret("a later writer is free again"))


def test_a_second_write_waits_for_the_first_instead_of_failing(sessions):
    """DECISIONS 24: BEGIN IMMEDIATE queues writers; an upgrade from DEFERRED would fail at once."""
    ready, order = threading.Event(), []

    def second() -> None:
        ready.wait(5)
        with sessions.writing() as session:
            session.add(secret("second"))
            session.flush()
            order.append("second")

    other = threading.Thread(target=second)
    other.start()
    with sessions.writing() as session:
        session.add(secret("first"))
        session.flush()
        ready.set()
        order.append("first")
    other.join(10)

    with sessions.reading() as session:
        assert set(session.scalars(select(SecretKey.name))) == {"first", "second"}
    assert order[0] == "first"


def test_driver_errors_come_out_in_our_words_and_without_values(sessions):
    """A driver's text may hold bound values; pages and logs get the class name alone."""
    with sessions.writing() as session:
        session.add(secret("once"))

    with pytest.raises(DatabaseError) as refused, sessions.writing() as session:
        session.execute(insert(SecretKey).values(name="once", wrapped=b"x", created_at=NOW))

    assert "once" not in str(refused.value)


def test_an_unreachable_database_is_unavailable_and_not_a_fault(tmp_path):
    """RELIABILITY: the answer is 503, try again later."""
    engine = make_engine(f"sqlite:///{tmp_path}/no/such/folder/x.db")

    with pytest.raises(DatabaseUnavailable), make_sessions(engine).reading() as session:
        session.execute(text("SELECT 1"))


def test_a_lost_connection_is_unavailable():
    """SQLAlchemy marks a broken connection by connection_invalidated."""
    with pytest.raises(DatabaseUnavailable), db.translated():
        raise DBAPIError("SELECT 1", {}, RuntimeError("gone"), connection_invalidated=True)


@pytest.mark.parametrize(("first", "then"), [(True, False), (False, True)])
def test_a_database_never_changes_between_sandbox_and_production(session, first, then):
    """Issue 2: the sandbox cannot be turned on over a production database."""
    check_mode(session, sandbox=first)
    check_mode(session, sandbox=first)

    with pytest.raises(ValueError, match="cannot be opened"):
        check_mode(session, sandbox=then)


def test_an_instant_keeps_its_microseconds_and_its_zone(session):
    """UtcDateTime: what goes in comes out, aware, on both engines."""
    exact = NOW.replace(microsecond=123456)
    session.add(SecretKey(name="t", wrapped=b"x", created_at=exact))
    session.flush()
    session.expire_all()

    assert session.get(SecretKey, "t").created_at == exact
    assert session.get(SecretKey, "t").created_at.tzinfo is not None


def test_a_naive_datetime_is_refused():
    """A time without a zone is not an instant."""
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), SimpleNamespace(name="sqlite"))  # noqa: DTZ001


def test_ids_are_uuid7_and_grow():
    """RFC 9562 section 5.7: version 7, variant 10, time-ordered."""
    ids = [new_id() for _ in range(100)]

    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {"specified in RFC 4122"}
    assert len(set(ids)) == 100
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)


def test_installation_row_can_never_be_changed(sessions):
    """An append-only table: the mode of a database is for ever."""
    with sessions.writing() as session:
        session.add(Installation(id=1, mode="production"))

    with pytest.raises(DatabaseError), sessions.writing() as session:
        session.execute(text("UPDATE installation SET mode = 'sandbox'"))


@pytest.mark.parametrize("who", ["another process", "another thread"])
def test_a_writer_that_waited_too_long_is_told_to_come_again(tmp_path, monkeypatch, who):
    """DECISIONS 24: SQLite has one writer; whoever waits for it in vain gets 503, never a fault."""
    monkeypatch.setattr(db, "SQLITE_WAIT_S", 0)
    first = make_sessions(make_engine(f"sqlite:///{tmp_path / 'busy.db'}"))
    other = make_sessions(first.engine) if who == "another process" else first

    with first.writing() as writer:
        writer.execute(text("SELECT 1"))  # a transaction begins with its first statement
        with pytest.raises(DatabaseUnavailable), other.writing() as second:
            second.execute(text("SELECT 1"))

    with other.writing() as session:
        assert session.scalar(text("SELECT 1")) == 1
    first.engine.dispose()


def test_a_migration_may_take_longer_than_a_page_waits(engine, monkeypatch):
    """Neither the server's timeout nor our own counting gives it up; whoever comes next waits as briefly as ever."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            unhurried(connection)  # nothing counts there
        return
    monkeypatch.setattr(postgresql, "ANSWER_S", 0.3)
    for hurried in (False, True):
        with engine.connect() as connection:
            if hurried:
                with pytest.raises(DBAPIError):
                    connection.execute(text("SELECT pg_sleep(0.6)"))
            else:
                unhurried(connection)
                connection.execute(text("SELECT pg_sleep(0.6)"))
