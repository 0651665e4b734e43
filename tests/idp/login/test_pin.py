"""PIN: strength, counting, locking (THAI.md 3, RELIABILITY rule 1 and section 3, ASVS 6.3)."""

from collections import Counter
from datetime import timedelta

import pytest
from argon2 import extract_parameters
from sqlalchemy import select, update

from idp.login import pin, tries
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND

RIGHT, WRONG = "294710", "294711"


@pytest.mark.parametrize(
    "trivial", ["111111", "123456", "654321", "901234", "432109", "121212", "112211", "123123", "112233", "147258"]
)
def test_a_pin_that_everybody_tries_first_is_refused(session, somchai, trivial):
    """NIST 800-63B section 5.1.1.2: a memorised secret is compared with the common ones."""
    with pytest.raises(pin.PinRefused) as refused:
        pin.set_pin(session, somchai, trivial, now=NOW)

    assert refused.value.code == "trivial"
    assert pin.check(session, somchai, trivial, now=NOW).outcome == "none"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "29471a", "²94710", "29 47 1", "9" * 10_000, "½94710"])
def test_a_pin_is_six_digits(session, somchai, typed):
    """THAI.md 3."""
    with pytest.raises(pin.PinRefused) as refused:
        pin.set_pin(session, somchai, typed, now=NOW)

    assert refused.value.code == "format"


@pytest.mark.parametrize("typed", [RIGHT, "๒๙๔๗๑๐", "294-710", " 294 710 ", "２９４７１０"])
def test_thai_and_full_width_digits_are_the_same_pin(session, somchai, typed):
    """Issue 2: input is normalised before it is judged."""
    pin.set_pin(session, somchai, RIGHT, now=NOW)

    assert pin.check(session, somchai, typed, now=NOW).outcome == "right"


def test_a_pin_is_kept_as_argon2id_under_the_chosen_cost(session, somchai, told):
    """OWASP: m=19456, t=2, p=1; and the decoy costs the same."""
    pin.set_pin(session, somchai, RIGHT, now=NOW)

    stored = session.scalar(select(pin.Pin.hash))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert extract_parameters(pin.DECOY) == extract_parameters(stored)
    assert told(session) == ["pin.set"]


def test_a_person_without_a_pin_costs_a_comparison_too(session, somchai, monkeypatch):
    """O38: the time says nothing about who has a PIN."""
    compared = []
    monkeypatch.setattr(pin, "_matches", lambda stored, digits: compared.append((stored, digits)) or False)

    assert pin.check(session, somchai, RIGHT, now=NOW) == pin.Check("none")
    assert compared == [(pin.DECOY, "000000")]


def test_five_wrong_tries_lock_and_then_even_the_right_pin_waits(session, somchai, told):
    """RELIABILITY 3: five guesses, counted before they are compared."""
    pin.set_pin(session, somchai, RIGHT, now=NOW)

    answers = [pin.check(session, somchai, WRONG, now=NOW) for _ in range(5)]

    assert [(answer.outcome, answer.tries_left) for answer in answers] == [
        ("wrong", 4),
        ("wrong", 3),
        ("wrong", 2),
        ("wrong", 1),
        ("locked", 0),
    ]
    until = NOW + 15 * MINUTE
    assert pin.check(session, somchai, RIGHT, now=until - SECOND) == pin.Check("locked", until=until)
    assert pin.check(session, somchai, RIGHT, now=until).outcome == "right"
    assert told(session) == ["pin.failed wrong"] * 5 + ["pin.locked tries_spent", "pin.set"]


def test_without_a_try_left_nothing_is_compared(session, somchai):
    """RELIABILITY rule 1: `WHERE tries_left > 0`, should a lock ever be lost between two writes."""
    pin.set_pin(session, somchai, RIGHT, now=NOW)
    session.execute(update(pin.Pin).values(tries_left=0))

    assert pin.check(session, somchai, RIGHT, now=NOW).outcome == "locked"


def test_a_right_pin_gives_all_tries_back(session, somchai):
    """RELIABILITY 3: consecutive failures are what counts."""
    pin.set_pin(session, somchai, RIGHT, now=NOW)
    for _ in range(4):
        pin.check(session, somchai, WRONG, now=NOW)

    assert pin.check(session, somchai, RIGHT, now=NOW) == pin.Check("right", tries_left=5)
    assert pin.check(session, somchai, WRONG, now=NOW).tries_left == 4


@pytest.mark.parametrize(
    ("lockouts", "minutes"), [(0, 15), (1, 30), (2, 60), (3, 120), (6, 960), (7, 1440), (8, 1440), (10_000, 1440)]
)
def test_each_lock_is_twice_the_last_up_to_a_day(lockouts, minutes):
    """RELIABILITY 3."""
    assert tries.lock_of(lockouts) == timedelta(minutes=minutes)


def test_locks_grow_until_a_right_pin_forgives(session, somchai):
    """RELIABILITY 3: a patient guesser gets five tries a day in the end."""
    pin.set_pin(session, somchai, RIGHT, now=NOW)
    now, locks = NOW, []
    for _ in range(3):
        last = [pin.check(session, somchai, WRONG, now=now) for _ in range(5)][-1]
        locks.append(last.until - now)
        now = last.until

    assert locks == [15 * MINUTE, 30 * MINUTE, HOUR]
    assert pin.check(session, somchai, RIGHT, now=now).outcome == "right"
    assert [pin.check(session, somchai, WRONG, now=now) for _ in range(5)][-1].until - now == 15 * MINUTE


def test_a_new_pin_replaces_the_old_one_and_its_lock(session, somchai, manee):
    """A fresh factor was asked for before this verb is called (ASVS 7.5.1)."""
    pin.set_pin(session, manee, RIGHT, now=NOW)
    pin.set_pin(session, somchai, RIGHT, now=NOW)
    for _ in range(5):
        pin.check(session, somchai, WRONG, now=NOW)

    pin.set_pin(session, somchai, "830472", now=NOW + DAY)

    assert pin.check(session, somchai, RIGHT, now=NOW + DAY).outcome == "wrong"
    assert pin.check(session, somchai, "830472", now=NOW + DAY).outcome == "right"
    assert pin.check(session, manee, RIGHT, now=NOW).outcome == "right"


def test_of_forty_parallel_tries_exactly_five_are_evaluated(sessions, somchai, at_once):
    """RELIABILITY rule 1: counted by one conditional update."""
    with sessions.writing() as session:
        pin.set_pin(session, somchai, RIGHT, now=NOW)

    answers = at_once(40, lambda session: pin.check(session, somchai, WRONG, now=NOW))

    assert Counter(answer.outcome for answer in answers) == {"wrong": 4, "locked": 36}
    with sessions.reading() as session:
        assert session.scalar(select(pin.Pin.lockouts)) == 1


def test_two_pages_that_set_a_pin_at_once_leave_one_pin(sessions, somchai, at_once):
    """A double tap is not an error."""
    at_once(4, lambda session: pin.set_pin(session, somchai, RIGHT, now=NOW))

    with sessions.writing() as session:
        assert pin.check(session, somchai, RIGHT, now=NOW).outcome == "right"
