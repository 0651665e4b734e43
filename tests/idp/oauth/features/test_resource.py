import pytest

from idp.oauth.errors import RedirectError
from tests.idp.oauth.stage import ALLERGY, HOLDER, OTHER_HOLDER, claims_of


@pytest.mark.parametrize(
    "asked", ["https://nobody.example.test", "records", HOLDER + "#x", "\u00e9", "https://[", HOLDER + "/", "x" * 4000]
)
def test_an_unknown_resource_is_an_invalid_target(stage, asked):
    """RFC 8707 section 2."""
    with pytest.raises(RedirectError) as refused:
        stage.check(resource=asked)
    assert refused.value.error == "invalid_target"


def test_resource_may_repeat_and_each_token_is_for_one_holder(stage):
    """RFC 8707 section 2.2; RFC 6749 section 3.1 lets nothing else repeat."""
    code = stage.code(resource=[HOLDER, OTHER_HOLDER])
    body = stage.redeem(code, resource=OTHER_HOLDER).body
    assert claims_of(body["access_token"])["aud"] == OTHER_HOLDER


def test_two_holders_in_one_token_are_refused(stage):
    """DECISIONS 7: the subject is in the sector of one holder."""
    code = stage.code(resource=[HOLDER, OTHER_HOLDER])
    assert stage.redeem(code, resource=[HOLDER, OTHER_HOLDER]).body["error"] == "invalid_target"


def test_a_foreign_resource_at_the_token_endpoint_is_refused_before_the_code_is_spent(stage):
    """RFC 8707 section 2.2."""
    code = stage.code(resource=HOLDER)
    assert stage.redeem(code, resource=OTHER_HOLDER).body["error"] == "invalid_target"
    assert stage.redeem(code).status == 200


def test_without_resource_the_token_is_for_the_default_holder_and_for_userinfo(stage):
    """DECISIONS 8."""
    assert claims_of(stage.tokens()["access_token"])["aud"] == [HOLDER, stage.context.issuer]


def test_without_openid_the_token_is_for_the_holder_alone(stage):
    """DECISIONS 8."""
    body = stage.tokens("EHR-SHARE", scope=ALLERGY)
    assert claims_of(body["access_token"])["aud"] == HOLDER
    assert "id_token" not in body


def test_the_issuer_is_a_resource_too(stage):
    """OIDC Core 5.3: a token for UserInfo alone."""
    token = stage.redeem(stage.code(), resource=stage.context.issuer).body["access_token"]
    assert claims_of(token)["aud"] == stage.context.issuer
    assert stage.userinfo(token).status == 200


def test_too_many_resources_are_refused(stage):
    """A bound on work."""
    with pytest.raises(RedirectError) as refused:
        stage.check(resource=[f"https://{n}.example.test" for n in range(9)])
    assert refused.value.error == "invalid_target"
