import pytest

from idp.oauth import provider
from idp.oauth.errors import RedirectError
from idp.oauth.features import issuer
from tests.idp.oauth.stage import query


@pytest.mark.parametrize("mode", ["fragment", "form_post", "jwt", "query.jwt", 'q"', "QUERY"])
def test_quirk_2_other_response_modes_are_refused_not_replaced(stage, mode):
    """LIBRARIES 1.3 (2)."""
    with pytest.raises(RedirectError) as refused:
        stage.check(response_mode=mode)
    assert refused.value.error == "invalid_request"


def test_query_is_the_only_mode_and_may_be_named(stage):
    """Discovery says so."""
    assert stage.check(response_mode="query").response_mode == "query"
    assert provider.discovery(stage.context.settings)["response_modes_supported"] == ["query"]


def test_quirk_3_every_error_redirect_carries_iss_and_state(stage):
    """LIBRARIES 1.3 (3, 4); RFC 9207 section 2."""
    with pytest.raises(RedirectError) as refused:
        stage.check(prompt="none login", state="x y&\"z'")
    error = refused.value

    url = provider.error_redirect(stage.context, error, error.error, error.description)

    answer = query(url)
    assert answer["iss"] == stage.context.issuer == error.iss
    assert answer["state"] == "x y&\"z'"
    assert answer["error"] == "invalid_request"
    assert answer["error_description"].isascii()


def test_a_redirect_uri_keeps_its_own_query():
    """RFC 6749 section 3.1.2."""
    assert (
        issuer.response_url("https://x/cb?a=1", "https://i", {"code": "c"})
        == "https://x/cb?a=1&code=c&iss=https%3A%2F%2Fi"
    )
    assert issuer.response_url("https://x/cb?", "i", {"state": None}) == "https://x/cb?iss=i"
