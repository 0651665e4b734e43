"""A lost phone or passkey (THAI.md 3b R8): what can be done, and a new phone by a way in that is still there.

Whoever has no way in left goes to a counter; a page without a sign-in only says so, and asks for no number.
"""

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import NotAllowed
from idp import recoveries, recovery
from idp.assurance import Aal
from idp.contact import codes
from idp.contact.limits import Limited
from idp.recoveries import Recovery
from idp.web import freshness, gate, security
from idp.web.gate import Elsewhere, Tx, Who, as_response, route

bp = Blueprint("recovery", __name__)
PHONE = "/me/security/phone"
LONGEST_TYPED = 32


@route(bp, "/recover", tx=Tx.NONE)
def ways() -> Response:
    """What is lost, and what helps."""
    return as_response(render_template("recover.html", hours=hours(), errors={}))


@route(bp, PHONE, tx=Tx.READ, who=Who.CITIZEN)
def ask() -> Response:
    """One field for the new number; a sign-in by two factors just now comes first."""
    freshness.strong(back=PHONE)
    return phone_page()


@route(bp, PHONE, methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def begin() -> Response:
    """A code to the new phone, or what is wrong with the number."""
    freshness.strong(back=PHONE)
    typed, settings = request.form.get("phone", "")[:LONGEST_TYPED], gate.house().settings
    fault = fault_of(typed)
    if fault:
        return phone_page(fault, typed=typed, status=400)
    begun = recovery.begin(g.session, g.ring, settings, subject_id=g.signed_in.subject_id, typed=typed, now=g.now)
    if isinstance(begun, Limited):
        return phone_page("limited", typed=typed, status=429)
    return as_response(redirect(f"{request.script_root}{PHONE}/code", 303))


def fault_of(typed: str) -> str | None:
    """What is wrong with a number, as a code."""
    if not typed.strip():
        return "required"
    try:
        recoveries.number_of(typed)
    except NotAllowed:
        return "format"
    return None


@route(bp, PHONE + "/code", tx=Tx.READ, who=Who.CITIZEN)
def ask_code() -> Response:
    """The code that went to the new phone."""
    return code_page(proving())


@route(bp, PHONE + "/code", methods=("POST",), tx=Tx.NONE, who=Who.CITIZEN)
def post_code() -> Response:
    """A guess, spent and kept whatever comes; a right one begins the wait."""
    typed, person, settings = (
        request.form.get("code", "")[:LONGEST_TYPED],
        g.signed_in.subject_id,
        gate.house().settings,
    )
    fault = None if typed.strip() else "required"
    if fault is None and not codes.typed(typed).isdigit():
        fault = "format"
    left = None
    if fault is None:
        with gate.alone() as session:
            tried = recovery.prove(session, g.ring, settings, typed, subject_id=person, now=g.now)
        if tried.outcome == "right":
            return security.done("phone_waits")
        fault, left = tried.outcome, tried.tries_left
    with gate.looking() as session:
        case = recovery.open_case(session, person)
    if case is None:
        raise Elsewhere(request.script_root + PHONE)
    return code_page(case, fault, tries_left=left, status=400)


@route(bp, PHONE + "/stop", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def stop() -> Response:
    """The person objects before it takes effect; by a code of the old phone alone, as by the code of a notice."""
    weak = g.signed_in.aal < Aal.AAL2_1
    person = g.signed_in.subject_id
    stopped = recovery.cancel(g.session, person, now=g.now, reason="cancelled", by_code=weak)
    goes_on = not stopped and recovery.open_case(g.session, person) is not None
    return security.done("phone_goes_on" if goes_on else "phone_stopped")


def proving() -> Recovery:
    """The recovery whose code is awaited; otherwise back to the number."""
    case = recovery.open_case(g.session, g.signed_in.subject_id)
    if case is None or case.state != "proving":
        raise Elsewhere(request.script_root + PHONE)
    return case


def phone_page(fault: str | None = None, *, typed: str = "", status: int = 200) -> Response:
    """The page of the number."""
    errors = {"phone": fault} if fault else {}
    page = render_template("me_phone.html", stage="phone", errors=errors, values={"phone": typed}, hours=hours())
    return as_response(page, status)


def code_page(
    case: Recovery, fault: str | None = None, *, tries_left: int | None = None, status: int = 200
) -> Response:
    """The page of the code."""
    errors = {"code": fault} if fault else {}
    shown = {"ref": case.ref, "expires_at": case.code_expires_at, "tries_left": tries_left, "hours": hours()}
    return as_response(render_template("me_phone.html", stage="code", errors=errors, values={}, **shown), status)


def hours() -> int:
    """How long an owner may object."""
    return int(gate.house().settings.recovery_wait.total_seconds() // 3600)
