"""The phone's side of a hand-over: which place asks, two digits to show, and then the phone's own passkey (RFC 10027).

Opening the address changes nothing. The first press takes the code for this browser; somebody who is signed in here as
another person is turned away. Nothing about the person in front of the counter is shown.
"""

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request

from consent.errors import NotFound
from idp import alerts, desk_cases, directory, handover
from idp.db import Session
from idp.handover import Handed
from idp.login import factors, passkeys
from idp.web import cookies
from idp.web.ceremony import Ceremony, credential, device, refusal, words
from idp.web.gate import Elsewhere, Tx, as_response, route

bp = Blueprint("handover", __name__, url_prefix="/hand-over/<token>")
DISPLAY_NAME = "Yinyom"
EVERY = "4"


@route(bp, "", tx=Tx.READ)
def look(token: str) -> Response:
    """Where the hand-over stands, for this phone."""
    handed = here(token, g.session)
    state = "other_person" if is_other(handed) else handed.state
    place = directory.facility_name(g.session, handed.hcode, locale=g.locale) if state != "over" else ""
    shown = {"state": state, "place": place, "digits": handed.digits if state == "taken" else "", "token": token}
    status = 410 if state == "over" else 200
    response = as_response(render_template("handover.html", suggested_name=device(), errors={}, **shown), status)
    if state == "taken":
        response.headers["Refresh"] = EVERY
    return response


@route(bp, "", methods=("POST",), tx=Tx.WRITE)
def take(token: str) -> Response:
    """This phone goes on with it; a second press changes nothing."""
    handed = here(token, g.session)
    if handed.state == "new" and not is_other(handed):
        handover.take(g.session, token, browser=cookies.browser(), now=g.now)
    return as_response(redirect(f"{request.script_root}/hand-over/{token}", 303))


@route(bp, "/passkey/options", methods=("POST",), tx=Tx.WRITE, json=True)
def options(token: str) -> Response:
    """What the browser's passkey dialogue is given, after the digits matched."""
    handed = ready(token, g.session)
    asked = Ceremony.here().of_options
    shown = passkeys.registration_options(g.session, subject_id=handed.subject_id, display_name=DISPLAY_NAME, **asked)
    return jsonify(shown)


@route(bp, "/passkey/verify", methods=("POST",), tx=Tx.WRITE, json=True)
def verify(token: str) -> Response:
    """The passkey of this phone, once: the hand-over is spent with it, both or neither."""
    handed, said = ready(token, g.session), words()
    if factors.available(g.session, handed.subject_id):  # a way in came up elsewhere meanwhile
        return refusal("already_registered", 409)
    alerts.tell(g.session, g.ring, subject_id=handed.subject_id, kind="passkey_added", now=g.now)
    passkeys.register(
        g.session,
        subject_id=handed.subject_id,
        credential=credential(said),
        name=str(said.get("name") or ""),
        **Ceremony.here().of_verify,
    )
    if not handover.use(g.session, token, browser=cookies.browser(), now=g.now):
        raise Elsewhere(f"{request.script_root}/hand-over/{token}")
    desk_cases.settle(g.session, handed.case_id, "passkey", "added", now=g.now)
    return jsonify(next=f"{request.script_root}/hand-over/{token}")


def here(token: str, session: Session) -> Handed:
    """The hand-over, as this browser may see it."""
    return handover.look(session, token, browser=cookies.browser(), now=g.now)


def ready(token: str, session: Session) -> Handed:
    """The same, after the clerk typed the digits that this phone shows."""
    handed = here(token, session)
    if handed.state != "confirmed" or is_other(handed):
        raise NotFound("This code cannot be used. Please ask at the counter for a new one.", detail="handover")
    return handed


def is_other(handed: Handed) -> bool:
    """Whether somebody else is signed in on this phone (the same person must hold both devices)."""
    return g.signed_in is not None and g.signed_in.subject_id != handed.subject_id
