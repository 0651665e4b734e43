"""The machine's question over HTTP: may this recipient read this of this patient now? See `idp.decisions`."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from idp import decisions
from idp.machine_question import Unclear
from idp.oauth import own
from idp.oauth.errors import NO_STORE, Answer
from idp.web import gate, hurdle
from idp.web.gate import Tx, Who, route
from idp.web.protocol import TOO_MANY, TOO_OFTEN, challenge, protocol_request, spoken

bp = Blueprint("decision", __name__, url_prefix="/consent/v1")
UNAUTHORIZED = 401


@route(bp, "/decide", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def decide() -> Response:
    """One question, one answer, one entry. Who may not ask hears so before any patient is looked for."""
    context = gate.context()
    try:
        client = own.caller(context, protocol_request(), own.DECIDE)
        wait = hurdle.client_wait_s(client.id, what="question")
        if wait is not None:
            return spoken(Answer(TOO_MANY, TOO_OFTEN, {"Retry-After": str(wait), **NO_STORE}))
        answer = Answer(200, decisions.ask(context, client, body()).body(), NO_STORE)
    except own.Refused as refused:
        answer = refusal(refused.status, refused.error, refused.description)
    except Unclear as unclear:
        answer = refusal(unclear.status, unclear.error, unclear.description)
    return spoken(answer)


def body() -> Mapping[str, Any]:
    """The JSON that was posted. Raises: Unclear."""
    try:
        found: Mapping[str, Any] = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Unclear(400, "invalid_request", "the body is no JSON") from error
    return found


def refusal(status: int, error: str, description: str) -> Answer:
    """An error of RFC 6750 section 3.1, in the header where a proof of identity is missing."""
    headers = dict(NO_STORE)
    if status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = challenge(error)
    return Answer(status, {"error": error, "error_description": description}, headers)
