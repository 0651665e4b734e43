from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from idp import jobs, outbox, worker
from idp.contact import codes
from idp.contact.codes import Challenge
from idp.contact.limits import SendLedger
from idp.fetcher import GuardedFetcher
from idp.jobs import Job
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import Ports, RegistryUnavailable
from idp.proofing.sources.fake import SandboxRegistry
from idp.worker import Worker
from tests import leaks
from tests.fakes import DAY, MINUTE, NOW, SECOND, Clock, FakeRegistry, FakeSms

SOMCHAI = "3999000010035"


@pytest.fixture
def made(sessions, kek, settings):
    ports = Ports(FakeRegistry(dict(SandboxRegistry().people)), FakeSms(), GuardedFetcher(), SyntheticOnly())
    return Worker(settings, sessions, KeyRings(sessions, kek), ports, Clock())


@pytest.fixture
def begin(sessions, ring):
    def begin(national_id=SOMCHAI, now=NOW):
        with sessions.writing() as session:
            return codes.begin(
                session, ring, national_id=national_id, browser="b", interaction_id="i", locale="th", now=now
            )

    return begin


@contextmanager
def running(made):
    stop = Event()
    thread = Thread(target=worker.run, args=(made, stop), kwargs={"pause": 0.01})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive(), "the worker did not stop"


def wait_until(true):
    """Wait for another thread, ten seconds at most."""
    waiting = Event()
    for _ in range(1000):
        if true():
            return
        waiting.wait(0.01)
    pytest.fail("it never happened")


def test_one_round_resolves_and_sends(made, begin):
    """DECISIONS 2: the worker alone learns whose number it is."""
    begin()

    assert worker.run_once(made) == 2
    assert made.ports.sms.sent[0][0] == "+66100000035"
    assert worker.run_once(made) == 0


def test_a_job_that_fails_is_put_back_and_logged_without_data(made, begin):
    """X16: the registry is down; nothing of the person stands in the log."""
    begin()
    made.ports.registry.error = RegistryUnavailable(f"no answer about {SOMCHAI}")

    with capture_logs() as logged:
        worker.run_once(made)

    assert [(line["event"], line["error"]) for line in logged] == [("worker.job_failed", "RegistryUnavailable")]
    assert not leaks.found_in(repr(logged))
    made.ports.registry.error = None
    made.clock.tick(2 * SECOND)
    assert worker.run_once(made) == 2


def test_a_job_that_never_works_is_given_up(made, begin, sessions):
    """No job is tried for ever."""
    begin()
    made.ports.registry.error = RegistryUnavailable("timeout")

    for _ in range(worker.MOST_ATTEMPTS):
        worker.run_once(made)
        made.clock.tick(timedelta(hours=1))
        with sessions.writing() as session:
            session.execute(update(Challenge).values(expires_at=made.clock.now + MINUTE))

    with sessions.reading() as session:
        assert session.execute(select(Job.state, Job.attempts)).one() == ("dead", worker.MOST_ATTEMPTS)


def test_a_job_of_an_unknown_kind_is_dead_and_stops_nothing(made, begin, sessions, ring):  # noqa: ARG001
    """Yesterday's worker may meet tomorrow's job."""
    challenge = begin()
    with sessions.writing() as session:
        jobs.enqueue_job(session, "of-tomorrow", challenge.id, now=NOW - MINUTE)

    worker.run_once(made)

    with sessions.reading() as session:
        assert dict(session.execute(select(Job.kind, Job.state)).all()) == {
            "of-tomorrow": "dead",
            "resolve-challenge": "done",
        }


def test_the_loop_works_until_it_is_told_to_stop(made, begin):
    """Ctrl-C ends it promptly."""
    with running(made):
        begin()
        wait_until(lambda: made.ports.sms.sent)


def test_the_loop_survives_whatever_a_round_meets(made, begin, monkeypatch):
    """RELIABILITY X3: the database may be away for a while."""
    deliver, failed = outbox.deliver, []

    def failing(*args, **kwargs):
        if len(failed) < 4:
            failed.append(1)
            raise RuntimeError(f"about {SOMCHAI}")
        return deliver(*args, **kwargs)

    monkeypatch.setattr(outbox, "deliver", failing)
    with capture_logs() as logged, running(made):
        begin()
        wait_until(lambda: made.ports.sms.sent)

    assert {line["event"] for line in logged} == {"worker.round_failed"}
    assert not leaks.found_in(repr(logged))


def test_what_has_expired_is_dropped_and_what_counts_stays(made, begin, sessions, ring):
    """What is not needed is not kept; the letters that tell of a withdrawal are."""
    begin()
    worker.run_once(made)
    with sessions.writing() as session:
        outbox.enqueue(session, ring, kind="set", to="https://portal.example.test/", body="t", key="jti", now=NOW)

    worker.purge(made)
    assert counts(sessions) == (1, 1, 2, 1)
    made.clock.tick(DAY + 6 * MINUTE)
    worker.purge(made)
    assert counts(sessions) == (0, 0, 2, 0)
    made.clock.tick(30 * DAY)
    worker.purge(made)
    assert counts(sessions) == (0, 0, 1, 0)


def counts(sessions):
    with sessions.reading() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(table)) for table in (Challenge, Job, Letter, SendLedger)
        )
