import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import purposes, reach


@pytest.mark.parametrize(
    ("code", "scope", "kinds"),
    [
        ("EHR-SHARE", "patient/AllergyIntolerance.rs", {"allergies"}),
        ("EHR-SHARE", "patient/Observation.rs", {"vital_signs", "lab_results"}),
        ("PHR-SELF", "patient/Observation.rs?category=vital-signs", {"vital_signs"}),
        ("LAB-VIEW", "patient/Observation.r?category=laboratory", {"lab_results"}),
        ("EHR-SENS", "moph.sensitive.hiv", {"sensitive_hiv"}),
        ("SIGNIN", "profile", {"name"}),
        ("APPT", "patient/Appointment.rs", {"appointments"}),
        ("CERT-JOB", "moph.cert.share.job", {"name", "cert_fitness"}),
    ],
)
def test_a_scope_opens_these_kinds_of_data(code, scope, kinds):
    """PDPA s.21–22: a person is told which data, not which scope."""
    assert reach.of_scope(purposes.get(code), scope) == kinds


def test_scopes_open_only_kinds_of_their_purpose_and_only_identity_opens_none():
    """Nothing is opened that no page can name, but for who the patient is."""
    for purpose in purposes.all():
        for scope in purpose.all_scopes:
            opened = reach.of_scope(purpose, scope)
            assert opened <= set(purpose.data_categories)
            assert opened or not purpose.data_categories or "/Patient." in scope or "/Practitioner." in scope, scope


def test_every_kind_of_a_health_purpose_is_opened_by_one_of_its_scopes():
    """A kind that no scope opens could not be taken back by itself."""
    purpose = purposes.get("EHR-SHARE")
    assert reach.of_scopes(purpose, purpose.scopes) == purpose.data_categories


@given(st.data())
def test_what_is_left_after_a_kind_was_taken_back_opens_nothing_of_it(data):
    """PDPA s.19: withdrawing one kind of data ends every way to it."""
    purpose = data.draw(st.sampled_from([one for one in purposes.all() if one.scopes and one.data_categories]))
    kind = data.draw(st.sampled_from(purpose.data_categories))
    left = reach.without(purpose, purpose.scopes, kind)
    assert all(kind not in reach.of_scope(purpose, scope) for scope in left)
    assert set(left) <= set(purpose.scopes)
