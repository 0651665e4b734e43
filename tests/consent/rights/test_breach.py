"""A breach from knowing to closing: 72 hours, reasons, people."""

import pytest

from consent.audit import search
from consent.errors import Conflict, NotAllowed
from consent.rights import breach
from tests.consent.cast import AUDITOR
from tests.fakes import DAY, HOUR, MINUTE, NOW

BY = AUDITOR


def known(session, **changes):
    asked = {"nature": "confidentiality", "known_at": NOW, "facts": b"x", "by": BY, "now": NOW, **changes}
    return breach.open_breach(session, **asked)


def weighed(session, risk, **changes):
    case = known(session, **changes)
    return breach.weigh(session, case.id, risk=risk, affected=3, assessment=b"y", by=BY, now=NOW + HOUR)


def reasons(session, event):
    return [row.entry.reason for row in search.of_event(session, event, limit=9)]


def test_s37_4_the_clock_runs_from_knowing_not_from_writing_down(session):
    """PDPA s.37(4): within 72 hours of knowing."""
    case = known(session, known_at=NOW - 10 * HOUR)

    assert breach.due(case, now=NOW).report_by == NOW + 62 * HOUR
    assert breach.overdue(session, now=NOW + 62 * HOUR - MINUTE) == 0
    assert breach.overdue(session, now=NOW + 62 * HOUR) == 1


def test_s37_4_what_nobody_has_weighed_counts_as_a_risk(session):
    """A breach cannot be made to disappear by not looking at it."""
    case = known(session)
    due = breach.due(case, now=NOW)

    assert (due.weigh, due.tell) == (True, False)
    assert due.report_by is not None
    with pytest.raises(Conflict):
        breach.close(session, case.id, by=BY, now=NOW)


@pytest.mark.parametrize(
    ("risk", "report", "tell"), [("none", False, False), ("risk", True, False), ("high", True, True)]
)
def test_s37_4_who_must_know_goes_by_the_risk(session, risk, report, tell):
    """The Office unless nobody is at risk; the people where the risk is high; the assessment is kept."""
    case = weighed(session, risk)
    due = breach.due(case, now=NOW)

    assert (due.report_by is not None, due.tell) == (report, tell)
    assert case.assessment == b"y"
    assert due.anything == (report or tell)


def test_s37_4_a_late_report_needs_reasons(session):
    """After 72 hours the entry says late, and reasons are due within 15 days more; only then it is closed."""
    case = weighed(session, "risk")
    late = NOW + 72 * HOUR + MINUTE

    case = breach.report(session, case.id, reference="สคส. 1/2569", by=BY, now=late)

    assert reasons(session, "breach.reported") == ["late"]
    assert breach.due(case, now=late).explain_by == NOW + 72 * HOUR + 15 * DAY
    with pytest.raises(Conflict):
        breach.close(session, case.id, by=BY, now=late)
    breach.explain(session, case.id, reasons=b"z", by=BY, now=late + DAY)
    assert breach.close(session, case.id, by=BY, now=late + DAY).closed_at == late + DAY


def test_a_report_in_time_needs_none(session):
    """And nothing can be explained that was in time."""
    case = weighed(session, "risk")
    case = breach.report(session, case.id, reference="1", late_reasons=b"z", by=BY, now=NOW + 72 * HOUR)

    assert (case.late_reasons, reasons(session, "breach.reported")) == (None, ["in_time"])
    with pytest.raises(Conflict):
        breach.explain(session, case.id, reasons=b"z", by=BY, now=NOW + 80 * HOUR)
    breach.close(session, case.id, by=BY, now=NOW + 80 * HOUR)


def test_each_step_happens_once(session):
    """A second officer presses the same button: the first one's words stay."""
    case = weighed(session, "high")
    breach.report(session, case.id, reference="1", by=BY, now=NOW)
    breach.told(session, case.id, count=2, by=BY, now=NOW)
    steps = (
        lambda: breach.weigh(session, case.id, risk="none", affected=0, assessment=b"", by=BY, now=NOW),
        lambda: breach.report(session, case.id, reference="2", by=BY, now=NOW),
        lambda: breach.told(session, case.id, count=1, by=BY, now=NOW),
    )
    for step in steps:
        with pytest.raises(Conflict):
            step()
    breach.close(session, case.id, by=BY, now=NOW)
    with pytest.raises(Conflict):
        breach.close(session, case.id, by=BY, now=NOW)


@pytest.mark.parametrize("wrong", [{"nature": "other"}, {"known_at": NOW + MINUTE}])
def test_nonsense_is_refused(session, wrong):
    """Nobody knows of it before now."""
    with pytest.raises(NotAllowed):
        known(session, **wrong)
