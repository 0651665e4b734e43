"""A village health volunteer: what is asked of a household, for one day, and no diagnosis (catalogue rule 5)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from consent import purposes
from consent.decision import Question, Reason, Standing, decide
from consent.errors import NotAllowed
from consent.purposes import check_registration
from tests.consent.cast import HOSPITAL
from tests.consent.test_every_purpose import RECORD
from tests.fakes import HOUR, NOW

VOLUNTEER = replace(HOSPITAL, kind="volunteer")
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
ALLOWED = {"APPT", "SELFMEAS"}
YEAR = Standing("given", RECORD, NOW + timedelta(days=365), NOW, None, given_at=NOW)


def asked(code, to, now):
    """What somebody hears who asks with a consent for a year."""
    return decide(Question(purposes.get(code), to, None, None, now), YEAR)


@pytest.mark.parametrize("row", [row for row in purposes.all() if row.asks], ids=lambda row: row.code)
def test_volunteers_receive_appointments_and_measurements_and_nothing_else(row):
    """THAI law part, volunteers: no diagnoses."""
    verdict = asked(row.code, VOLUNTEER, NOW + HOUR)

    assert verdict.permit == (row.code in ALLOWED)
    assert verdict.permit or verdict.reason is Reason.recipient_kind


@pytest.mark.parametrize("code", sorted(ALLOWED))
def test_volunteers_hold_a_consent_for_a_day_at_most(code):
    """Catalogue rule 5: 24 h, whatever the record says; others hold it for as long as it says."""
    assert asked(code, VOLUNTEER, NOW + DAY - TICK).permit
    assert asked(code, VOLUNTEER, NOW + DAY).reason is Reason.expired
    assert asked(code, replace(HOSPITAL, kind="third_party_app"), NOW + DAY).permit


@pytest.mark.parametrize("registered", [{"APPT": []}, {"APPT": ["patient/Appointment.crus"]}], ids=["all", "write"])
def test_volunteers_read_appointments_and_change_none(registered):
    """Catalogue rule 5: "APPT read"; a name alone would stand for the whole row."""
    with pytest.raises(NotAllowed) as refused:
        check_registration(registered, recipient_kind="volunteer", own_app=False)
    assert refused.value.code == "unknown_scope"
    check_registration(registered, recipient_kind="primary_care", own_app=False)


def test_what_a_volunteer_may_have_is_registered():
    """The ground of the tests above."""
    registered = {"SIGNIN": ["openid"], "APPT": ["patient/Appointment.rs"], "SELFMEAS": []}

    check_registration(registered, recipient_kind="volunteer", own_app=False)
