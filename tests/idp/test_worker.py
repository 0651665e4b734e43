from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from consent.audit import log, seal
from consent.audit.log import Actor
from consent.errors import Conflict
from idp import interaction, jobs, outbox, worker
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.contact.limits import SendLedger
from idp.fetcher import GuardedFetcher
from idp.jobs import Job
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import Ports, RegistryUnavailable
from idp.proofing.sources.fake import SandboxRegistry
from idp.seal_memory import SealMemory
from idp.worker import Worker
from tests import leaks
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND, Clock, FakeRegistry, FakeSms

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
def running(made, *, sealing=worker.SEAL_EVERY_S):
    stop = Event()
    thread = Thread(target=worker.run, args=(made, stop), kwargs={"pause": 0.01, "sealing": sealing})
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
    assert counts(sessions) == (1, 1, 2, 2)  # sends are counted for the number and for the phone
    made.clock.tick(DAY + 6 * MINUTE)
    worker.purge(made)
    assert counts(sessions) == (0, 0, 2, 0)
    made.clock.tick(30 * DAY)
    worker.purge(made)
    assert counts(sessions) == (0, 0, 1, 0)


@dataclass
class Hanging(FakeSms):
    """A channel that takes nothing until it is let go."""

    asked: Event = field(default_factory=Event)
    freed: Event = field(default_factory=Event)

    def send(self, to, text, *, key):
        """Wait, then take it."""
        self.asked.set()
        self.freed.wait(10)
        super().send(to, text, key=key)


@pytest.mark.parametrize("kind", ["mail", "line"])
def test_a_mail_server_or_line_that_hangs_holds_up_no_other_letter(made, begin, sessions, ring, kind):
    """X15: each kind of letter has a thread of its own."""
    hanging = Hanging()
    made = replace(made, ports=replace(made.ports, **{{"mail": "mail", "line": "line_push"}[kind]: hanging}))
    with sessions.writing() as session:
        outbox.enqueue(session, ring, kind=kind, to="somebody", body="Ref KXPT", key="alert-1", now=NOW)

    with running(made):
        assert hanging.asked.wait(10)
        begin()
        wait_until(lambda: made.ports.sms.sent)
        assert hanging.sent == []
        hanging.freed.set()
        wait_until(lambda: hanging.sent)


def test_messages_to_people_are_forgotten_after_a_month_whatever_their_kind(made, sessions, ring):
    """What is not needed is not kept; signed events tell the citizen's page who was told."""
    with sessions.writing() as session:
        for kind in outbox.KINDS:
            outbox.enqueue(session, ring, kind=kind, to="x", body="y", key=kind, now=NOW, until=NOW)
    worker.run_once(made)

    for days, left in ((30, set(outbox.KINDS)), (31, {"set"})):
        made.clock.now = NOW + days * DAY
        worker.purge(made)
        with sessions.reading() as session:
            assert set(session.scalars(select(Letter.kind))) == left


def counts(sessions):
    with sessions.reading() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(table)) for table in (Challenge, Job, Letter, SendLedger)
        )


@dataclass
class SlowSms(FakeSms):
    """A gateway that takes forty seconds a message; during the third, `meanwhile` goes on elsewhere."""

    clock: Clock = field(default_factory=Clock)
    meanwhile: Callable[[], object] = int

    def send(self, to, text, *, key):
        """Take it, slowly."""
        super().send(to, text, key=key)
        self.clock.tick(40 * SECOND)
        if len(self.sent) == 3:
            self.meanwhile()


def test_a_slow_gateway_lets_no_second_worker_send_the_same_message(made, sessions, ring):
    """X15: a lease counts from the claim, not from the start of a round of twenty messages."""
    for number in range(4):
        with sessions.writing() as session:
            outbox.enqueue(session, ring, kind="sms", to="+66100000035", body="x", key=f"otp-{number}", now=NOW)
    second = made.ports.sms
    slow = SlowSms(clock=made.clock, meanwhile=lambda: worker.run_once(made))

    worker.run_once(replace(made, ports=replace(made.ports, sms=slow)))

    keys = [key for _, _, key in slow.sent + second.sent]
    assert sorted(keys) == ["otp-0", "otp-1", "otp-2", "otp-3"]


def test_paused_requests_are_dropped_when_they_have_expired(made, sessions, ring):
    """What is not needed is not kept: a request may hold a hint of who was meant."""
    with sessions.writing() as session:
        asked = {"kind": "console", "request": None, "return_to": "/me", "browser": "b"}
        interaction.begin(session, ring, **asked, now=NOW, settings=made.settings)

    made.clock.tick(HOUR)
    worker.purge(made)

    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(interaction.InteractionRow)) == 0


def test_the_worker_seals_what_was_written(made, begin, sessions):
    """RELIABILITY 2: in the signed tree within two seconds."""
    begin()
    with sessions.writing() as session:
        log.append(session, "signin.done", now=NOW, actor=Actor.system("test"))

    with running(made, sealing=0.01):
        wait_until(lambda: newest(sessions) is not None)

    assert newest(sessions).origin == "localhost:8000/log"


def test_sealing_that_fails_is_logged_and_stops_no_letter(made, begin, sessions, monkeypatch):
    """A slow or broken sealer never blocks a person's code."""
    begin()
    with sessions.writing() as session:
        log.append(session, "signin.done", now=NOW, actor=Actor.system("test"))
    began, let_go = Event(), Event()

    def slow(*_args, **_kwargs):
        began.set()
        let_go.wait(5)
        raise seal.SealFault("It is not what was sealed.")

    monkeypatch.setattr(seal, "seal", slow)
    with capture_logs() as logged, running(made, sealing=0.01):
        assert began.wait(10)
        wait_until(lambda: made.ports.sms.sent)
        let_go.set()
        wait_until(lambda: logged)

    assert {(line["event"], line["error"]) for line in logged} == {("worker.round_failed", "SealFault")}


def test_a_sealer_that_another_outran_comes_again(made, ring, sessions, monkeypatch):  # noqa: ARG001
    """Several workers may run: being second is no fault. What was signed is remembered."""
    work = worker.Sealing()
    with sessions.writing() as session:
        log.append(session, "signin.done", now=NOW, actor=Actor.system("test"))

    def outrun(*_args, **_kwargs):
        raise Conflict("Another sealer was faster.")

    with monkeypatch.context() as patched:
        patched.setattr(seal, "seal", outrun)
        assert work(made) == 0

    assert work(made) == 1
    assert SealMemory(made.settings.seal_memory).last().size == 1
    assert work(made) == 0


def newest(sessions):
    with sessions.reading() as session:
        return seal.latest(session)
