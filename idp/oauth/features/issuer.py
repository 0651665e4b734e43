"""RFC 9207: `iss` in every authorization response, success or error; and the one writer of such responses."""

from urllib.parse import urlencode, urlsplit

from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

FEATURE = Feature(
    "issuer",
    "RFC 9207",
    {"authorization_response_iss_parameter_supported": True, "response_modes_supported": ["query"]},
)


def response_mode(_context: Context, draft: Draft) -> None:
    """Only `query`: anything else is refused, never silently replaced (OAuth 2.0 Multiple Response Types 2.1)."""
    if draft.get("response_mode") not in (None, "query"):
        raise AuthorizeError("invalid_request", "response_mode must be query")


def response_url(redirect_uri: str, issuer: str, params: dict[str, str | None]) -> str:
    """The client's redirect URI with `params`, `iss` among them, added to the query it may already have."""
    query = urlencode({name: value for name, value in {**params, "iss": issuer}.items() if value is not None})
    parts = urlsplit(redirect_uri)
    if not parts.query and redirect_uri.endswith("?"):
        return redirect_uri + query
    return redirect_uri + ("&" if parts.query else "?") + query
