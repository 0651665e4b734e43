"""Breaking the glass, as tables: who may, on which words, how long, and who judges."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import emergency, purposes
from consent.emergency import Emergency, Opener, Said, may_review, refusal, review_refusal
from tests.fakes import HOUR, NOW, SECOND

GOOD = Opener(practitioner=True, facility_kind=True, facility_licence=True, level=True)


@pytest.mark.parametrize(
    ("opener", "more", "code"),
    [
        (GOOD, {}, None),
        (replace(GOOD, practitioner=False), {}, "not_practitioner"),
        (replace(GOOD, facility_kind=False), {}, "facility_kind"),
        (replace(GOOD, facility_licence=False), {}, "facility_licence"),
        (replace(GOOD, level=False), {}, "staff_level"),
        (GOOD, {"own_record": True}, "own_record"),
        (GOOD, {"patient_active": False}, "patient_closed"),
    ],
)
def test_who_may_break_the_glass(opener, more, code):
    """Catalogue rule 11: a practitioner with a valid licence, at a facility that may receive."""
    assert refusal(opener, **more) == code


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        (Said("unconscious", "หมดสติ", 4), {}),
        (Said("unconscious", "หมดสติ", 1), {}),
        (Said("other", "x" * 300, 24), {}),
        (Said("", "หมดสติ", 4), {"reason": "required"}),
        (Said("curious", "หมดสติ", 4), {"reason": "required"}),
        (Said("unconscious", "  ", 4), {"words": "required"}),
        (Said("unconscious", "ab ", 4), {"words": "required"}),
        (Said("unconscious", "x" * 301, 4), {"words": "long"}),
        (Said("unconscious", "หมดสติ", 0), {"hours": "range"}),
        (Said("unconscious", "หมดสติ", 25), {"hours": "range"}),
        (Said("", "", 0), {"reason": "required", "words": "required", "hours": "range"}),
    ],
)
def test_what_must_be_said(said, faults):
    """A reason, a few words, 1 to 24 hours; every fault at once."""
    assert said.faults == faults


def test_the_hours_are_those_of_the_catalogue():
    """Row BREAKGLASS: 4 h, 24 h at most."""
    row = purposes.get(emergency.PURPOSE)

    assert row.default_life == timedelta(hours=emergency.USUAL_HOURS)
    assert row.max_life == timedelta(hours=emergency.MOST_HOURS)


@given(st.integers(-100, 100), st.integers(1, 24), st.none() | st.integers(0, 48))
def test_an_emergency_runs_from_its_opening_to_its_end_and_never_longer(at, hours, ended):
    """By the clock alone, whoever forgot to say that it is over."""
    moment = NOW + at * HOUR
    one = Emergency(NOW, NOW + hours * HOUR, None if ended is None else NOW + ended * HOUR)

    assert one.runs_at(moment) == (ended is None and 0 <= at < hours)
    assert not one.runs_at(one.ends_at)
    assert ended is not None or one.runs_at(one.ends_at - SECOND)


REVIEWER, OPENER, PATIENT = uuid4(), uuid4(), uuid4()
FINE = {
    "reviewer": REVIEWER,
    "opened_by": OPENER,
    "patient_id": PATIENT,
    "may": True,
    "running": False,
    "reviewed": False,
}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"reviewer": OPENER}, "own_opening"),
        ({"reviewer": PATIENT}, "own_record"),
        ({"may": False}, "not_reviewer"),
        ({"patient_id": None}, "nobody_opened"),
        ({"running": True}, "running"),
        ({"reviewed": True}, "reviewed"),
    ],
)
def test_who_judges_it(changed, code):
    """Never who opened it, never the patient, never twice."""
    assert review_refusal(**(FINE | changed)) == code


@pytest.mark.parametrize(
    ("places", "may"),
    [
        ({("dpo", None)}, True),
        ({("head", "99001")}, True),
        ({("head", "99002")}, False),
        ({("head", None)}, False),
        ({("practitioner", "99001"), ("clerk", "99001")}, False),
        (set(), False),
    ],
)
def test_an_officer_judges_everywhere_a_head_at_home(places, may):
    """The data protection officer of the service, or the head of that facility."""
    assert may_review(frozenset(places), "99001") is may


def test_the_judgement_is_due_after_three_days_however_long_it_lasted():
    """72 hours from the opening."""
    assert emergency.due_at(NOW) == NOW + 72 * HOUR
