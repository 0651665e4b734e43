"""Adding a second factor: the first at AAL1, further ones only after a second factor was used (`factors.may_add`)."""

from typing import Any

from flask import Blueprint, Response, g, redirect, request
from markupsafe import Markup

from idp import alerts
from idp.assurance import Aal, aal_of
from idp.db import Session
from idp.login import factors, pin, totp
from idp.login.pin import PinRefused
from idp.login.sessions import SignedIn
from idp.login.totp import Enrolment
from idp.prompts import Prompt
from idp.subjects import PersonSealer
from idp.web import freshness, gate, loop
from idp.web.ceremony import device
from idp.web.gate import Elsewhere, Tx, as_response, route
from idp.web.loop import Paused
from idp.web.steps import LONGEST_TYPED, strengthen

SECOND = factors.SECOND_FACTORS
TOLD = {"pin": "pin_set", "totp": "totp_added", "passkey": "passkey_added"}
bp = Blueprint("setup", __name__, url_prefix="/interaction/<interaction_id>/set-up")


def adding(interaction_id: str, session: Session) -> tuple[Paused, SignedIn]:
    """The paused request of somebody who may add a factor now; otherwise back to the loop."""
    paused, signed_in = loop.signed_in_here(interaction_id, session)
    if not factors.may_add(factors.available(session, signed_in.subject_id), signed_in.factors):
        raise Elsewhere(paused.at)
    if paused.for_service and paused.prompt is not Prompt.STEP_UP:
        raise Elsewhere(paused.at)
    freshness.just_now(session)
    return paused, signed_in


@route(bp, "", tx=Tx.READ)
def choice(interaction_id: str) -> Response:
    """What can be set up, and is enough."""
    paused, signed_in = adding(interaction_id, g.session)
    if paused.prompt is not Prompt.STEP_UP:
        raise Elsewhere(paused.at)
    fit = (one for one in SECOND if not (signed_in.shared and one == "passkey"))  # none is left on a shared device
    choices = [one for one in fit if (aal_of(signed_in.factors | {one}) or Aal.AAL1) >= paused.need.aal]
    need = paused.need.aal.value
    return loop.page("setup_choice.html", paused, need=need, choices=choices, may_skip=False)


@route(bp, "", methods=("POST",), tx=Tx.NONE)
def skip(interaction_id: str) -> Response:
    """Nothing may be skipped where a service needs the level: back to the loop, which says what is due."""
    raise Elsewhere(loop.at(interaction_id))


@route(bp, "/pin", tx=Tx.READ)
def ask_pin(interaction_id: str) -> Response:
    """Two fields for one PIN."""
    paused, _ = adding(interaction_id, g.session)
    return loop.page("setup_pin.html", paused)


@route(bp, "/pin", methods=("POST",), tx=Tx.WRITE)
def post_pin(interaction_id: str) -> Response:
    """Set the PIN; knowing it counts at once."""
    paused, signed_in = adding(interaction_id, g.session)
    first, again = (request.form.get(name, "")[:LONGEST_TYPED].strip() for name in ("pin", "pin_again"))
    errors = pin_faults(first, again) or set_pin(signed_in, first)
    if errors:
        return loop.page("setup_pin.html", paused, errors=errors, status=400)
    return done(paused, signed_in, "pin", g.session)


def pin_faults(first: str, again: str) -> dict[str, str]:
    """What is wrong with the two fields."""
    if not first:
        return {"pin": "required"}
    if not again:
        return {"pin_again": "required"}
    return {} if first == again else {"pin_again": "mismatch"}


def set_pin(signed_in: SignedIn, typed: str) -> dict[str, str]:
    """Keep it, or why not."""
    try:
        pin.set_pin(g.session, signed_in.subject_id, typed, now=g.now)
    except PinRefused as refused:  # before anything was written
        return {"pin": refused.code}
    return {}


@route(bp, "/totp", tx=Tx.WRITE)
def ask_totp(interaction_id: str) -> Response:
    """The secret, to scan or to type."""
    paused, signed_in = adding(interaction_id, g.session)
    return totp_page(paused, begun(signed_in, g.session))


@route(bp, "/totp", methods=("POST",), tx=Tx.NONE)
def post_totp(interaction_id: str) -> Response:
    """The first right code makes the secret the person's own; a wrong one costs a try, kept first."""
    with gate.looking() as session:
        paused, signed_in = adding(interaction_id, session)
    typed = request.form.get("totp", "")[:LONGEST_TYPED]
    if not typed.strip():
        return totp_again(paused, signed_in, "required")
    with gate.alone() as session:
        sealer = PersonSealer(g.ring, session)
        check = totp.confirm(session, sealer, signed_in.subject_id, typed, now=g.now)
    if check.outcome == "none":  # the secret was shown too long ago: a new one
        raise Elsewhere(paused.at + "/set-up/totp")
    if check.outcome != "right":
        return totp_again(paused, signed_in, check.outcome)
    with gate.alone() as session:
        return done(paused, signed_in, "totp", session)


def begun(signed_in: SignedIn, session: Session) -> Enrolment:
    """The secret that is shown: the same for a while."""
    return totp.begin(session, g.ring, PersonSealer(g.ring, session), signed_in.subject_id, now=g.now)


def totp_again(paused: Paused, signed_in: SignedIn, fault: str) -> Response:
    """The same secret, and what was wrong with the code."""
    with gate.alone() as session:
        return totp_page(paused, begun(signed_in, session), session=session, errors={"totp": fault}, status=400)


def totp_page(paused: Paused, shown: Enrolment, *, session: Session | None = None, **more: Any) -> Response:
    """QR code and text of one enrolment."""
    svg = Markup(totp.qr_svg(shown.uri))  # noqa: S704 -- drawn by segno from our own URI
    secret = " ".join(shown.secret_b32[i : i + 4] for i in range(0, len(shown.secret_b32), 4))
    return loop.page("setup_totp.html", paused, session=session, qr_svg=svg, secret=secret, uri=shown.uri, **more)


@route(bp, "/passkey", tx=Tx.READ)
def ask_passkey(interaction_id: str) -> Response:
    """The browser's own dialogue does the rest."""
    paused, _ = adding(interaction_id, g.session)
    return loop.page("setup_passkey.html", paused, suggested_name=device())


def done(paused: Paused, signed_in: SignedIn, factor: str, session: Session) -> Response:
    """The new factor was proved by setting it up: the session is as strong as it makes it. The owner hears of it."""
    alerts.tell(session, g.ring, subject_id=signed_in.subject_id, kind=TOLD[factor], now=g.now)
    strengthen(session, signed_in, factor)
    return as_response(redirect(f"{paused.at}?done={factor}", 303))
