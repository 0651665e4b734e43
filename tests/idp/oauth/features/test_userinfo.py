import pytest

from idp.oauth import provider
from tests.idp.oauth.stage import HOLDER, claims_of


def test_sub_is_the_id_token_s(stage):
    """OIDC Core 5.3.2; pairwise in the client's sector (DECISIONS 7)."""
    body = stage.tokens()
    told = stage.userinfo(body["access_token"]).body
    assert told["sub"] == claims_of(body["id_token"])["sub"]
    assert told["sub"] != claims_of(body["access_token"])["sub"]


def test_profile_gives_names_and_locale_only(stage):
    """Catalogue rule 2."""
    told = stage.userinfo(stage.tokens()["access_token"]).body
    assert (told["given_name"], told["family_name#en"], told["locale"]) == ("สมชาย", "Jaisommut", "th-TH")
    assert not {"birthdate", "gender", "email", "phone_number", "address", "pid"} & told.keys()


def test_openid_alone_gives_no_name(stage):
    """OIDC Core 5.4."""
    told = stage.userinfo(stage.tokens("SIGNIN", scope="openid")["access_token"]).body
    assert told.keys() == {"sub", "ial", "ial_at", "ial_method"}


def test_contact_and_demographics_come_with_their_own_purposes(stage):
    """Catalogue rule 2."""
    told = stage.userinfo(
        stage.tokens("SIGNIN", "CONTACT", "DEMO", scope="openid email phone address moph.demographics")["access_token"]
    ).body
    assert told["email"] == "somchai@example.test"
    assert told["phone_number"].startswith("+66")
    assert told["address"]["formatted"]
    assert (told["birthdate"], told["gender"]) == ("1985-04-13", "male")


def test_a_scope_whose_consent_was_refused_since_gives_nothing(stage):
    """DECISIONS 11: asked live at every use."""
    token = stage.tokens("SIGNIN", "CONTACT", scope="openid email")["access_token"]
    assert "email" in stage.userinfo(token).body
    stage.refuse("CONTACT")
    assert "email" not in stage.userinfo(token).body


def test_the_number_is_told_once(stage):
    """Catalogue: PID has one use."""
    code = stage.code("SIGNIN", "PID", scope="openid moph.pid")
    token = stage.redeem(code, resource=stage.context.issuer).body["access_token"]
    assert stage.userinfo(token).body["pid"] == "3999000010035"
    assert "pid" not in stage.userinfo(token).body


def test_the_token_may_come_in_the_body(stage):
    """OIDC Core 5.3.1; RFC 6750 section 2.2."""
    token = stage.tokens()["access_token"]
    assert stage.post(provider.userinfo, basic=None, access_token=token).status == 200
    assert stage.post(provider.userinfo, basic=None, bearer=token).status == 200


def test_two_tokens_in_one_request_are_refused(stage):
    """RFC 6750 section 2."""
    token = stage.tokens()["access_token"]
    answer = stage.post(provider.userinfo, basic=None, bearer=token, access_token=token)
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


def test_quirk_22_without_a_token_there_is_no_error_code(stage):
    """LIBRARIES 1.3 (22); RFC 6750 section 3.1: and the scheme is spelt Bearer."""
    answer = stage.send(provider.userinfo, headers={}, form={}, method="GET")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="yinyom"'


@pytest.mark.parametrize("token", ["x", "a.b.c", "é" * 5, "x" * 100_000, 'a"b'])
def test_rubbish_is_an_invalid_token(stage, token):
    """RFC 6750 section 3.1."""
    answer = stage.userinfo(token)
    assert (answer.status, answer.body["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_for_a_holder_alone_is_not_for_userinfo(stage):
    """RFC 9068 section 4: aud."""
    token = stage.redeem(stage.code(), resource=HOLDER).body["access_token"]
    assert stage.userinfo(token).status == 401


def test_without_openid_the_scope_is_insufficient(stage):
    """RFC 6750 section 3.1."""
    token = stage.redeem(stage.code(scope="profile openid"), resource=stage.context.issuer).body["access_token"]
    assert stage.userinfo(token).status == 200
    token = stage.refresh(stage.offline()["refresh_token"], scope="profile", resource=stage.context.issuer).body[
        "access_token"
    ]
    answer = stage.userinfo(token)
    assert (answer.status, answer.body["error"]) == (403, "insufficient_scope")


def test_the_first_look_has_an_entry(stage):
    """DECISIONS 20; PDPA s.27: the appointments that the token also opens were not read here, and no entry says so."""
    token = stage.tokens()["access_token"]
    stage.userinfo(token)
    stage.userinfo(token)
    assert [entry.purpose for entry in stage.events("userinfo.read")] == ["SIGNIN"]
