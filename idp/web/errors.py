"""Errors in one table: which status, which stable code. The transaction is undone before any of this runs.

A page shows code, cause and next step in both languages with the correlation id; protocol endpoints answer JSON. What
is not in the table is a 500: its class and place go to the log, its text goes nowhere (it may hold what was typed).
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from consent.errors import Conflict, ConsentError, NotAllowed, NotFound
from idp import observe
from idp.db import DatabaseError, DatabaseUnavailable
from idp.fhir import outcome
from idp.login.passkeys import PasskeyRefused
from idp.oauth import provider
from idp.oauth.errors import PageError, RedirectError
from idp.web import gate, locale, loop
from idp.web.gate import Elsewhere, Refused, SignInNeeded, Who, as_response
from idp.web.loop import Answered

RETRY_AFTER_S = "5"
UNAVAILABLE = 503
SERVER_ERROR = 500
STATUS: tuple[tuple[type[Exception], int, str | None], ...] = (  # first match; None: the error's own code
    (NotFound, 404, "not_found"),
    (Conflict, 409, "conflict"),
    (NotAllowed, 403, None),
    (DatabaseUnavailable, UNAVAILABLE, "unavailable"),
    (DatabaseError, SERVER_ERROR, "server_error"),
    (ConsentError, SERVER_ERROR, "server_error"),
)
HTTP_CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "rate_limited",
}
FHIR = ("/fhir/", "/audit/v1/")  # answers there are resources, and so are refusals
GONE_FROM_THE_DESK = frozenset(
    {"card", "case"}
)  # details of NotFound and Conflict: wiped, closed, or another session's
PAGE_WORDS = {  # the provider's code -> the words of the error page
    "client_id_missing": "invalid_request",
    "client_id_repeated": "invalid_request",
    "redirect_uri_missing": "redirect_uri",
    "redirect_uri_repeated": "redirect_uri",
    "redirect_uri_unregistered": "redirect_uri",
}
OAUTH_WORDS = {  # RFC 6749 section 5.2 and 4.1.2.1
    UNAVAILABLE: "temporarily_unavailable",
    SERVER_ERROR: "server_error",
}


def register(app: Flask) -> None:
    """Hang the table on the application."""
    handlers: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
        (SignInNeeded, sign_in_first),
        (Elsewhere, elsewhere),
        (Refused, refused),
        (Answered, answered),
        (PasskeyRefused, passkey_refused),
        (PageError, page_error),
        (RedirectError, redirect_error),
        (HTTPException, http_error),
        (Exception, everything_else),
    )
    for kind, handler in handlers:
        app.register_error_handler(kind, handler)


def sign_in_first(error: SignInNeeded) -> Response:
    """To the sign-in, and back to the page afterwards; a form that was posted meanwhile is not replayed."""
    if wants_json():
        return answer(401, "sign_in_needed")
    if error.who is Who.STAFF:
        wanted = error.back or (request.path if request.method == "GET" else None)
        wished = f"?{urlencode({'next': wanted})}" if wanted else ""
        return as_response(redirect(request.script_root + "/staff/sign-in" + wished, 303))
    here = request.path if request.method == "GET" else "/me"  # a query may hold what was typed: it moves nowhere
    asked = {"next": error.back or here, **({"aal": error.aal.value} if error.aal else {})}
    asked |= {"fresh": "1"} if error.fresh else {}
    return as_response(redirect(f"{request.script_root}/sign-in?{urlencode(asked)}", 303))


def refused(error: Refused) -> Response:
    """A refusal of the web room."""
    response = answer(error.status, error.code, detail=error.detail, back_url=error.back_url)
    response.headers.extend(dict(error.headers))
    return response


def answered(turn: Answered) -> Response:
    """A finished request again: its answer, as a double tap or a reload sees it."""
    url = turn.interaction.answer or request.script_root + "/"
    if turn.interaction.request is None:
        return as_response(redirect(url, 303))
    return loop.moving_on(url, None)


def passkey_refused(error: PasskeyRefused) -> Response:
    """A registration that was refused: nothing of it is kept, the challenge neither."""
    return answer(400, error.code)


def page_error(error: PageError) -> Response:
    """Client or redirect URI are unproven: our own page, never a redirect (RFC 6749 section 4.1.2.1)."""
    said = ": ".join(part for part in (error.code, error.detail) if part)
    return answer(400, PAGE_WORDS.get(error.code, error.code), detail=error.code, developer_text=said)


def redirect_error(error: RedirectError) -> Response:
    """Back to the client with the error, `state` and `iss` (RFC 9207)."""
    g.refusal = error.error
    return as_response(redirect(provider.error_redirect(gate.context(), error, error.error, error.description), 303))


def http_error(error: HTTPException) -> Response:
    """404, 405, 413 and their like. A redirect of the router names the host that was asked for: not found instead."""
    status = error.code or SERVER_ERROR
    if status < 400:  # noqa: PLR2004 -- a redirect
        status = 404
    response = answer(status, HTTP_CODES.get(status, "bad_request" if status < SERVER_ERROR else "server_error"))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def everything_else(error: Exception) -> Response:
    """The table; what is not in it is our fault, and the log says where."""
    detail = str(getattr(error, "detail", ""))
    for kind, status, known in STATUS:
        if isinstance(error, kind):
            code = known or str(getattr(error, "code", "forbidden"))
            gone = known is not None and at_a_desk() and detail in GONE_FROM_THE_DESK
            response = answer(status, "desk_gone" if gone else code, detail=detail)
            if status >= SERVER_ERROR:
                note(error)
            if status == UNAVAILABLE:
                response.headers["Retry-After"] = RETRY_AFTER_S
            return response
    note(error)
    return answer(SERVER_ERROR, "server_error")


def note(error: Exception) -> None:
    """Class and place for the log line of this request."""
    root = observe.root_of(error)
    g.error, g.error_at = type(root).__name__, observe.where(error if root is error else error.__cause__ or root)


def answer(
    status: int, code: str, *, detail: str = "", developer_text: str | None = None, back_url: str | None = None
) -> Response:
    """The error as JSON or as a page, with its correlation id."""
    g.refusal, g.refusal_detail = code, detail
    if request.path.startswith(FHIR):
        return with_status(Response(json.dumps(outcome.failed(status)), content_type=outcome.MEDIA_TYPE), status)
    if wants_json():
        word = OAUTH_WORDS.get(status) or ("invalid_request" if is_protocol() else code)
        said = {"error": word, "error_description": code, "request_id": g.request_id}
        return with_status(jsonify(said | (where_to_read(word) if is_protocol() else {})), status)
    if "locale" not in g:
        g.locale = locale.choose()
    g.setdefault("signed_in", None)
    told = {"detail": developer_text, "back_url": back_url, "at_a_desk": at_a_desk()}
    page = render_template("error.html", status=status, code=code, **told)
    return with_status(make_response(page), status)


def where_to_read(error: str) -> dict[str, str]:
    """What an OAuth refusal adds (RFC 6749 section 5.2): the page with cause and next step, and this request's id."""
    endpoint = (request.endpoint or "").rpartition(".")[2]
    issuer = gate.house().settings.issuer
    row = f"#{endpoint}-{error}" if endpoint else ""  # an address that there is not, or another method
    return {
        "error_uri": f"{issuer}/dev/errors?request={g.request_id}{row}",
        "request_id": g.request_id,
    }


def with_status(response: Response, status: int) -> Response:
    """The same answer under this status."""
    response.status_code = status
    return response


def at_a_desk() -> bool:
    """The counter's pages below its first one: from there on, everything begins at the counter again."""
    return request.path.startswith("/desk/")


def wants_json() -> bool:
    """Whether this route speaks JSON."""
    row = g.get("row")
    return row.json if row else is_protocol()


def is_protocol() -> bool:
    """The protocol's addresses, apart from the authorization endpoint, which is for browsers."""
    path = request.path
    return path.startswith(("/oauth/", "/.well-known/", "/jwks.json")) and path != "/oauth/authorize"


def elsewhere(turn: Elsewhere) -> Response:
    """303 to the page that is due."""
    return as_response(redirect(turn.url, 303))
