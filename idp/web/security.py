"""Ways to confirm it is you, and where you are signed in. Changing one needs a second factor, once there is one."""

from flask import Blueprint, Response, g, redirect, render_template, request

from idp.login import sessions as sign_ins
from idp.oauth import grants
from idp.web import factor_list, loop
from idp.web.gate import Tx, Who, as_response, route

bp = Blueprint("security", __name__, url_prefix="/me/security")
DONE = ("pin", "totp", "passkey", "removed", "renamed", "totp_removed", "ended")


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def security() -> Response:
    """Factors, passkeys, sessions."""
    person, done = g.signed_in.subject_id, request.args.get("done")
    sessions = [
        {
            "ref": one.id_hash,
            "device": one.device,
            "created_at": one.created_at,
            "last_seen_at": one.last_seen_at,
            "current": one.id_hash == g.signed_in.id_hash,
            "aal": one.aal.value,
        }
        for one in sign_ins.live(g.session, person, now=g.now)
        if one.kind == "citizen"
    ]
    return as_response(
        render_template(
            "me_security.html",
            **factor_list.shown(g.session, g.ring, g.signed_in),
            sessions=sessions,
            done=done if done in DONE else None,
            errors={},
        )
    )


@route(bp, "/sessions/<ref>/end", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def end_session(ref: str) -> Response:
    """Sign one device out, with the tokens that last only with its session."""
    sign_ins.end(g.session, ref, now=g.now, subject_id=g.signed_in.subject_id)
    grants.end_for_session(g.session, ref, now=g.now)
    return done("ended")


@route(bp, "/sessions/end-others", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def end_others() -> Response:
    """Sign every other device out."""
    person, here = g.signed_in.subject_id, g.signed_in.id_hash
    for one in sign_ins.live(g.session, person, now=g.now):
        if one.id_hash != here:
            grants.end_for_session(g.session, one.id_hash, now=g.now)
    sign_ins.end_all(g.session, person, now=g.now, except_id=here)
    return done("ended")


def done(what: str) -> Response:
    """Back to the page, which says what was done."""
    return as_response(redirect(f"{request.script_root}{loop.SECURITY}?done={what}", 303))
