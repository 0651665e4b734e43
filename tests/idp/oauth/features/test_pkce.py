import pytest

from idp.oauth.errors import RedirectError
from idp.oauth.features import pkce
from tests.idp.oauth.stage import VERIFIER


def test_the_challenge_is_the_one_of_the_rfc():
    """RFC 7636 appendix B."""
    assert (
        pkce.challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
        {"code_challenge": "c" * 43 + "\n"},
        {"code_challenge": "=" * 43},
        {"code_challenge": None},
    ],
)
def test_quirk_7_s256_is_required_at_the_authorization_endpoint(stage, changes):
    """LIBRARIES 1.3 (7); RFC 7636 section 4.4.1; RFC 9700 section 2.1.1."""
    with pytest.raises(RedirectError) as refused:
        stage.check(**changes)
    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize("verifier", [None, "w" * 43, "v" * 42, VERIFIER + "\n", "é" * 43, "v" * 200])
def test_a_wrong_or_missing_verifier_is_refused_and_the_code_is_not_spent(stage, verifier):
    """RFC 7636 section 4.6."""
    code = stage.code()
    assert stage.redeem(code, code_verifier=verifier).body["error"] == "invalid_grant"
    assert stage.redeem(code).status == 200


def test_a_compat_client_may_do_without(stage):
    """STANDARDS 12: PKCE is optional for old certified libraries, and never plain."""
    code = stage.code(client_id="compat", code_challenge=None, code_challenge_method=None)
    assert stage.redeem(code, basic=("compat", "s" * 43), code_verifier=None).status == 200
    with pytest.raises(RedirectError):
        stage.check(client_id="compat", code_challenge_method="plain")
    with pytest.raises(RedirectError):
        stage.check(client_id="compat", code_challenge=None)


def test_a_verifier_for_a_challenge_less_code_is_refused(stage):
    """RFC 9700 section 4.8.2: otherwise the challenge could be stripped from a request."""
    code = stage.code(client_id="compat", code_challenge=None, code_challenge_method=None)
    answer = stage.redeem(code, basic=("compat", "s" * 43))
    assert answer.body["error"] == "invalid_grant"
