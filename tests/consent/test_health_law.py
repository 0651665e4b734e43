"""Health law beside the PDPA: the National Health Act, and care at a distance (THAI law part)."""

import pytest

from consent import purposes
from consent.decision import Question, Reason, decide
from consent.purposes import Kind
from tests.consent.test_every_purpose import fit, stands
from tests.fakes import NOW

HEALTH = [row for row in purposes.all() if any(purposes.category(code).s26 for code in row.data_categories)]
LAWS = {"TREAT", "PH", "WELF", "RES", "VITAL", "LAW", "PUB"}


@pytest.mark.parametrize("row", HEALTH, ids=lambda row: row.code)
def test_national_health_act_s7_health_data_leave_on_the_persons_wish_or_a_law_on_record(row):
    """NHA s.7: a secret of the person; where nothing was answered or told, only a push that a law asks for goes on."""
    verdict = decide(Question(row, fit(row), None, None, NOW), None)

    if row.kind in (Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC):
        assert purposes.possible_bases(row) <= LAWS
    else:
        assert not verdict.permit
        assert verdict.reason in (Reason.no_record, Reason.emergency_over)


def test_telemedicine_identifies_both_sides_and_ends_with_the_visit():
    """MOPH 2564: doctor and patient are known, at levels of their own; a patient who is not is no patient there."""
    row = purposes.get("TELEMED")

    assert purposes.reaches(row.citizen_ial, "1.3")
    assert purposes.reaches(row.citizen_aal, "2.1")
    assert purposes.reaches(row.staff_ial, "2.1")
    assert purposes.reaches(row.staff_aal, "2.2")
    assert row.ends_on == "visit"
    weak = decide(Question(row, fit(row), "1", row.citizen_ial, NOW), stands(row))
    assert weak.reason is Reason.aal_too_low


def test_telemedicine_is_recorded_on_a_consent_of_its_own_whose_no_ends_no_visit():
    """A recording is asked for by itself, explicitly, once, and never beside the visit."""
    recording, visit = purposes.get("TELEREC"), purposes.get("TELEMED")

    assert (recording.asks, recording.basis, recording.explicit, recording.max_uses) == (True, "C26", True, 1)
    assert purposes.screens(["TELEMED", "TELEREC"]) == [("TELEMED",), ("TELEREC",)]
    assert decide(Question(visit, fit(visit), None, None, NOW), stands(visit)).permit
    assert decide(Question(recording, fit(recording), None, None, NOW), None).reason is Reason.no_record
