"""Where a member of staff is signed in at work: look, end one, end them all. Nothing of the citizen's side shows."""

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import signing_out
from idp.login.sessions import STAFF
from idp.web import cookies
from idp.web.gate import Tx, Who, as_response, route
from idp.web.security import gone, here, places

bp = Blueprint("staff_sessions", __name__, url_prefix="/staff/sessions")


@route(bp, "", tx=Tx.READ, who=Who.STAFF)
def sessions() -> Response:
    """The places, this one marked."""
    ended = request.args.get("done") == "ended"
    return as_response(render_template("staff_sessions.html", sessions=places(STAFF), ended=ended, errors={}))


@route(bp, "/<ref>/end", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def end_session(ref: str) -> Response:
    """Sign one place out."""
    signing_out.one(*here(), ref, subject_id=g.signed_in.subject_id, now=g.now)
    return as_response(redirect(request.script_root + "/staff/sessions?done=ended", 303))


@route(bp, "/end-all", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def end_all() -> Response:
    """Sign every place out, this one too."""
    signing_out.everywhere(*here(), subject_id=g.signed_in.subject_id, now=g.now, kind=STAFF)
    return gone(cookies.STAFF, request.script_root + "/staff/sign-in")
