import pytest

from idp.oauth import provider
from idp.oauth.errors import RedirectError
from tests.idp.oauth.stage import ALLERGY, APPOINTMENT


def test_unknown_scopes_are_ignored(stage):
    """OIDC Core 3.1.2.1; catalogue rule 1."""
    asked = stage.check(scope=f"openid {APPOINTMENT} moon/Cheese.r")
    assert asked.resolution.purposes == {"SIGNIN": ("openid",), "APPT": (APPOINTMENT,)}


@pytest.mark.parametrize(
    "scope", [None, "", "moon/Cheese.r", "offline_access", "patient/DiagnosticReport.rs", "user/Patient.r"]
)
def test_what_resolves_to_nothing_or_is_not_registered_is_refused(stage, scope):
    """RFC 6749 section 4.1.2.1; catalogue rule 1: known but unregistered is invalid_scope."""
    with pytest.raises(RedirectError) as refused:
        stage.check(scope=scope)
    assert refused.value.error == "invalid_scope"


def test_the_refused_scope_is_named(stage):
    """A developer learns which one; what could not stand in a description is not repeated."""
    with pytest.raises(RedirectError) as refused:
        stage.check(scope="openid patient/DiagnosticReport.rs")
    assert refused.value.description == "patient/DiagnosticReport.rs is not registered"
    with pytest.raises(RedirectError) as refused:
        stage.check(scope='openid patient/DiagnosticReport.rs?category="x')
    assert '"' not in refused.value.description


def test_a_purpose_is_asked_by_its_name(stage):
    """DECISIONS 9: `purpose:CODE`."""
    asked = stage.check(scope="openid purpose:EHR-SHARE offline_access")
    assert ALLERGY in asked.resolution.purposes["EHR-SHARE"]
    assert asked.resolution.offline_access


def test_scopes_of_staff_are_not_a_citizen_s_to_grant():
    """Catalogue rule 2: a clinician never holds a patient token, and the reverse."""
    from idp.oauth.features.scope import of_citizens  # noqa: PLC0415

    assert of_citizens("EHR-SHARE", ("user/Encounter.rs", "patient/Encounter.rs")) == ("patient/Encounter.rs",)
    assert of_citizens("CARE", ("user/Patient.r",)) == ()


def test_discovery_lists_scopes_that_a_citizen_can_grant(stage):
    """Nothing is advertised that cannot be asked for."""
    listed = provider.discovery(stage.context.settings)["scopes_supported"]
    assert "offline_access" in listed
    assert "purpose:APPT" in listed
    assert "purpose:LICENCE" not in listed
