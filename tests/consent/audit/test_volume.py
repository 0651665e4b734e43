"""Counts by day and family: the right day, no day forgotten, no day counted for ever."""

from datetime import timedelta

from consent.audit import log
from consent.audit.log import Actor
from consent.audit.volume import Counted, Usual, against_usual
from tests.fakes import HOUR, NOW

DAY = timedelta(days=1)
MIDNIGHTS = [NOW + n * DAY for n in range(-3, 2)]


def write(session, event, count, *, now):
    for _ in range(count):
        log.append(session, event, now=now, actor=Actor.system("test"))


def test_each_entry_is_counted_on_its_day_under_its_family(session):
    """A day begins at its midnight and ends before the next."""
    write(session, "signin.done", 2, now=NOW - 3 * DAY)
    write(session, "token.issued", 3, now=NOW - DAY - HOUR / 3600)
    write(session, "token.denied", 1, now=NOW - DAY)
    write(session, "consent.given", 4, now=NOW + HOUR)

    days = Counted().days(session, MIDNIGHTS, now=NOW + 2 * HOUR)

    assert [day.begins for day in days] == MIDNIGHTS[:-1]
    assert [{name: n for name, n in day.counts.items() if n} for day in days] == [
        {"authn": 2},
        {"token": 3},
        {"token": 1},
        {"consent": 4},
    ]
    assert [day.total for day in days] == [2, 3, 1, 4]


def test_a_day_that_is_over_is_counted_once_and_today_each_time(session):
    """Bounded: what cannot change is not read again; yesterday stays open for an hour."""
    counted = Counted()
    write(session, "signin.done", 1, now=NOW - 2 * DAY)
    counted.days(session, MIDNIGHTS, now=NOW + HOUR / 2)
    for late in (NOW - 2 * DAY, NOW - HOUR, NOW + HOUR):
        write(session, "signin.done", 1, now=late)

    assert [day.total for day in counted.days(session, MIDNIGHTS, now=NOW + 2 * HOUR)] == [0, 1, 1, 1]


def test_counting_stops_at_the_ceiling_and_says_so(session):
    """A day of millions costs no more than a day of the ceiling."""
    write(session, "signin.done", 5, now=NOW)

    (*_, today) = Counted(most=3).days(session, MIDNIGHTS, now=NOW)

    assert (today.total, today.full) == (3, True)


def test_today_stands_beside_the_median_of_the_days_before(session):
    """Unusual is three times the usual, and never a handful."""
    for n in range(1, 4):
        write(session, "signin.done", 8 * n, now=NOW - n * DAY)
    write(session, "signin.done", 48, now=NOW)
    write(session, "token.issued", 19, now=NOW)

    told = against_usual(Counted().days(session, MIDNIGHTS, now=NOW))

    assert told["authn"] == Usual(48, 16)
    assert (told["authn"].unusual, told["token"].unusual, told[""].today) == (True, False, 67)


def test_a_first_day_has_nothing_to_be_compared_with(session):
    """A new installation is not alarmed about itself."""
    write(session, "signin.done", 100, now=NOW)

    told = against_usual(Counted().days(session, MIDNIGHTS, now=NOW))

    assert (told[""].compared, told[""].unusual, told["authn"].unusual) == (False, False, False)
