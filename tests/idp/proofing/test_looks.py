from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from idp.proofing import looks
from idp.proofing.looks import Quiet, break_of
from idp.proofing.models import Looks
from tests.fakes import DAY, HOUR, MINUTE, NOW

NUMBER, OTHER = "a" * 64, "b" * 64


def test_three_looks_a_day_and_not_four(session):
    """RELIABILITY 3: registry look-ups, 3 per person per day."""
    taken = [looks.take(session, NUMBER, now=NOW + n * HOUR) for n in range(4)]

    assert taken == [None, None, None, Quiet(NOW + DAY)]


def test_the_first_look_is_forgotten_after_a_day(session):
    for n in range(3):
        looks.take(session, NUMBER, now=NOW + n * HOUR)

    assert looks.take(session, NUMBER, now=NOW + DAY - MINUTE) is not None
    assert looks.take(session, NUMBER, now=NOW + DAY) is None


def test_one_number_does_not_use_up_anothers_looks(session):
    for _ in range(3):
        looks.take(session, NUMBER, now=NOW)

    assert looks.take(session, OTHER, now=NOW) is None


def test_a_look_that_was_not_answered_is_given_back(session):
    for _ in range(3):
        looks.take(session, NUMBER, now=NOW)

    looks.give_back(session, NUMBER)

    assert looks.take(session, NUMBER, now=NOW) is None
    assert looks.take(session, NUMBER, now=NOW) is not None


def test_three_misses_in_a_row_begin_a_break_that_doubles(session):
    breaks = []
    now = NOW
    for _ in range(5):
        for n in range(3):
            at = now + n * MINUTE
            assert looks.take(session, NUMBER, now=at) is None
            told = looks.missed(session, NUMBER, now=at)
        breaks.append(told.until - at)
        now = told.until + DAY

    assert breaks == [timedelta(days=n) for n in (1, 2, 4, 8, 8)]


def test_nothing_is_asked_in_a_break_that_outlasts_the_days_looks(session):
    """The second break is two days: the day's three looks are free before it is over."""
    now = NOW
    for _ in range(2):
        for n in range(3):
            assert looks.take(session, NUMBER, now=now + n * MINUTE) is None
            told = looks.missed(session, NUMBER, now=now + n * MINUTE)
        until, now = told.until, told.until + DAY

    assert looks.take(session, NUMBER, now=until - MINUTE) == Quiet(until)
    assert looks.take(session, NUMBER, now=until) is None


def test_a_right_card_forgives_misses_but_not_the_days_looks(session):
    for _ in range(2):
        looks.take(session, NUMBER, now=NOW)
        looks.missed(session, NUMBER, now=NOW)
    looks.take(session, NUMBER, now=NOW)
    looks.forgive(session, NUMBER)

    assert session.scalars(select(Looks.misses)).one() == 0
    assert looks.take(session, NUMBER, now=NOW) == Quiet(NOW + DAY)


@pytest.mark.parametrize(("breaks", "days"), [(0, 1), (1, 2), (3, 8), (4, 8), (1000, 8)])
def test_no_break_lasts_longer_than_eight_days(breaks, days):
    assert break_of(breaks) == timedelta(days=days)


def test_any_number_of_processes_have_three_looks_together(sessions):
    """One conditional statement decides."""

    def ask(_):
        with sessions.writing() as session:
            return looks.take(session, NUMBER, now=NOW)

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(ask, range(12)))

    assert taken.count(None) == 3
