import pytest

from idp.oauth.errors import RedirectError


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ],
)
def test_quirk_8_request_objects_are_refused_by_name(stage, name, error):
    """LIBRARIES 1.3 (8); OIDC Core 3.1.2.6: an unsigned request object is not even looked at."""
    for value in ("eyJhbGciOiJub25lIn0.e30.", ""):
        with pytest.raises(RedirectError) as refused:
            stage.check(**{name: [value]})
        assert refused.value.error == error
