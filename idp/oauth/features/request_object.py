"""RFC 9101 and OIDC Core 6: request objects are not supported, and say so by their own error codes."""

from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

FEATURE = Feature(
    "request_object",
    "OIDC Core 6",
    {"request_parameter_supported": False, "request_uri_parameter_supported": False},
)
REFUSED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


def refuse(_context: Context, draft: Draft) -> None:
    """Ignoring a request object would run a request that the client did not write (OIDC Core 3.1.2.6)."""
    for name, error in REFUSED.items():
        if name in draft.params:
            raise AuthorizeError(error, f"{name} is not supported")
