from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, update

from consent.audit import log
from consent.audit.models import AuditEntry
from consent.db import Base
from idp import enrolment, subjects
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.contact.codes import GuessResult
from idp.contact.limits import Limited
from idp.fetcher import GuardedFetcher
from idp.jobs import Job
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import Ports
from idp.proofing.sources.fake import SandboxRegistry
from idp.worker import Worker, run_once
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND, Clock, FakeSms

SOMCHAI, NOBODY, DECEASED, STATELESS = "3999000010035", "0000000000001", "1999000010161", "0999000010138"
BROWSER, FLOW = "browser-of-somchai", "interaction-1"
CODE, WRONG = "482915", "000001"


@pytest.fixture
def made(sessions, kek, settings):
    """A worker with the sandbox's registry."""
    ports = Ports(SandboxRegistry(), FakeSms(), GuardedFetcher(), SyntheticOnly())
    return Worker(settings, sessions, KeyRings(sessions, kek), ports, Clock())


@pytest.fixture
def begin(sessions, ring):
    def begin(national_id=SOMCHAI, *, browser=BROWSER, flow=FLOW, now=NOW):
        with sessions.writing() as session:
            return codes.begin(
                session, ring, national_id=national_id, browser=browser, interaction_id=flow, locale="th", now=now
            )

    return begin


@pytest.fixture
def begun(begin, sessions, ring):
    """A challenge with a known code, as the worker leaves it."""
    challenge = begin()
    with sessions.writing() as session:
        session.execute(update(Challenge).values(state="resolved", code_hash=codes.code_hash(ring, challenge.id, CODE)))
    return challenge


@pytest.fixture
def guess(sessions, ring):
    def guess(challenge, code, *, browser=BROWSER, now=NOW):
        with sessions.writing() as session:
            return codes.guess(session, ring, challenge.id, code, browser=browser, now=now)

    return guess


@pytest.fixture
def resend(sessions, ring):
    def resend(challenge, *, browser=BROWSER, now=NOW):
        with sessions.writing() as session:
            return codes.resend(session, ring, challenge.id, browser=browser, now=now)

    return resend


def test_known_unknown_and_deceased_numbers_cause_the_same_writes(sessions, ring, begin):
    """DECISIONS 2: one challenge row and one job, and the very same statements, whoever it is."""
    with sessions.writing() as session:
        subjects.create(session, ring, SOMCHAI, SandboxRegistry().people[SOMCHAI], now=NOW)
    seen = {}
    for number in (SOMCHAI, NOBODY, DECEASED, STATELESS):
        statements: list[str] = []
        before = rows(sessions)

        def note(_c, _cursor, statement, *_, kept=statements):
            kept.append(statement)

        event.listen(sessions.engine, "before_cursor_execute", note)
        begin(number, flow=number)
        event.remove(sessions.engine, "before_cursor_execute", note)
        seen[number] = statements, {name: n - before[name] for name, n in rows(sessions).items() if n - before[name]}

    assert seen[SOMCHAI] == seen[NOBODY] == seen[DECEASED] == seen[STATELESS]
    assert seen[SOMCHAI][1] == {"challenge": 1, "job": 1, "send_ledger": 1}


def test_the_right_code_opens_once(begun, guess):
    """THAI 3b: single use. A second try with the right code is spent."""
    assert guess(begun, CODE) == GuessResult("right", 4)
    assert guess(begun, CODE).outcome == "spent"


@pytest.mark.parametrize("typed", ["482 915", "๔๘๒๙๑๕", " 482915\n", "482-915"])
def test_a_code_may_be_typed_as_people_type(begun, guess, typed):
    """Thai digits and spaces are the same code."""
    assert guess(begun, typed).outcome == "right"


def test_five_wrong_guesses_and_the_right_one_comes_too_late(begun, guess):
    """RELIABILITY 3: five guesses a challenge, exact."""
    assert [guess(begun, WRONG) for _ in range(5)] == [GuessResult("wrong", left) for left in (4, 3, 2, 1, 0)]
    assert guess(begun, CODE) == GuessResult("spent", 0)


def test_a_decoy_counts_and_answers_like_a_real_one(begin, begun, guess):
    """DECISIONS 2: a wrong guess on a challenge that nobody resolved costs what it costs elsewhere."""
    decoy = begin(NOBODY, flow="other")

    assert [guess(decoy, WRONG) for _ in range(6)] == [guess(begun, WRONG) for _ in range(6)]


@pytest.mark.parametrize("code", ["", "0" * 64, "None", "48291", "4829155", "รหัสผ่าน"])
def test_no_text_opens_a_decoy(begin, guess, code):
    """There is no code to guess."""
    assert guess(begin(NOBODY), code).outcome == "wrong"


def test_two_hundred_guesses_at_once_are_five(sessions, begun, guess):
    """RELIABILITY X20: decremented first, by one conditional statement."""
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: guess(begun, f"{n:06}"), range(200)))

    outcomes = [result.outcome for result in results]
    assert (outcomes.count("wrong"), outcomes.count("spent")) == (5, 195)
    assert sorted(result.tries_left for result in results if result.outcome == "wrong") == [0, 1, 2, 3, 4]
    with sessions.reading() as session:
        assert session.get_one(Challenge, begun.id).tries_left == 0


def test_the_right_code_sent_many_times_at_once_wins_once(begun, guess):
    """RELIABILITY rule 1: a one-time thing is consumed by one conditional statement."""
    with ThreadPoolExecutor(8) as pool:
        outcomes = [result.outcome for result in pool.map(lambda _: guess(begun, CODE), range(40))]

    assert outcomes.count("right") == 1
    assert set(outcomes) == {"right", "spent"}


def test_a_code_dies_after_five_minutes(begun, guess):
    """THAI 3b: 5 min."""
    assert guess(begun, CODE, now=NOW + 5 * MINUTE).outcome == "expired"
    assert guess(begun, CODE, now=NOW + 5 * MINUTE - SECOND).outcome == "right"


def test_a_code_works_in_its_own_browser_only(sessions, begun, guess):
    """THAI 3b: bound to the session. Another browser learns nothing and spends nothing."""
    assert guess(begun, CODE, browser="another").outcome == "unknown"
    with sessions.reading() as session:
        assert session.get_one(Challenge, begun.id).tries_left == 5
        assert codes.find(session, begun.id, browser="another") is None


def test_an_unknown_challenge_is_unknown(sessions, ring):
    """Bad input anywhere."""
    with sessions.writing() as session:
        assert codes.guess(session, ring, uuid4(), CODE, browser=BROWSER, now=NOW).outcome == "unknown"


def test_only_the_newest_code_of_a_flow_counts(begin, begun, guess):
    """RELIABILITY 3: newest only. Another flow of the same browser is left alone."""
    other = begin(flow="interaction-2", now=NOW + MINUTE)
    assert guess(begun, WRONG, now=NOW + MINUTE).outcome == "wrong"

    begin(now=NOW + 2 * MINUTE)

    assert guess(begun, CODE, now=NOW + 2 * MINUTE).outcome == "expired"
    assert guess(other, WRONG, now=NOW + 2 * MINUTE).outcome == "wrong"


def test_a_stranger_cannot_supersede_somebodys_code(begin, begun, guess):
    """RELIABILITY 3: a lockout must not be a weapon."""
    begin(browser="stranger", flow="elsewhere")

    assert guess(begun, CODE).outcome == "right"


@pytest.mark.parametrize("national_id", [SOMCHAI, NOBODY])
def test_resending_is_limited_alike_for_known_and_unknown_numbers(begin, resend, national_id):
    """RELIABILITY 3: 1 in 30 s, 3 in 15 min, 8 in a day and then 1 to 32 minutes apart; counted for the number."""
    challenge = begin(national_id)

    assert resend(challenge, now=NOW + 29 * SECOND) == Limited(NOW + 30 * SECOND)
    second = resend(challenge, now=NOW + 30 * SECOND)
    third = resend(second, now=NOW + MINUTE)
    assert resend(third, now=NOW + 2 * MINUTE) == Limited(NOW + 15 * MINUTE)
    last = third
    for n in range(5):
        last = resend(last, now=NOW + HOUR * (n + 1))
    assert isinstance(last, Challenge)
    eighth = NOW + 5 * HOUR
    assert resend(last, now=eighth + 30 * SECOND) == Limited(eighth + MINUTE)
    now, waits = eighth + HOUR, []
    for _ in range(8):
        last = resend(last, now=now)
        assert isinstance(last, Challenge)
        until = resend(last, now=now + SECOND).until
        waits.append((until - now) // SECOND)
        now = until + HOUR  # the wait counts from the last send, however late the next one comes
    assert waits == [120, 240, 480, 960, 1920, 1920, 1920, 1920]
    last = resend(last, now=now + 2 * DAY)
    assert resend(last, now=now + 2 * DAY + SECOND) == Limited(now + 2 * DAY + 30 * SECOND)


def test_parallel_posts_beyond_the_days_eight_send_one(begin):
    """RELIABILITY rule 1: the wait is guarded by the same conditional update."""
    for n in range(8):
        begin(now=NOW + n * HOUR)
    begin(now=NOW + 8 * HOUR)

    later = NOW + 8 * HOUR + 2 * MINUTE
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: begin(browser=f"b{n}", flow=f"f{n}", now=later), range(24)))

    assert sum(challenge.quiet_until is None for challenge in made) == 1
    assert {challenge.quiet_until for challenge in made} - {None} == {later + 4 * MINUTE}


def test_a_resent_code_has_its_own_tries_and_kills_the_old_one(begun, guess, resend):
    """Newest only."""
    guess(begun, WRONG)

    again = resend(begun, now=NOW + MINUTE)

    assert (again.tries_left, again.expires_at, again.next_send_at) == (5, NOW + 6 * MINUTE, NOW + 90 * SECOND)
    assert guess(begun, CODE, now=NOW + MINUTE).outcome == "expired"
    assert again.ref != begun.ref or again.id != begun.id


def test_nothing_is_resent_for_another_browser_or_a_used_code(begun, guess, resend):
    """The bound browser asks, nobody else."""
    assert resend(begun, browser="another", now=NOW + MINUTE) is None
    guess(begun, CODE)
    assert resend(begun, now=NOW + MINUTE) is None


def test_posting_again_within_30_seconds_delays_the_code(sessions, begin):
    """Somebody who went back is helped, and the limit holds."""
    begin()
    again = begin(now=NOW + 10 * SECOND)

    assert (again.quiet_until, again.expires_at) == (None, NOW + 30 * SECOND + 5 * MINUTE)
    with sessions.reading() as session:
        due = session.scalars(select(Job.run_at).where(Job.ref_id == again.id)).one()
    assert due == NOW + 30 * SECOND


def test_posting_too_often_is_answered_but_nothing_is_sent(begin):
    """RELIABILITY 3: the page says when to ask again; the same for a number of nobody."""
    for national_id in (SOMCHAI, NOBODY):
        for n in range(3):
            assert begin(national_id, now=NOW + n * MINUTE).quiet_until is None
        assert begin(national_id, now=NOW + 3 * MINUTE).quiet_until == NOW + 15 * MINUTE


def test_parallel_posts_cannot_send_one_too_many(sessions, begin):
    """RELIABILITY rule 1: one conditional update guards the count."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: begin(browser=f"b{n}", flow=f"f{n}"), range(24)))

    assert sum(challenge.quiet_until is None for challenge in made) == 2  # one now, one in 30 s
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(Challenge)) == 24


def test_wrong_codes_are_logged_by_the_worker_and_the_last_one_locks(sessions, ring, made, begin, guess):
    """THAI 1c: otp.failed and otp.locked are the citizen's to see; the request itself writes one job for anybody."""
    with sessions.writing() as session:
        somchai = subjects.create(session, ring, SOMCHAI, SandboxRegistry().people[SOMCHAI], now=NOW)
    challenge = begin()
    sms = made.ports.sms
    run_once(made)
    for _ in range(5):
        guess(challenge, sms.sent[0][1][:6][::-1] + "x")

    run_once(made)

    with sessions.reading() as session:
        events = [entry.event for entry in log.of_subject(session, somchai.id)]
    assert sorted(events) == ["account.created", *["otp.failed"] * 4, "otp.locked", "otp.sent"]


def test_no_table_holds_what_names_a_person(sessions, ring, made, begin, guess):
    """DECISIONS 5: after a whole run every cell of every table is searched, the sandbox's inbox too."""
    sms = made.ports.sms
    challenge = begin()
    run_once(made)
    assert guess(challenge, sms.sent[0][1][:6]).outcome == "right"
    with sessions.writing() as session:
        assert enrolment.complete(session, ring, challenge.id, now=NOW).subject_id is not None
    begin(NOBODY, flow="other")
    run_once(made)

    with sessions.reading() as session:
        cells = [
            (f"{table.name}.{column.name}", cell if isinstance(cell, bytes) else str(cell).encode())
            for table in Base.metadata.sorted_tables
            for column in table.columns
            for cell in session.scalars(select(column))
        ]
        assert session.scalar(select(func.count()).select_from(AuditEntry)) > 0
        assert session.scalar(select(Letter.state)) == "sent"
    secrets = [SOMCHAI, NOBODY, "สมชาย", "ใจสมมติ", "Somchai", "Jaisommut", "010-000-0035", "100000035", "somchai@"]
    leaks = [(place, secret) for place, cell in cells for secret in secrets if secret.encode() in cell]
    assert leaks == []


def rows(sessions):
    with sessions.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables
        }
