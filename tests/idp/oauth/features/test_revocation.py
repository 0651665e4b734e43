import pytest

from idp.oauth import provider
from tests.idp.oauth.stage import SECRET


def revoke(stage, token, *, basic=("portal", SECRET), **more):
    return stage.post(provider.revoke, basic=basic, token=token, **more)


def test_an_access_token_dies_alone(stage):
    """RFC 7009 section 2."""
    body = stage.offline()
    assert revoke(stage, body["access_token"]).status == 200
    assert revoke(stage, body["access_token"]).status == 200
    assert stage.introspect(body["access_token"]) == {"active": False}
    assert stage.refresh(body["refresh_token"]).status == 200


def test_a_refresh_token_takes_its_grant_along(stage):
    """RFC 7009 section 2.1."""
    body = stage.offline()
    assert revoke(stage, body["refresh_token"]).status == 200
    assert stage.refresh(body["refresh_token"]).body["error"] == "invalid_grant"
    assert stage.introspect(body["access_token"]) == {"active": False}
    assert stage.events("token.revoked")


@pytest.mark.parametrize("hint", ["nonsense", "refresh_token", "access_token", 'x"é'])
def test_hints_are_only_hints(stage, hint):
    """RFC 7009 section 2.1: an unknown or wrong one is ignored."""
    body = stage.offline()
    assert revoke(stage, body["access_token"], token_type_hint=hint).status == 200
    assert stage.introspect(body["access_token"]) == {"active": False}


@pytest.mark.parametrize("token", ["x", "yr1.x", "é", "x" * 4096])
def test_an_unknown_token_is_as_good_as_revoked(stage, token):
    """RFC 7009 section 2.2."""
    assert revoke(stage, token).status == 200


def test_another_client_s_token_is_left_alone(stage):
    """RFC 7009 section 2.1."""
    body = stage.offline()
    for token in (body["access_token"], body["refresh_token"]):
        assert revoke(stage, token, basic=("second", SECRET)).body["error"] == "invalid_grant"
    assert stage.introspect(body["access_token"])["active"]
    assert stage.refresh(body["refresh_token"]).status == 200


def test_who_revokes_must_authenticate_and_say_what(stage):
    """RFC 7009 section 2.1."""
    token = stage.tokens()["access_token"]
    assert revoke(stage, token, basic=None).body["error"] == "invalid_client"
    assert revoke(stage, token, basic=None, client_id="portal").body["error"] == "invalid_client"
    assert stage.post(provider.revoke).body["error"] == "invalid_request"


def test_a_public_client_revokes_its_own(stage):
    """RFC 7009 section 5."""
    body = stage.public_tokens()
    assert revoke(stage, body["refresh_token"], basic=None, client_id="app").status == 200
    assert stage.public_refresh(body["refresh_token"]).body["error"] == "invalid_grant"
