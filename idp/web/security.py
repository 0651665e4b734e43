"""Ways to confirm it is you, where you are signed in, and what we told you of. Changing one needs a second factor."""

from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import alerts, recovery, signing_out
from idp.login import sessions as sign_ins
from idp.login.sessions import CITIZEN
from idp.web import cookies, factor_list, gate, loop
from idp.web.gate import Tx, Who, as_response, route

bp = Blueprint("security", __name__, url_prefix="/me/security")
PHONE = ("phone_stopped", "phone_goes_on")
DONE = ("pin", "totp", "passkey", "removed", "renamed", "totp_removed", "ended", "phone_waits", *PHONE)


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def security() -> Response:
    """Factors, passkeys, sessions, a recovery that waits, the newest notices."""
    person, done = g.signed_in.subject_id, request.args.get("done")
    waiting = recovery.open_case(g.session, person)
    return as_response(
        render_template(
            "me_security.html",
            **factor_list.shown(g.session, g.ring, g.signed_in),
            sessions=places(CITIZEN),
            notices=[of_notice(one) for one in alerts.latest(g.session, person)],
            waits_until=waiting.takes_effect_at if waiting is not None else None,
            done=done if done in DONE else None,
            errors={},
        )
    )


def of_notice(one: alerts.Notice) -> dict[str, Any]:
    """One line of what the person was told of."""
    name = alerts.WORDS[one.kind][g.locale == "en"]
    return {"name": name, "detail": one.detail, "at": one.at, "ref": one.ref, "disowned_at": one.disowned_at}


def places(kind: str) -> list[dict[str, Any]]:
    """Where this person is signed in, as a citizen or at work. The reference opens nothing."""
    return [
        {
            "ref": one.id_hash,
            "device": one.device,
            "created_at": one.created_at,
            "last_seen_at": one.last_seen_at,
            "current": one.id_hash == g.signed_in.id_hash,
            "shared": one.shared,
            "aal": one.aal.value,
        }
        for one in sign_ins.live(g.session, g.signed_in.subject_id, now=g.now)
        if one.kind == kind
    ]


@route(bp, "/sessions/<ref>/end", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def end_session(ref: str) -> Response:
    """Sign one device out, with the tokens that last only with its session."""
    signing_out.one(*here(), ref, subject_id=g.signed_in.subject_id, now=g.now)
    return done("ended")


@route(bp, "/sessions/end-others", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def end_others() -> Response:
    """Sign every other device out."""
    signing_out.everywhere(
        *here(), subject_id=g.signed_in.subject_id, now=g.now, kind=CITIZEN, except_id=g.signed_in.id_hash
    )
    return done("ended")


@route(bp, "/sessions/end-all", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def end_all() -> Response:
    """Sign every device out, this one too; each is a new one when it comes back."""
    signing_out.everywhere(*here(), subject_id=g.signed_in.subject_id, now=g.now, kind=CITIZEN)
    return gone(cookies.CITIZEN, request.script_root + "/sign-in")


def gone(cookie: str, sign_in_url: str) -> Response:
    """The page after the last session of this browser."""
    cookies.put(cookie, None)
    cookies.forget_browser()
    g.signed_in = None
    return as_response(render_template("signed_out.html", service=None, sign_in_url=sign_in_url))


def here() -> tuple[Any, Any, Any]:
    """Transaction, keys and settings of this request."""
    return g.session, g.ring, gate.house().settings


def done(what: str) -> Response:
    """Back to the page, which says what was done."""
    return as_response(redirect(f"{request.script_root}{loop.SECURITY}?done={what}", 303))
