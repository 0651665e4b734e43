"""What takes a node out of traffic, and what an operator's graphs show."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, text

from consent.audit.log import Actor
from consent.rights import breach, cases
from consent.rights.clocks import Kind
from idp import migrations, outbox, vitals
from idp.breaker import Breaker
from idp.contact import passages
from idp.contact.spend import Ledger
from idp.db import make_engine, make_sessions
from idp.fetcher import GuardedFetcher
from idp.jobs import enqueue_job
from idp.keys import KeyRings, SigningKey
from idp.national_id import SyntheticOnly
from idp.ports import Ports
from idp.proofing.sources.registry import NoRegistry
from tests.fakes import DAY, MINUTE, NOW, Clock, FakeSms

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


def test_what_messages_cost_and_what_became_of_them_shows(sessions):
    """X15: spend, receipts by gateway; a channel that nobody set up gives no dead letters to look after."""
    ledger = Ledger(sessions, Clock(), part_cost=50, cap=None)
    for number in range(3):
        ledger.charge(f"otp-{number}", "first", "123456")
    with sessions.writing() as session:
        passages.receive(session, gateway="first", key="otp-1", delivered=True, code="delivered", now=NOW)
        shown = gauges_of(session, "yinyom_messages_")

    assert shown == {
        ("yinyom_messages_spent_satang",): 150,
        ("yinyom_messages_passed", "first", "delivered"): 1,
        ("yinyom_messages_passed", "first", "none"): 2,
    }


def test_a_letter_without_a_channel_is_no_dead_letter(sessions, ring, kek):
    """Nobody can do anything about it."""
    nowhere = Ports(NoRegistry(), FakeSms(), GuardedFetcher(), SyntheticOnly())
    with sessions.writing() as session:
        outbox.enqueue(session, ring, kind="mail", to="a@example.test", body="x", key="k", now=NOW)
    assert outbox.deliver(sessions, KeyRings(sessions, kek), nowhere, now=NOW) == 1

    with sessions.reading() as session:
        assert set(gauges_of(session, "yinyom_letters_").values()) == {0}


def test_a_service_that_is_left_alone_shows(sessions):
    """By the process that asks."""
    away, here = Breaker("card-status-away"), Breaker("card-status-here")
    away.failed(timed_out=True)
    here.worked()
    with sessions.reading() as session:
        shown = gauges_of(session, "yinyom_circuit_open")

    assert shown["yinyom_circuit_open", "card-status-away"] == 1
    assert shown["yinyom_circuit_open", "card-status-here"] == 0


def test_s30_s37_clocks_of_the_law_that_ran_out_show(session):
    """PDPA s.30, s.37(4): an operator sees that a request or a breach is late, and of whom nothing."""
    cases.open_case(session, Kind.access, subject_id=SOMEBODY, by=Actor.citizen(SOMEBODY), now=NOW - 40 * DAY)
    known = {"nature": "integrity", "known_at": NOW - 4 * DAY, "facts": b"x"}
    breach.open_breach(session, by=SOMEBODY, now=NOW - 4 * DAY, **known)

    shown = gauges_of(session, "yinyom_rights_overdue")

    assert shown == {("yinyom_rights_overdue", "request"): 1, ("yinyom_rights_overdue", "breach"): 1}


def gauges_of(session, prefix):
    """(name, values of the labels) -> value."""
    found = (sample for sample in vitals.gauges(session, now=NOW) if sample.name.startswith(prefix))
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}
