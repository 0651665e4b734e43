"""What takes a node out of traffic, and what an operator's graphs show."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, text

from idp import migrations, outbox, vitals
from idp.db import make_engine, make_sessions
from idp.jobs import enqueue_job
from idp.keys import KeyRings, SigningKey
from tests.fakes import MINUTE, NOW, Clock

SOMEBODY = UUID(int=7)


def unready(sessions, kek, clock=None):
    return vitals.unready(sessions, KeyRings(sessions, kek), clock=clock or database_clock(sessions))


def database_clock(sessions):
    """A clock that agrees with the database's."""
    if sessions.engine.dialect.name == "sqlite":
        return Clock()

    def clock():
        with sessions.reading() as session:
            return session.scalar(text("SELECT clock_timestamp()"))

    return clock


def test_a_healthy_node_is_ready(sessions, ring, kek):  # noqa: ARG001
    """Nothing to say."""
    assert unready(sessions, kek) == ()


def test_without_a_database_it_is_not(kek, tmp_path):
    """No driver text, one word."""
    for url in ("postgresql+psycopg://nobody@127.0.0.1:1/none", f"sqlite:///{tmp_path}/no/such/folder.db"):
        assert unready(make_sessions(make_engine(url)), kek, Clock()) == ("database",)


def test_a_schema_of_another_day_is_not_served(kek, tmp_path):
    """An empty database stands at nothing."""
    assert unready(make_sessions(make_engine(f"sqlite:///{tmp_path}/empty.db")), kek, Clock()) == ("schema",)


def test_a_running_server_goes_on_serving_while_an_upgrade_rolls(sessions, ring, kek):  # noqa: ARG001
    """Revisions expand first, so a later schema carries today's code; taking all nodes out would be the outage."""
    with sessions.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    try:
        assert unready(sessions, kek) == ()
    finally:
        with sessions.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": migrations.head()})


def test_a_database_that_takes_no_writes_is_not_served(sessions, ring, kek):  # noqa: ARG001
    """A standby, or a read-only file."""
    clock = database_clock(sessions)
    assert unready(replace(sessions, write=sessions.read), kek, clock) == ("read_only",)


def test_keys_that_are_missing_or_do_not_open_are_not_served(sessions, ring, kek):  # noqa: ARG001
    """The wrong KEK, or an algorithm without a key."""
    assert unready(sessions, b"x" * 32) == ("keys",)
    with sessions.writing() as session:
        session.execute(delete(SigningKey).where(SigningKey.use == "access_token"))
    assert unready(sessions, kek) == ("keys",)


@pytest.mark.parametrize(("off", "out"), [(-2, True), (-0.5, False), (0.5, False), (2, True)])
def test_x13_a_node_a_second_off_takes_itself_out(sessions, ring, kek, off, out):  # noqa: ARG001
    """X13: both ways; SQLite has no other clock to differ from."""
    theirs = database_clock(sessions)
    postgresql = sessions.engine.dialect.name == "postgresql"

    found = unready(sessions, kek, lambda: theirs() + timedelta(seconds=off))

    assert found == (("clock",) if out and postgresql else ())


def test_the_gauges_tell_of_queues_and_ages(sessions, ring):
    """Queued letters and jobs, the age of the oldest, what waits to be sealed, how old the keys are."""
    with sessions.writing() as session:
        outbox.enqueue(session, ring, kind="sms", to="x", body="y", key="k", now=NOW)
        enqueue_job(session, "resolve", SOMEBODY, now=NOW)

    with sessions.reading() as session:
        found = {(one.name, *one.labels.values()): one.value for one in vitals.gauges(session, now=NOW + MINUTE)}

    assert found["yinyom_letters_queued", "sms"] == 1
    assert found["yinyom_letters_queued", "set"] == 0
    assert found["yinyom_letters_oldest_seconds", "sms"] == 60
    assert found["yinyom_letters_dead", "sms"] == 0
    assert (found["yinyom_jobs_queued",], found["yinyom_jobs_oldest_seconds",]) == (1, 60)
    assert found["yinyom_audit_unsealed",] == 0
    assert found["yinyom_signing_key_age_seconds", "access_token", "ES256"] == 60
