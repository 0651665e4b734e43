"""Where a code goes: three questions a day about one number, and no code to a SIM card that was just changed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from idp import enrolment, jobs
from idp.abuse import questions
from idp.abuse.questions import Metered
from idp.contact.sim_swap import SandboxSimSwap
from idp.ports import RegistryUnavailable, UpstreamUnavailable
from tests.fakes import DAY, HOUR, MINUTE, NOW, Clock, FakeRegistry
from tests.idp.test_enrolment import NOBODY, PEOPLE, SOMCHAI, Journey
from tests.stories.people import numbers

MARK = "m" * 43
NEW_SIM, UNKNOWN_SIM = "010-999-0035", "010-998-0035"


@pytest.fixture
def journey(sessions, ring):
    made = Journey(sessions, ring)
    made.ports = replace(made.ports, sim_swap=SandboxSimSwap())
    return made


def events(journey, subject_id):
    from consent.audit import log  # noqa: PLC0415 -- one test's

    with journey.sessions.reading() as session:
        return [entry.event for entry in log.of_subject(session, subject_id)]


def test_no_code_goes_to_a_sim_card_that_was_just_changed_from_a_device_nobody_knows(journey):
    """RELIABILITY 3, SP 800-63B 3.1.3.3: whoever moved the number reads nothing; its person sees it in their log."""
    known = journey.account(phone=NEW_SIM)

    challenge = journey.begin()
    journey.work()

    assert journey.letters() == []
    assert journey.enter(challenge, "000000") == "wrong"
    assert "otp.withheld" in events(journey, known)
    journey.begin(device=MARK, now=NOW + MINUTE)
    journey.work(now=NOW + MINUTE)
    assert [to for to, _ in journey.letters()] == ["+66109990035"]


def test_operators_that_do_not_answer_keep_codes_from_unknown_devices_alone(journey):
    """Fail closed: the job is tried again while the code would live; a known device does not wait for them."""
    journey.account(phone=UNKNOWN_SIM)

    journey.begin()
    with pytest.raises(UpstreamUnavailable):
        journey.work()
    assert journey.letters() == []

    journey.begin(device=MARK, now=NOW + MINUTE)
    journey.work(now=NOW + MINUTE)
    assert len(journey.letters()) == 1


def asked_again(journey, number, times):
    for n in range(times):
        now = NOW + n * 20 * MINUTE
        journey.begin(number, now=now)
        journey.work(now=now)


def test_a_register_is_asked_three_times_a_day_about_one_number(journey):
    """RELIABILITY 3: what it said last answers the rest of the day; codes go out all the same."""
    asked_again(journey, SOMCHAI, 5)

    assert journey.registry.asked == [SOMCHAI] * questions.MOST_A_DAY
    assert len(journey.letters()) == 5
    journey.begin(now=NOW + DAY)
    journey.work(now=NOW + DAY)
    assert len(journey.registry.asked) == questions.MOST_A_DAY + 1


def test_a_number_of_nobody_is_asked_about_no_more(journey):
    asked_again(journey, NOBODY, 5)

    assert journey.registry.asked == [NOBODY] * questions.MOST_A_DAY


def test_a_register_that_is_away_uses_up_no_question(journey):
    """X16: its hour of silence must not cost anybody the day."""
    journey.registry.error = RegistryUnavailable("timeout")
    journey.begin()
    with journey.sessions.writing() as session:
        [job] = jobs.claim_due(session, now=NOW)
    for _ in range(5):
        with pytest.raises(RegistryUnavailable):
            enrolment.resolve(journey.sessions, journey.ring, journey.ports, job, now=NOW)
    journey.registry.error = None

    enrolment.resolve(journey.sessions, journey.ring, journey.ports, job, now=NOW)

    assert len(journey.letters()) == 1


CROWD = tuple(numbers(9_300_000, 40))
HERE, THERE = "h" * 32, "t" * 32


def newcomers(journey, asked, *, network=HERE, now=NOW):
    """The register knows them, nobody else does; how many letters went out."""
    before = len(journey.letters())
    for number in asked:
        journey.registry.people[number] = replace(PEOPLE[SOMCHAI], phone=f"010{number[5:12]}")
        journey.begin(number, network=network, now=now)
    journey.work(now=now)
    return len(journey.letters()) - before


@pytest.mark.storage
def test_one_network_asks_a_register_ten_times_an_hour(journey):
    """RELIABILITY 3: beyond that no code; another network, an account and a facility's network go on."""
    assert newcomers(journey, CROWD[:12]) == questions.MOST_OF_NETWORK
    assert len(journey.registry.asked) == questions.MOST_OF_NETWORK

    assert newcomers(journey, CROWD[12:14], network=THERE) == 2
    assert newcomers(journey, CROWD[14:30], network=None) == 16
    journey.account()
    journey.begin(SOMCHAI, network=HERE)
    journey.work()
    assert journey.letters()[-1][0] == "+66100000035"
    assert newcomers(journey, CROWD[10:12], now=NOW + HOUR) == 2


@pytest.mark.storage
def test_each_newcomer_who_arrives_lets_the_network_ask_ten_more(journey):
    """A workshop of newcomers is one address."""
    challenge = journey.begin(SOMCHAI, network=HERE)
    journey.work()
    assert journey.enter(challenge, journey.code()).subject_id

    assert newcomers(journey, CROWD[:25]) == questions.MOST_OF_NETWORK + questions.TIMES - 1


def test_a_network_that_asked_too_often_costs_nobody_the_day(journey):
    """Whoever floods from one place must not use up a stranger's three questions; nor does a register that is away."""
    newcomers(journey, CROWD[:10])
    for n in range(5):
        newcomers(journey, CROWD[11:12], now=NOW + n * MINUTE)

    assert newcomers(journey, CROWD[11:12], network=THERE, now=NOW + 20 * MINUTE) == 1


def test_where_no_network_is_told_none_is_counted(journey):
    """A registered facility's, and a sandbox's: a developer tries everybody."""
    with journey.sessions.writing() as session:
        asked = questions.Question("f", None)
        assert all(questions.may_ask(session, replace(asked, fingerprint=f"{n}"), now=NOW) for n in range(20))


@pytest.mark.storage
def test_parallel_questions_of_a_network_are_counted_to_the_question(sessions):
    """Over all processes."""

    def ask(n):
        with sessions.writing() as session:
            return questions.may_ask(session, questions.Question(f"{n}", HERE), now=NOW)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(24))) == questions.MOST_OF_NETWORK


@pytest.mark.storage
def test_a_contracts_quota_is_kept_to_the_question_by_all_processes_together(sessions):
    """RELIABILITY 3: counted before it is asked, in a transaction of its own; the next day begins anew."""
    clock, register = Clock(), FakeRegistry(dict(PEOPLE))
    metered = Metered(register, sessions, clock, quota=5)

    def ask(_):
        try:
            return metered.look_up(SOMCHAI) is not None
        except RegistryUnavailable:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(20))) == 5
    assert len(register.asked) == 5
    clock.now = NOW + 24 * HOUR
    assert ask(None)
