"""Who is asking: a proven client and redirect_uri at /authorize, an authenticated client elsewhere (RFC 6749 2.3)."""

import base64
import binascii
import json
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from idp.oauth import clients
from idp.oauth.clients import ClientFacts
from idp.oauth.errors import PageError
from idp.oauth.pipeline import Context, Draft, ProtocolRequest


def identify(context: Context, draft: Draft) -> None:
    """Prove client and redirect_uri; until then every error is a page (RFC 6749 sections 3.1.2.4 and 4.1.2.1)."""
    for name in ("client_id", "redirect_uri"):
        values = draft.params.getlist(name)
        if not any(values):
            raise PageError(f"{name}_missing")
        if len(values) > 1:
            raise PageError(f"{name}_repeated")
    name = draft.params["client_id"]
    client = clients.find(context.session, name) if name.isprintable() else None
    if client is None:
        raise PageError("client_unknown")
    if not client.active:
        raise PageError("client_suspended", client.id)
    if not client.check_redirect_uri(draft.params["redirect_uri"]):
        raise PageError("redirect_uri_unregistered", client.id)
    draft.client, draft.redirect_uri = client, draft.params["redirect_uri"]


def one_way_in(_context: Context, request: ProtocolRequest) -> None:
    """At most one authentication method in a request (RFC 6749 section 2.3). Raises: InvalidRequestError."""
    header = _basic_part(request) is not None
    assertion = "client_assertion" in request.form or "client_assertion_type" in request.form
    if sum((header, "client_secret" in request.form, assertion)) > 1:
        raise InvalidRequestError("more than one client authentication method")


def authenticate_basic(query_client: Any, request: ProtocolRequest) -> ClientFacts | None:
    """HTTP Basic with form-encoded parts (RFC 6749 section 2.3.1); unreadable bytes are a refusal, never a fault."""
    part = _basic_part(request)
    if part is None:
        return None
    try:
        text = base64.b64decode(part, validate=True).decode("utf-8")
        name, _, secret = (unquote_plus(half, errors="strict") for half in text.partition(":"))
    except (binascii.Error, ValueError) as error:
        raise InvalidClientError("the Authorization header cannot be read", status_code=401) from error
    also = request.form.get("client_id")
    if also is not None and also != name:
        raise InvalidRequestError("client_id differs from the Authorization header")
    return _proved(query_client, name, secret)


def authenticate_post(query_client: Any, request: ProtocolRequest) -> ClientFacts | None:
    """client_id and client_secret in the body (RFC 6749 section 2.3.1)."""
    name, secret = request.form.get("client_id"), request.form.get("client_secret")
    return _proved(query_client, name, secret) if name and secret else None


def authenticate_none(query_client: Any, request: ProtocolRequest) -> ClientFacts | None:
    """A public client says who it is and proves nothing (RFC 6749 section 2.1)."""
    name = request.form.get("client_id")
    if not name or "client_secret" in request.form or _basic_part(request) is not None:
        return None
    client: ClientFacts | None = query_client(name)
    return client if client is not None and client.public else None


def named(request: ProtocolRequest) -> str:
    """Whom the request says it comes from, before anything is proved: only for counting. Empty if it says nobody."""
    part = _basic_part(request)
    if part is not None:
        return _text(part).partition(":")[0]
    claims = str(request.form.get("client_assertion") or "").split(".")[1:2]
    name = request.form.get("client_id") or (json_subject(_text(claims[0])) if claims else "")
    return str(name)


def json_subject(text: str) -> str:
    """`sub` of a JSON object, or nothing."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(said.get("sub") or "") if isinstance(said, dict) else ""


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_").decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _proved(query_client: Any, name: str, secret: str) -> ClientFacts | None:
    client: ClientFacts | None = query_client(name)
    return client if client is not None and client.check_client_secret(secret) else None


def _basic_part(request: ProtocolRequest) -> str | None:
    scheme, _, rest = str(request.headers.get("Authorization") or "").partition(" ")
    return rest.strip() if scheme.lower() == "basic" else None
