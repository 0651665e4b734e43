import pytest

from idp.oauth import clients
from tests.idp.oauth.stage import HOLDER, SECRET, SYSTEM_SCOPE, claims_of

ROBOT = ("robot", SECRET)


def ask(stage, **form):
    return stage.post(basic=form.pop("basic", ROBOT), grant_type="client_credentials", **form)


@pytest.mark.parametrize("scope", [None, SYSTEM_SCOPE, "purpose:PUBREPORT", f"{SYSTEM_SCOPE} moon/Cheese.r"])
def test_a_system_gets_a_token_for_itself(stage, scope):
    """RFC 6749 section 4.4: no person, no refresh token; the subject is the client (RFC 9068 section 2.2)."""
    answer = ask(stage, **({} if scope is None else {"scope": scope}))
    token = claims_of(answer.body["access_token"])
    assert answer.status == 200
    assert token["sub"] == token["client_id"] == "robot"
    assert token["aud"] == HOLDER
    assert "refresh_token" not in answer.body
    assert "grant_id" not in token
    assert "acr" not in token


@pytest.mark.parametrize(
    "scope", ["openid", "system/Patient.r", "purpose:APPT", "patient/Appointment.crus", "moph.pid"]
)
def test_only_registered_system_scopes(stage, scope):
    """Catalogue rule 1."""
    assert ask(stage, scope=scope).body["error"] == "invalid_scope"


def test_only_unknown_scopes_are_nothing(stage):
    """RFC 6749 section 5.2."""
    assert ask(stage, scope="moon/Cheese.r").body["error"] == "invalid_scope"


def test_other_clients_may_not(stage):
    """RFC 6749 section 5.2."""
    assert ask(stage, basic=("portal", SECRET)).body["error"] == "unauthorized_client"
    assert ask(stage, basic=None, client_id="app").body["error"] == "invalid_client"


def test_the_holder_can_ask_about_it(stage):
    """RFC 7662; and a suspended system's token is dead at once."""
    token = ask(stage).body["access_token"]
    assert stage.introspect(token)["active"]
    assert stage.introspect(token)["client_id"] == "robot"

    clients.suspend(stage.context.session, "robot", now=stage.context.now)

    assert stage.introspect(token) == {"active": False}
    assert ask(stage).body["error"] == "invalid_client"


def test_it_is_no_token_for_userinfo(stage):
    """OIDC Core 5.3: there is nobody to tell about."""
    assert stage.userinfo(ask(stage).body["access_token"]).status == 401


def test_two_resources_are_refused(stage):
    """RFC 8707 section 2."""
    assert ask(stage, resource=[HOLDER, HOLDER + "/x"]).body["error"] == "invalid_request"
    assert ask(stage, resource="https://nobody.example.test").body["error"] == "invalid_target"
