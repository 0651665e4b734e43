"""Refusals of the protocol, and the one mapper that turns any of them into an answer.

Authlib's error classes refuse descriptions with quotes, backslashes or non-ASCII by raising ValueError (RFC 6749
section 5.2 forbids such characters), so descriptions here are fixed sentences that never echo input, and `ascii_only`
guards the few that Authlib writes itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.base import OAuth2Error

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
UNAUTHORIZED = 401


@dataclass(frozen=True)
class Answer:
    """What an endpoint says: a dict becomes JSON. An error is an Answer too, so what it left behind is kept."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)


class PageError(Exception):
    """Client or redirect_uri are not proven: tell the person on our own page, never redirect (RFC 6749 4.1.2.1)."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class RedirectError(Exception):
    """The client is proven: the error goes back to it, with `state` and `iss` (RFC 6749 4.1.2.1, RFC 9207)."""

    def __init__(self, error: str, description: str, *, redirect_uri: str, state: str | None, iss: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = ascii_only(description)
        self.redirect_uri = redirect_uri
        self.state = state
        self.iss = iss
        self.response_mode = "query"


class AuthorizeError(Exception):
    """A check of the authorization endpoint said no; the pipeline makes it a page or a redirect."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


class InvalidTargetError(OAuth2Error):
    """The resource is unknown, not this client's, or not the grant's (RFC 8707 section 2)."""

    error = "invalid_target"


class ServerError(OAuth2Error):
    """We are at fault; the client may try again (RFC 6749 section 4.1.2.1)."""

    error = "server_error"


def ascii_only(text: str) -> str:
    """`text` with every character that RFC 6749 section 5.2 forbids in an error_description replaced by `?`."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text)


def answer_of(error: OAuth2Error) -> Answer:
    """The JSON answer to a refused token, introspection or revocation request (RFC 6749 section 5.2)."""
    body = {"error": error.error}
    description = ascii_only(error.get_error_description() or "")
    if description:
        body["error_description"] = description
    headers = dict(NO_STORE)
    if error.status_code == UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="yinyom"'
    return Answer(error.status_code or 400, body, headers)
