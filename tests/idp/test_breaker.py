from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from idp import breaker
from idp.breaker import Breaker


class Monotonic:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        """The present second."""
        return self.now


@pytest.fixture
def clock():
    return Monotonic()


@pytest.fixture
def made(clock):
    return Breaker("issuer", clock=clock)


def test_while_all_is_well_everybody_may_ask(made):
    """A failure now and then opens nothing."""
    for _ in range(10):
        made.failed()
        made.worked()

    assert made.admits()
    assert not made.is_open


def test_one_that_made_somebody_wait_to_the_end_is_left_alone_at_once(made):
    """X16: the circuit opens in less than 5 s, which is one time limit."""
    made.failed(timed_out=True)

    assert made.is_open
    assert not made.admits()


def test_quick_failures_open_it_when_they_come_in_a_row(made):
    """Three, and not two."""
    made.failed()
    made.failed()
    assert made.admits()
    made.failed()

    assert not made.admits()


def test_after_the_rest_one_asks_and_the_others_are_refused(made, clock):
    """Half-open: nobody else waits for the answer."""
    made.failed(timed_out=True)
    clock.now += breaker.REST_S

    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(lambda _: made.admits(), range(8)))

    assert admitted.count(True) == 1
    made.worked()
    assert made.admits()
    assert made.admits()


def test_whoever_asked_and_never_told_does_not_keep_it_open_for_ever(made, clock):
    """A process may die while it asks."""
    made.failed(timed_out=True)
    clock.now += breaker.REST_S
    assert made.admits()

    clock.now += breaker.LONGEST_TRY_S

    assert [made.admits(), made.admits()] == [True, False]


def test_the_rest_doubles_up_to_a_minute_and_starts_anew_after_success(made, clock):
    """A service that stays away is asked less and less."""
    rests = []
    made.failed(timed_out=True)
    for _ in range(8):
        began = clock.now
        while not made.admits():
            clock.now += 0.5
        rests.append(clock.now - began)
        made.failed()

    assert rests == [2, 4, 8, 16, 32, 60, 60, 60]
    clock.now += breaker.LONGEST_REST_S
    assert made.admits()
    made.worked()
    made.failed(timed_out=True)
    clock.now += breaker.REST_S
    assert made.admits()


def test_opening_and_closing_is_said_once_each(made, clock):
    """For the operator; nothing of a person is in it."""
    with capture_logs() as lines:
        for _ in range(5):
            made.failed(timed_out=True)
        clock.now += 60
        made.admits()
        made.worked()
        made.worked()

    assert [(line["event"], line["service"]) for line in lines] == [
        ("breaker.opened", "issuer"),
        ("breaker.closed", "issuer"),
    ]
