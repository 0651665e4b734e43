"""SMART App Launch 2.2: with the scope `launch` a request is a clinician's, and only then."""

import pytest

from idp.oauth import provider
from idp.oauth.errors import RedirectError
from tests.idp.ward import set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def test_the_request_keeps_the_hash_and_never_the_handle(ward):
    """What is paused is sealed, and still does not hold the handle."""
    handle = ward.launch(ward.open())

    asked = ward.ask(handle)

    assert asked.launch is not None
    assert handle not in asked.to_json()
    assert type(asked).from_json(asked.to_json()) == asked


def test_launch_stands_in_discovery(settings):
    """SMART App Launch 2.2: scopes_supported."""
    assert "launch" in provider.discovery(settings)["scopes_supported"]


def test_a_launch_parameter_without_its_scope_changes_nothing(ward):
    """A citizen's request stays a citizen's, whatever is sent beside."""
    assert ward.stage.check(launch="x").launch is None


@pytest.mark.parametrize("handle", [None, ""])
def test_the_scope_without_a_handle_is_refused(ward, handle):
    """RFC 6749 section 4.1.2.1: empty is as if omitted."""
    with pytest.raises(RedirectError) as refused:
        ward.ask(handle)
    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize(
    "scope",
    [
        "launch",
        "launch openid",
        "launch user/Appointment.rs",
        "launch patient/Observation.rs",
        "launch user/Observation.crus user/Immunization.r",
        "launch openid profile moph.pid user/Observation.rs",
        "user/Observation.rs",
        "openid user/Observation.rs",
        "purpose:CARE",
    ],
)
def test_what_no_clinician_is_given_and_what_no_citizen_can_grant(ward, scope):
    """Catalogue rule 2: `user/` with a launch, `patient/` without, never beside one another."""
    with pytest.raises(RedirectError) as refused:
        ward.ask(ward.launch(ward.open()), scope=scope)
    assert refused.value.error == "invalid_scope"


def test_a_citizens_client_cannot_launch(ward):
    """A client that is registered for no care asks for none."""
    with pytest.raises(RedirectError) as refused:
        ward.stage.check(scope="launch openid purpose:EHR-SHARE", launch=ward.launch(ward.open()))
    assert refused.value.error == "invalid_scope"


def test_care_is_asked_by_its_name_too(ward):
    """Catalogue rule 1: all that is registered for it; of the sign-in only `openid`."""
    asked = ward.ask(ward.launch(ward.open()), scope="launch openid purpose:CARE offline_access")

    assert set(asked.resolution.purposes) == {"SIGNIN", "CARE"}
    assert "user/Observation.crus" in asked.resolution.purposes["CARE"]
    assert not asked.resolution.offline_access
