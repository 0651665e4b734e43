"""Everybody's wrong guesses together: longer codes and another proof over the budget, and back when it is calm."""

import pytest
from sqlalchemy import func, select

from consent.audit.models import AuditEntry
from idp.abuse import alarms, tallies
from idp.abuse.alarms import DIGITS, LONG_CODES, LONG_DIGITS, OTHER_PROOF
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND

BOTH = frozenset({LONG_CODES, OTHER_PROOF})


def minutes(*counts, now=NOW):
    this = tallies.begun(now, MINUTE)
    return {this - n * MINUTE: count for n, count in enumerate(counts)}


@pytest.mark.parametrize(
    ("counts", "usual", "asked"),
    [
        ((200,), 0, frozenset()),
        ((201,), 0, BOTH),
        ((0, 500), 0, frozenset()),  # a minute that is over was judged while it lasted
        ((200, 200, 200, 200, 200), 0, frozenset()),
        ((200, 201, 200, 200, 200), 0, {OTHER_PROOF}),
        ((300,), 6000, frozenset()),  # 100 a minute are usual at this hour
        ((301,), 6000, BOTH),
        ((300, 300, 300, 300, 301), 6000, {OTHER_PROOF}),
        ((300, 300, 300, 300, 300), 6000, frozenset()),
    ],
)
def test_what_the_last_minutes_ask_for(counts, usual, asked):
    """RELIABILITY 3: 200 a minute above the usual; 1,000 in five minutes, else three times the usual."""
    assert alarms.measures(minutes(*counts), usual, now=NOW) == asked


def wrong(session, times, *, now=NOW):
    for _ in range(times):
        alarms.note_wrong(session, now=now)


def test_the_budget_switches_to_eight_digits_and_back(session):
    """One in a hundred million instead of one in a million; ten calm minutes end it."""
    wrong(session, 200)
    assert alarms.raised(session, now=NOW) == frozenset()
    assert alarms.digits(alarms.raised(session, now=NOW)) == DIGITS == 6

    wrong(session, 1)

    assert alarms.raised(session, now=NOW) == BOTH
    assert alarms.digits(alarms.raised(session, now=NOW)) == LONG_DIGITS == 8
    assert alarms.raised(session, now=NOW + 10 * MINUTE - SECOND) == BOTH
    assert alarms.raised(session, now=NOW + 10 * MINUTE) == frozenset()


def test_each_further_excess_moves_the_end_on_and_is_logged_once(session):
    """Auditors see when a safeguard began, not each guess that keeps it up."""
    wrong(session, 201)
    wrong(session, 201, now=NOW + 9 * MINUTE)

    assert alarms.raised(session, now=NOW + 18 * MINUTE) == BOTH
    assert logged(session) == 2
    wrong(session, 201, now=NOW + HOUR)
    assert logged(session) == 4


def logged(session):
    session.flush()
    return session.scalar(select(func.count()).select_from(AuditEntry))


def test_the_usual_is_learned_from_the_same_hour_of_seven_days(session):
    """The median: three days of attack teach nothing, four ordinary ones do."""
    assert alarms.usual(session, now=NOW) == 0
    for back in (1, 2, 3):
        wrong(session, 40, now=NOW - back * DAY)
    assert alarms.usual(session, now=NOW) == 0
    wrong(session, 30, now=NOW - 4 * DAY)
    assert alarms.usual(session, now=NOW) == 30
    assert alarms.usual(session, now=NOW + HOUR) == 0


def test_counts_that_no_rule_looks_back_at_are_forgotten(session):
    """Seven days back and no more."""
    wrong(session, 1, now=NOW - 7 * DAY)
    wrong(session, 1, now=NOW - 9 * DAY)

    tallies.purge(session, now=NOW)

    hour = f"{alarms.WRONG}:hour"
    assert len(tallies.counted(session, hour, first=NOW - 10 * DAY, last=NOW)) == 1


def sent(session, number, *, now=NOW):
    return [alarms.note_sent(session, now=now) for _ in range(number)]


def test_many_codes_that_nobody_types_ask_for_another_proof(sessions, monkeypatch):
    """RELIABILITY 3, global SMS: what is sent and not typed, above the floor and three times the usual."""
    monkeypatch.setattr(alarms, "MOST_UNTYPED", 40)
    with sessions.writing() as session:
        for n in range(30):  # typed ones do not count, those at phones that were typed once
            tallies.add(session, f"typed:range{n % 3}", each=tallies.HOUR, now=NOW)
        tallies.add(session, "typed:typed-phones", each=tallies.HOUR, now=NOW)

        assert not any(sent(session, 70))
        assert alarms.raised(session, now=NOW) == frozenset()
        assert any(sent(session, 10))
        assert alarms.raised(session, now=NOW) == {OTHER_PROOF}


def test_what_is_usual_at_this_hour_is_no_alarm(sessions, monkeypatch):
    """Three times the median of a week."""
    monkeypatch.setattr(alarms, "MOST_UNTYPED", 10)
    with sessions.writing() as session:
        for back in alarms.LOOK_BACK:
            for _ in range(20):
                tallies.add(session, alarms.SENT, each=tallies.HOUR, now=NOW - back)

        assert not any(sent(session, 60))
        assert any(sent(session, 10))
