"""Ways to confirm it is you, and where you are signed in. Changing one needs a second factor, once there is one."""

from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from idp.assurance import Aal
from idp.login import factors, passkeys
from idp.login import sessions as sign_ins
from idp.oauth import grants
from idp.web import loop
from idp.web.authorize import start
from idp.web.gate import Refused, SignInNeeded, Tx, Who, as_response, route

bp = Blueprint("security", __name__, url_prefix="/me/security")
DONE = ("pin", "totp", "passkey", "removed", "renamed", "ended")


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def security() -> Response:
    """Factors, passkeys, sessions."""
    person, done = g.signed_in.subject_id, request.args.get("done")
    have = factors.available(g.session, person)
    may_add = list(factors.SECOND_FACTORS) if factors.may_add(have, g.signed_in.aal) else []
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
            has_pin="pin" in have,
            has_totp="totp" in have,
            passkeys=passkeys.of(g.session, person),
            may_add=may_add,
            sessions=sessions,
            done=done if done in DONE else None,
            errors={},
        )
    )


@route(bp, "/add", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def add() -> Response:
    """Into the loop, to the page of the factor."""
    factor = request.form.get("factor")
    if factor not in factors.SECOND_FACTORS:
        raise Refused("bad_request", 400)
    sure_enough()
    at = loop.at(start(kind="console", back_to=loop.SECURITY))
    return as_response(redirect(f"{at}/set-up/{factor}", 303))


@route(bp, "/passkeys/<uuid:passkey_id>/remove", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def remove_passkey(passkey_id: UUID) -> Response:
    """The passkey opens nothing from now on."""
    sure_enough()
    passkeys.remove(g.session, passkey_id, subject_id=g.signed_in.subject_id, now=g.now)
    return done("removed")


@route(bp, "/passkeys/<uuid:passkey_id>/rename", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def rename_passkey(passkey_id: UUID) -> Response:
    """A name to know the device by."""
    name = request.form.get("name", "")
    passkeys.rename(g.session, passkey_id, subject_id=g.signed_in.subject_id, name=name, now=g.now)
    return done("renamed")


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


def sure_enough() -> None:
    """A way in may be changed by whoever used a second factor, or has none yet (ASVS 7.5.1)."""
    if not factors.may_add(factors.available(g.session, g.signed_in.subject_id), g.signed_in.aal):
        raise SignInNeeded(who=Who.CITIZEN, aal=Aal.AAL2_1)


def done(what: str) -> Response:
    """Back to the page, which says what was done."""
    return as_response(redirect(f"{request.script_root}{loop.SECURITY}?done={what}", 303))
