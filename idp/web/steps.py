"""STEP_UP: only what is missing, by what the person has; without anything usable, to the set-up."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, redirect, request

from idp.assurance import Aal
from idp.db import Session
from idp.login import factors, pin, recovery_codes, totp
from idp.login import sessions as sign_ins
from idp.login.pin import Check
from idp.login.sessions import SignedIn
from idp.oauth import grants
from idp.prompts import Prompt
from idp.subjects import PersonSealer
from idp.web import arrivals, cookies, gate, loop
from idp.web.gate import Elsewhere, Tx, as_response, route
from idp.web.loop import Paused

bp = Blueprint("steps", __name__, url_prefix="/interaction/<interaction_id>")
LONGEST_TYPED = 64


def usable(session: Session, signed_in: SignedIn, need: Aal) -> tuple[list[str], bool]:
    """What the person can be asked for now, and whether they may add another factor instead."""
    have = factors.available(session, signed_in.subject_id)
    return factors.askable(have, signed_in.factors, need), factors.may_add(have, signed_in.factors)


@route(bp, "/step-up", tx=Tx.READ)
def step_up(interaction_id: str) -> Response:
    """The choice, if there is one; a single PIN or code app is asked for at once."""
    paused, signed_in = due_step(interaction_id, g.session)
    have, may_add = usable(g.session, signed_in, paused.need.aal)
    if may_add and not have:
        return as_response(redirect(paused.at + "/set-up", 303))
    return loop.page("step_up.html", paused, need=paused.need.aal.value, have=have)


@route(bp, "/step-up", methods=("POST",), tx=Tx.WRITE)
def sign_in_again(interaction_id: str) -> Response:
    """Another sign-in than this one, which did not lead on: it ends, and the number is asked for."""
    paused, signed_in = due_step(interaction_id, g.session)
    sign_ins.end(g.session, signed_in.id_hash, now=g.now)
    grants.end_for_session(g.session, signed_in.id_hash, now=g.now)
    cookies.put(cookies.CITIZEN, None)
    return loop.back(paused)


def due_step(interaction_id: str, session: Session) -> tuple[Paused, SignedIn]:
    """The paused request whose turn is a stronger sign-in."""
    paused, signed_in = loop.signed_in_here(interaction_id, session)
    if paused.prompt is not Prompt.STEP_UP:
        raise Elsewhere(paused.at)
    return paused, signed_in


@route(bp, "/pin", tx=Tx.READ)
def ask_pin(interaction_id: str) -> Response:
    """The six digits that the person knows."""
    return ask(interaction_id, "pin")


@route(bp, "/totp", tx=Tx.READ)
def ask_totp(interaction_id: str) -> Response:
    """The code that the person's app shows."""
    return ask(interaction_id, "totp")


@route(bp, "/recovery", tx=Tx.READ)
def ask_recovery(interaction_id: str) -> Response:
    """One code of the sheet."""
    return ask(interaction_id, "recovery")


@route(bp, "/pin", methods=("POST",), tx=Tx.NONE)
def post_pin(interaction_id: str) -> Response:
    """A try at the PIN, spent and kept first."""
    return attempt(interaction_id, "pin", pin_checked)


@route(bp, "/totp", methods=("POST",), tx=Tx.NONE)
def post_totp(interaction_id: str) -> Response:
    """A try at the app's code, spent and kept first."""
    return attempt(interaction_id, "totp", totp_checked)


@route(bp, "/recovery", methods=("POST",), tx=Tx.NONE)
def post_recovery(interaction_id: str) -> Response:
    """A try at the sheet, spent and kept first."""
    return attempt(interaction_id, "recovery", recovery_checked)


def pin_checked(session: Session, signed_in: SignedIn, typed: str) -> Check:
    """One try at the PIN."""
    return pin.check(session, signed_in.subject_id, typed, now=g.now)


def totp_checked(session: Session, signed_in: SignedIn, typed: str) -> Check:
    """One try at the app's code."""
    sealer = PersonSealer(g.ring, session)
    return totp.check(session, sealer, signed_in.subject_id, typed, now=g.now)


def recovery_checked(session: Session, signed_in: SignedIn, typed: str) -> Check:
    """One try at a recovery code; a right one is gone."""
    return recovery_codes.check(session, g.ring, signed_in.subject_id, typed, now=g.now)


def ask(interaction_id: str, factor: str) -> Response:
    """The factor's page, if the person has it."""
    paused, signed_in = due_step(interaction_id, g.session)
    have, _ = usable(g.session, signed_in, paused.need.aal)
    if factor not in have:
        raise Elsewhere(paused.at + "/step-up")
    return factor_page(paused, factor, g.session, have=have)


def attempt(interaction_id: str, factor: str, checked: Callable[[Session, SignedIn, str], Check]) -> Response:
    """Spend the try and keep it; then strengthen, or say what is wrong."""
    with gate.looking() as session:
        paused, signed_in = due_step(interaction_id, session)
        have, _ = usable(session, signed_in, paused.need.aal)
    typed = request.form.get(factor, "")[:LONGEST_TYPED]
    if factor not in have:
        raise Elsewhere(paused.at + "/step-up")
    if not typed.strip():
        return refused_page(paused, factor, have, Check("none"), fault="required")
    with gate.alone() as session:
        check = checked(session, signed_in, typed)
    if check.outcome != "right":
        return refused_page(paused, factor, have, check, fault=check.outcome)
    with gate.alone() as session:
        strengthen(session, signed_in, factor)
    return loop.back(paused)


def strengthen(session: Session, signed_in: SignedIn, factor: str) -> None:
    """One more factor: a new token; grants of the old session follow."""
    settings = gate.house().settings
    token = sign_ins.strengthen(session, signed_in, factor=factor, settings=settings, now=g.now)
    arrivals.stronger(session, signed_in.subject_id, sign_ins.level_of(signed_in.factors | {factor}))
    loop.new_session(token, signed_in, session)


def refused_page(paused: Paused, factor: str, have: list[str], check: Check, *, fault: str) -> Response:
    """The factor's page after a try that did not open."""
    left = check.tries_left if fault == "wrong" else None
    shown: dict[str, Any] = {"tries_left": left, "locked_until": check.until, "errors": {factor: fault}}
    with gate.looking() as session:
        return factor_page(paused, factor, session, have=have, status=400, **shown)


def factor_page(
    paused: Paused, factor: str, session: Session, *, have: list[str], status: int = 200, **shown: Any
) -> Response:
    """The page of a PIN or an app's code."""
    shown = {"tries_left": None, "locked_until": None, "errors": {}, **shown}
    others = [other for other in have if other != factor]
    return loop.page(f"{factor}.html", paused, session=session, status=status, others=others, **shown)
