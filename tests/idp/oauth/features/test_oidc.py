import base64

import pytest

from idp.oauth.errors import RedirectError
from tests.fakes import HOUR


def refused(stage, **changes):
    with pytest.raises(RedirectError) as error:
        stage.check(**changes)
    return error.value.error


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "1e3", "９", "99999999999", "1\n"])
def test_quirk_5_a_malformed_max_age_is_an_invalid_request(stage, value):
    """LIBRARIES 1.3 (5); OIDC Core 3.1.2.2."""
    assert refused(stage, max_age=value) == "invalid_request"


@pytest.mark.parametrize("value", ["none login", "none consent", "create", "LOGIN", 'x"'])
def test_quirk_5_prompt_is_checked(stage, value):
    """LIBRARIES 1.3 (5); OIDC Core 3.1.2.1: none stands alone, unknown values are an error."""
    assert refused(stage, prompt=value) == "invalid_request"


def test_what_is_only_a_wish_is_kept_as_one(stage):
    """OIDC Core 3.1.2.1: acr_values, ui_locales, login_hint, display; unknown ones are no error."""
    asked = stage.check(
        acr_values="urn:x urn:yinyom:aal:2.1",
        ui_locales="en th",
        login_hint="somebody",
        display="hologram",
        prompt="login consent",
        max_age="0",
        claims_locales="th",
        unheard_of="1",
    )
    assert asked.acr_values == ("urn:x", "urn:yinyom:aal:2.1")
    assert asked.ui_locales == ("en", "th")
    assert asked.login_hint == "somebody"
    assert asked.display == "page"
    assert asked.prompt == {"login", "consent"}
    assert asked.max_age == 0


def test_a_checked_request_survives_a_round_trip(stage):
    """It waits as JSON while the person signs in."""
    asked = stage.check(prompt="login", max_age="3", resource=["https://records.example.test"], acr_values="a b")
    assert type(asked).from_json(asked.to_json()) == asked


@pytest.mark.parametrize("header", [b"[" * 3000, b"[]", b'{"alg":"ES256","crit":5}', b'{"alg":"RS256","crit":[[]]}'])
def test_an_id_token_hint_of_any_shape_is_a_refusal(stage, header):
    """O36: a stranger's header is no fault of ours."""
    hint = base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.x"
    assert refused(stage, id_token_hint=hint) == "invalid_request"


@pytest.mark.parametrize("client", ["portal", "rsa"])
def test_an_id_token_hint_names_the_person_whatever_its_age(stage, client):
    """OIDC Core 3.1.2.1."""
    hint = (stage.code(client_id=client), stage.redeem(stage.silent_code(client_id=client), basic=(client, "s" * 43)))[
        1
    ]
    asked = stage.later(HOUR).check(client_id=client, id_token_hint=hint.body["id_token"])
    assert asked.hint_subject == stage.context.ring.pairwise(stage.citizen, "portal.example.test")


@pytest.mark.parametrize("hint", ["x", "a.b.c", "é", "eyJhbGciOiJub25lIn0.e30."])
def test_a_hint_that_we_did_not_sign_is_refused(stage, hint):
    """OIDC Core 3.1.2.2."""
    assert refused(stage, id_token_hint=hint) == "invalid_request"


def test_a_hint_for_another_client_is_refused(stage):
    """OIDC Core 3.1.2.2; and an access token is no hint."""
    body = stage.tokens()
    assert refused(stage, client_id="second", id_token_hint=body["id_token"]) == "invalid_request"
    assert refused(stage, id_token_hint=body["access_token"]) == "invalid_request"
