"""“This was not me”: the code of a notice, typed without signing in (PAGES: a code to disown).

The page says the same whoever the code belongs to, and a code is 58 random bits: nobody finds one by trying.
"""

from datetime import timedelta

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import alerts, disowning, recovery, representatives
from idp.web import gate
from idp.web.gate import Tx, as_response, route

bp = Blueprint("not_me", __name__, url_prefix="/not-me")
LONGEST_TYPED = 64
HOURS = disowning.SMS_RESTS // timedelta(hours=1)


@route(bp, "", tx=Tx.NONE)
def ask() -> Response:
    """One field, and what typing the code does."""
    return page(done=request.args.get("done") == "1", goes_on=request.args.get("goes-on") == "1")


@route(bp, "", methods=("POST",), tx=Tx.WRITE)
def take_back() -> Response:
    """What was done since the notice is undone, once."""
    typed = request.form.get("notice_code", "")[:LONGEST_TYPED]
    if not typed.strip():
        return page(fault="required", status=400)
    if not alerts.typed(typed):
        return page(fault="format", status=400)
    settings = gate.house().settings
    notice = disowning.disown(g.session, g.ring, settings, typed, now=g.now)
    if notice is None:
        return page(fault="unknown", status=400)
    representatives.disown(g.session, g.ring, settings, notice.subject_id, since=notice.at, now=g.now)
    goes_on = "&goes-on=1" if recovery.open_case(g.session, notice.subject_id) else ""
    return as_response(redirect(f"{request.script_root}/not-me?done=1{goes_on}", 303))


def page(*, done: bool = False, goes_on: bool = False, fault: str | None = None, status: int = 200) -> Response:
    """The page in one of its states."""
    errors = {"notice_code": fault} if fault else {}
    return as_response(render_template("not_me.html", done=done, goes_on=goes_on, errors=errors, hours=HOURS), status)
