import json
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from idp import outbox
from idp.breaker import Breaker
from idp.contact import passages, spend
from idp.contact.gateways import FIRST, SECOND, Gateway, Gateways
from idp.contact.sms import HttpSms
from idp.contact.spend import Ledger
from idp.fetcher import GuardedFetcher
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import Ports, SmsFailed
from idp.proofing.sources.registry import NoRegistry
from tests.fakes import NOW, Clock
from tests.servers.sms_gateway import open_sms_gateway

TO, TEXT = "+66100000035", "123456 คือรหัส"
PATIENCE_S = 1.5


class Monotonic:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        """The present second."""
        return self.now


@pytest.fixture
def monotonic():
    return Monotonic()


@pytest.fixture
def stage(sessions, monotonic):
    """Two gateways that speak the real protocol, and what chooses between them."""
    with ExitStack() as open_ones:
        servers = [open_ones.enter_context(open_sms_gateway(hang_s=5.0)) for _ in range(2)]
        ways = []
        for name, server in zip((FIRST, SECOND), servers, strict=True):
            sms = HttpSms(url=server.endpoint, token=server.token, sender="Yinyom", timeout_s=PATIENCE_S)
            open_ones.enter_context(closing(sms))
            ways.append(Gateway(name, sms, Breaker(name, clock=monotonic)))
        yield Gateways(ways, Ledger(sessions, Clock(), part_cost=50, cap=None)), *servers


def texts(*servers):
    return [len(server.texts_to(TO)) for server in servers]


def charged(sessions):
    with sessions.reading() as session:
        return {one.gateway: one.count for one in passages.tallies(session, now=NOW)}, spend.spent_on(session, NOW)


def test_while_the_first_works_the_second_hears_of_nothing(stage, sessions):
    """One message, charged once, with the key that receipts will name."""
    sms, first, second = stage

    sms.send(TO, TEXT, key="otp-1")

    assert (texts(first, second), second.calls) == ([1, 0], [])
    (call,) = first.calls
    assert json.loads(call.body) == {"from": "Yinyom", "to": TO, "text": TEXT}
    assert first.taken[0].key == "otp-1"
    assert charged(sessions) == ({"first": 1}, 50)


@pytest.mark.parametrize("mood", ["busy", "moved"])
def test_what_the_first_surely_did_not_take_goes_through_the_second_at_once(stage, mood):
    """X15: the person waits for nothing."""
    sms, first, second = stage
    first.mood = mood

    sms.send(TO, TEXT, key="otp-1")

    assert texts(first, second) == [0, 1]


@pytest.mark.parametrize(("credit", "token"), [(0, "sms-token"), (9, "another")])
def test_a_first_gateway_without_credit_or_with_another_token_costs_nobody_a_code(stage, credit, token):
    """Faults of ours with one provider are not the person's."""
    sms, first, second = stage
    first.credit, first.token = credit, token

    sms.send(TO, TEXT, key="otp-1")

    assert texts(first, second) == [0, 1]


@pytest.mark.parametrize("mood", ["hang", "late", "drip", "down", "twice", "reset", "refuse", "flood"])
def test_what_the_first_may_have_taken_is_not_given_to_the_second_in_the_same_breath(stage, mood):
    """X15: nobody gets two messages because one answer was lost."""
    sms, first, second = stage
    first.mood = mood

    if mood == "flood":  # its status came: the message is taken, the body is not waited for
        sms.send(TO, TEXT, key="otp-1")
    else:
        with pytest.raises(SmsFailed) as failed:
            sms.send(TO, TEXT, key="otp-1")
        assert (failed.value.temporary, failed.value.maybe_taken) == (True, True)
        assert (failed.value.code == "timeout") == (mood in {"hang", "late", "drip"})

    assert second.calls == []


def test_a_message_that_was_taken_and_answered_by_an_error_goes_out_once(stage, sessions):
    """X15: the retry has the same key, at the same gateway, and is not charged again."""
    sms, first, second = stage
    first.moods = ["twice", "reset"]
    for _ in range(2):
        with pytest.raises(SmsFailed):
            sms.send(TO, TEXT, key="otp-1")

    sms.send(TO, TEXT, key="otp-1")

    assert (texts(first, second), len(first.calls)) == ([1, 0], 3)
    assert charged(sessions) == ({"first": 1}, 50)


def test_once_the_first_has_hung_everybody_goes_through_the_second_until_it_is_back(stage, sessions, monotonic):
    """X15: one message waits for the time limit, the next ones wait for nothing."""
    sms, first, second = stage
    first.mood = "hang"
    with pytest.raises(SmsFailed) as failed:
        sms.send(TO, TEXT, key="otp-1")
    assert failed.value.code == "timeout"

    for key in ("otp-1", "otp-2"):
        sms.send(TO, TEXT, key=key)
    assert (texts(second), len(first.calls)) == ([2], 1)
    assert charged(sessions) == ({"first": 1, "second": 2}, 150)

    first.mood = "good"
    monotonic.now += 60
    sms.send(TO, TEXT, key="otp-3")
    assert (texts(first, second), len(first.calls)) == ([1, 2], 2)


def test_a_first_gateway_that_is_not_there_at_all_is_passed_over(stage):
    """A refused connection took nothing."""
    sms, first, second = stage
    with closing(HttpSms(url="http://127.0.0.1:1/sms", token="t", sender="Yinyom")) as nobody:
        sms._ways[0] = Gateway(FIRST, nobody, Breaker(FIRST))
        sms.send(TO, TEXT, key="otp-1")

    assert texts(first, second) == [0, 1]


def test_when_nobody_takes_it_the_letter_waits(stage):
    """X15: both are away: again later, without calling anybody meanwhile."""
    sms, first, second = stage
    first.mood = second.mood = "busy"
    for number in range(3):
        with pytest.raises(SmsFailed) as failed:
            sms.send(TO, TEXT, key=f"otp-{number}")
        assert failed.value.code == "status_429"

    with pytest.raises(SmsFailed) as failed:
        sms.send(TO, TEXT, key="otp-9")

    assert (failed.value.code, failed.value.temporary) == ("gateways_away", True)
    assert (len(first.calls), len(second.calls)) == (3, 3)


@pytest.mark.parametrize("to", ["+6621234567", "+882100000035", "+66210000003"])
def test_a_number_that_is_no_mobile_asks_no_gateway_twice(stage, to):
    """RELIABILITY 3: toll fraud. The fault is the message's, so the gateway stays trusted."""
    sms, first, second = stage
    for number in range(4):
        with pytest.raises(SmsFailed) as failed:
            sms.send(to, TEXT, key=f"otp-{number}")
        assert (failed.value.code, failed.value.temporary) == ("number", False)

    sms.send(TO, TEXT, key="otp-9")

    assert (texts(first, second), second.calls) == ([1, 0], [])


def test_beyond_the_days_cap_no_gateway_is_called(stage, sessions):
    """X15: the daily spend cap holds."""
    sms, first, second = stage
    sms._ledger = Ledger(sessions, Clock(), part_cost=50, cap=50)
    sms.send(TO, TEXT, key="otp-1")

    with pytest.raises(SmsFailed) as failed:
        sms.send(TO, TEXT, key="otp-2")

    assert failed.value.code == "spend_cap"
    assert (len(first.calls), len(second.calls)) == (1, 0)


def test_a_letter_whose_gateway_hangs_goes_out_through_the_other_at_its_second_try(stage, sessions, ring, kek):
    """X15: the person waits for one time limit and one pause, and the letter is sent once for good."""
    sms, first, second = stage
    first.mood = "hang"
    ports = Ports(NoRegistry(), sms, GuardedFetcher(), SyntheticOnly())
    with sessions.writing() as session:
        outbox.enqueue(session, ring, kind="sms", to=TO, body=TEXT, key="otp-1", now=NOW)

    tried = [outbox.deliver(sessions, KeyRings(sessions, kek), ports, now=NOW + timedelta(seconds=at)) for at in (0, 2)]

    with sessions.reading() as session:
        letter = session.scalars(select(Letter)).one()
    assert (tried, letter.state, letter.attempts) == ([1, 1], "sent", 2)
    assert texts(first, second) == [0, 1]
