"""A breach from knowing to closing: 72 hours, reasons, people."""

from uuid import UUID

import pytest

from consent.audit import search
from consent.errors import Conflict, NotAllowed
from consent.rights import breach
from tests.consent.cast import ANOTHER, AUDITOR, PERSON
from tests.fakes import DAY, HOUR, MINUTE, NOW

BY, SECOND = AUDITOR, UUID("019ab000-0000-7000-8000-0000000000bb")


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
    breach.ask_to_tell(session, case.id, by=BY, now=NOW)
    breach.told(session, case.id, count=2, by=SECOND, now=NOW)
    steps = (
        lambda: breach.report(session, case.id, reference="2", by=BY, now=NOW),
        lambda: breach.ask_to_tell(session, case.id, by=BY, now=NOW),
        lambda: breach.told(session, case.id, count=1, by=SECOND, now=NOW),
    )
    for step in steps:
        with pytest.raises(Conflict):
            step()
    breach.close(session, case.id, by=BY, now=NOW)
    for late in (
        lambda: breach.close(session, case.id, by=BY, now=NOW),
        lambda: breach.weigh(session, case.id, risk="none", affected=0, assessment=b"z", by=BY, now=NOW),
    ):
        with pytest.raises(Conflict):
            late()
    assert len(breach.assessments(session, case.id)) == 1


def test_s37_4_two_officers_tell_people(session):
    """Nobody frightens thousands of people alone: who asked does not confirm, and nobody confirms what nobody asked."""
    case = weighed(session, "high")
    with pytest.raises(Conflict):
        breach.told(session, case.id, count=2, by=SECOND, now=NOW)
    breach.ask_to_tell(session, case.id, by=BY, now=NOW)
    assert breach.due(breach.get(session, case.id), now=NOW).confirm
    with pytest.raises(NotAllowed) as refused:
        breach.told(session, case.id, count=2, by=BY, now=NOW)
    assert refused.value.code == "same_officer"

    told = breach.told(session, case.id, count=2, by=SECOND, now=NOW)

    assert (told.told, told.tell_asked_by, told.told_by) == (2, BY, SECOND)
    assert not breach.due(told, now=NOW).tell


def test_s37_4_nobody_is_told_of_what_is_no_high_risk_any_more(session):
    """Between the asking and the confirming more became known."""
    case = weighed(session, "high")
    breach.ask_to_tell(session, case.id, by=BY, now=NOW)
    breach.weigh(session, case.id, risk="risk", affected=3, assessment=b"z", by=BY, now=NOW + HOUR)
    with pytest.raises(Conflict):
        breach.told(session, case.id, count=2, by=SECOND, now=NOW)


def test_s37_4_the_first_risk_after_none_starts_what_is_due_and_the_history_stays(session):
    """Until then there was nothing to report; both assessments are kept, each with its entry."""
    case = weighed(session, "none")
    found_out = NOW + 100 * HOUR
    assert breach.due(case, now=found_out).report_by is None

    case = breach.weigh(session, case.id, risk="high", affected=9, assessment=b"z", by=SECOND, now=found_out)

    due = breach.due(case, now=found_out)
    assert (due.report_by, due.late, due.tell) == (found_out + 72 * HOUR, False, True)
    kept = [(one.n, one.risk, one.words, one.weighed_by) for one in breach.assessments(session, case.id)]
    assert kept == [(1, "none", b"y", BY), (2, "high", b"z", SECOND)]
    assert len(reasons(session, "breach.assessed")) == 2
    breach.report(session, case.id, reference="1", by=BY, now=found_out + 73 * HOUR)
    assert breach.due(case, now=found_out + 73 * HOUR).explain_by == found_out + 72 * HOUR + 15 * DAY


def test_s37_4_a_risk_that_was_seen_once_starts_no_clock_anew(session):
    """Nobody winds the 72 hours up by calling a risk none for a day."""
    case = weighed(session, "risk")
    for n, risk in enumerate(("none", "risk"), start=2):
        case = breach.weigh(session, case.id, risk=risk, affected=3, assessment=b"z", by=BY, now=NOW + n * HOUR)

    assert breach.due(case, now=NOW).report_by == NOW + 72 * HOUR


def test_each_person_is_told_once(session):
    """And whom no way reaches is counted."""
    case = weighed(session, "high")
    assert breach.tell_once(session, case.id, PERSON, reached=True, now=NOW)
    assert not breach.tell_once(session, case.id, PERSON, reached=True, now=NOW)
    assert breach.tell_once(session, case.id, ANOTHER, reached=False, now=NOW)
    assert breach.progress(session, case.id) == (2, 1)


@pytest.mark.parametrize("wrong", [{"nature": "other"}, {"known_at": NOW + MINUTE}])
def test_nonsense_is_refused(session, wrong):
    """Nobody knows of it before now."""
    with pytest.raises(NotAllowed):
        known(session, **wrong)
