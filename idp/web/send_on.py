"""One's data sent to a service of one's choice (PDPA s.31): pick it, one button, see when it was fetched.

Below are the person's pages; `fetch` is the address where the chosen service gets the data, once, with its own proof.
"""

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import NotAllowed, NotFound
from consent.rights import transferring
from idp import transfers
from idp.oauth import own
from idp.oauth.errors import NO_STORE, Answer
from idp.web import gate, hurdle, shapes
from idp.web.decision import refusal
from idp.web.gate import Tx, Who, as_response, route
from idp.web.protocol import TOO_MANY, TOO_OFTEN, protocol_request, spoken
from idp.web.rights import HOME, sure

bp = Blueprint("send_on", __name__)
SEND = f"{HOME}/send"
LONGEST_HANDLE = 100
BAD_REQUEST, NOT_FOUND = 400, 404


@route(bp, SEND, tx=Tx.READ, who=Who.CITIZEN)
def form() -> Response:
    """Who takes data over, what goes, and what was sent before."""
    return page("")


@route(bp, SEND, methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def send() -> Response:
    """It is promised, and the service hears of it."""
    sure(SEND)
    picked = request.form.get("receiver", "")
    settings, person = gate.house().settings, g.signed_in.subject_id
    try:
        transfers.ask(g.session, g.ring, settings, picked, subject_id=person, now=g.now)
    except NotAllowed as refused:  # before anything was written
        return page(picked, errors={"receiver": "too_often" if refused.code == "too_many" else "choice"})
    return as_response(redirect(f"{request.script_root}{SEND}", 303))


@route(bp, f"{SEND}/<uuid:transfer_id>/take-back", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def take_back(transfer_id: UUID) -> Response:
    """Before it is fetched. A double tap takes it back once."""
    transfers.take_back(g.session, transfer_id, subject_id=g.signed_in.subject_id, now=g.now)
    return as_response(redirect(f"{request.script_root}{SEND}", 303))


@route(bp, "/portability/v1/fetch", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def fetch() -> Response:
    """The data of one handle, once, for the service that it was promised to."""
    try:
        client = own.caller(gate.context(), protocol_request(), own.TAKE_OVER)
    except own.Refused as refused:
        return spoken(refusal(refused.status, refused.error, refused.description))
    wait = hurdle.client_wait_s(client.id, what="question")
    if wait is not None:
        return spoken(Answer(TOO_MANY, TOO_OFTEN, {"Retry-After": str(wait), **NO_STORE}))
    handle = sent_handle()
    if handle is None:
        return spoken(refusal(BAD_REQUEST, "invalid_request", "the body has no handle"))
    try:
        document = transfers.fetch(g.session, g.ring, handle, client=client, now=g.now)
    except NotFound:
        return spoken(refusal(NOT_FOUND, "invalid_handle", "unknown, fetched, taken back or too old"))
    return spoken(Answer(200, document, NO_STORE))


def sent_handle() -> str | None:
    """The handle in the JSON that was posted, or None."""
    try:
        found = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None
    handle = found.get("handle") if isinstance(found, dict) else None
    return handle if isinstance(handle, str) and 0 < len(handle) <= LONGEST_HANDLE and handle.isascii() else None


def page(picked: str, *, errors: dict[str, str] | None = None) -> Response:
    """The choice, and what was sent before."""
    english, who = g.locale == "en", g.signed_in.subject_id
    receivers = [
        {
            "client_id": one.client_id,
            "name": one.name_en if english else one.name_th,
            "organisation": one.organisation_en if english else one.organisation_th,
        }
        for one in transfers.receivers(g.session, now=g.now)
    ]
    sent: list[dict[str, Any]] = [
        {
            "id": str(one.id),
            "service": shapes.client_name(one.client_id) or one.client_id,
            "organisation": shapes.recipient_name(one.recipient_id),
            "asked_at": one.asked_at,
            "expires_at": one.expires_at,
            "fetched_at": one.fetched_at,
            "state": one.state,
        }
        for one in transfers.of_person(g.session, who, now=g.now)
    ]
    shown = {"receivers": receivers, "sent": sent, "picked": picked, "good_days": transferring.GOOD_FOR.days}
    return as_response(render_template("rights_send.html", errors=errors or {}, **shown), 400 if errors else 200)
