"""The clocks of the law, by a table."""

from datetime import UTC, datetime

import pytest

from consent.rights import clocks
from consent.rights.clocks import LIMITS, Clock, Kind
from tests.fakes import DAY, HOUR, MINUTE, NOW

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # noon in Bangkok
LATE = datetime(2026, 11, 23, 16, 59, tzinfo=UTC)  # a minute before midnight in Bangkok


@pytest.mark.parametrize("kind", list(Kind))
def test_every_request_has_thirty_days_and_an_erasure_ninety(kind):
    """PDPA s.30 and the deletion rules: 30 days, 90 for erasure; whichever moment of the Bangkok day it came at."""
    days = 90 if kind is Kind.erasure else 30
    midnight = datetime(2026, 11, 23, 17, 0, tzinfo=UTC) + days * DAY

    assert LIMITS[kind].days == days
    assert clocks.due(kind, NOON) == clocks.due(kind, LATE) == midnight


@pytest.mark.parametrize("kind", [Kind.access, Kind.erasure, Kind.objection, Kind.restriction])
def test_s30_what_the_law_counts_strictly_has_no_extension(kind):
    """PDPA s.30: extension none by default."""
    assert clocks.extended(kind, clocks.due(kind, NOW)) is None


def test_other_requests_may_be_put_off_by_thirty_days():
    """THAI.md part 4: a DPO may need to ask others first."""
    due = clocks.due(Kind.complaint, NOW)
    assert clocks.extended(Kind.complaint, due) == due + 30 * DAY


@pytest.mark.parametrize(
    ("before", "answered", "clock"),
    [
        (8 * DAY, None, Clock.running),
        (7 * DAY, None, Clock.soon),
        (MINUTE, None, Clock.soon),
        (0 * DAY, None, Clock.overdue),
        (-DAY, None, Clock.overdue),
        (-DAY, 1, Clock.answered),
        (-DAY, -1, Clock.answered_late),
    ],
)
def test_a_clock_tells_how_a_case_stands(before, answered, clock):
    """PAGES: request desk with clocks. The due moment itself is overdue."""
    due = clocks.due(Kind.access, NOW)
    at = None if answered is None else due - answered * HOUR

    assert clocks.stands(due, answered_at=at, now=due - before) is clock


def test_s37_a_breach_is_reported_within_72_hours_of_knowing():
    """PDPA s.37(4): to the minute; reasons of a late report 15 days after that."""
    assert clocks.report_due(NOW) == NOW + 72 * HOUR
    assert not clocks.is_late(NOW, NOW + 72 * HOUR)
    assert clocks.is_late(NOW, NOW + 72 * HOUR + MINUTE)
    assert clocks.explain_due(NOW) == NOW + 72 * HOUR + 15 * DAY
