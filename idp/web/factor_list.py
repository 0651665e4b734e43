"""The ways a person has to confirm it is them: add, rename, remove, and a sheet of recovery codes.

Changing one needs a second factor that was used, once there is one, and a fresh sign-in (`freshness`); whoever the
account belongs to is told by the ways that reached them before (`alerts`).
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import alerts
from idp.assurance import Aal
from idp.db import Session
from idp.keys import KeyRing
from idp.login import factors, held, recovery_codes, totp
from idp.login.held import Passkey
from idp.login.sessions import SignedIn
from idp.subjects import PersonSealer
from idp.web import freshness, gate, loop
from idp.web.authorize import start
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route

bp = Blueprint("factor_list", __name__, url_prefix=loop.SECURITY)
CONFIRM_URL = f"/sign-in?next={loop.SECURITY}&aal={Aal.AAL2_1.value}"


def shown(session: Session, ring: KeyRing, signed_in: SignedIn) -> dict[str, Any]:
    """What the list of ways (`me_factors.html`) is given."""
    person = signed_in.subject_id
    have = factors.available(session, person)
    sealer = PersonSealer(ring, session)
    changing = factors.may_add(have, signed_in.factors)
    return {
        "has_pin": "pin" in have,
        "has_totp": "totp" in have,
        "passkeys": [of_passkey(one, held.name_of(sealer, one)) for one in held.of(session, person)],
        "codes_left": recovery_codes.left(session, person),
        "may_add": [one for one in factors.SECOND_FACTORS if changing and not (signed_in.shared and one == "passkey")],
        "confirm_url": None if changing or signed_in.aal >= Aal.AAL2_1 else CONFIRM_URL,
        "may_print": changing and bool(have & frozenset(factors.SECOND_FACTORS)),
    }


def of_passkey(one: Passkey, name: str) -> dict[str, Any]:
    """One line of the list: what the person knows it by, and where it may be."""
    facts = {"id": one.id, "name": name, "created_at": one.created_at, "last_used_at": one.last_used_at}
    return {**facts, "synced": one.synced, "backed_up": one.backed_up}


@route(bp, "/add", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def add() -> Response:
    """Into the loop, to the page of the factor."""
    factor = request.form.get("factor")
    if factor not in factors.SECOND_FACTORS:
        raise Refused("bad_request", 400)
    freshness.sure_enough()
    at = loop.at(start(kind="console", back_to=loop.SECURITY))
    return as_response(redirect(f"{at}/set-up/{factor}", 303))


@route(bp, "/passkeys/<uuid:passkey_id>/remove", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def remove_passkey(passkey_id: UUID) -> Response:
    """The passkey opens nothing from now on."""
    freshness.sure_enough()
    if held.remove(g.session, passkey_id, subject_id=g.signed_in.subject_id, now=g.now):
        tell(g.session, g.signed_in, "passkey_removed")
    return done("removed")


@route(bp, "/passkeys/<uuid:passkey_id>/rename", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def rename_passkey(passkey_id: UUID) -> Response:
    """A name to know the device by."""
    name, sealer = request.form.get("name", ""), PersonSealer(g.ring, g.session)
    held.rename(g.session, sealer, passkey_id, subject_id=g.signed_in.subject_id, name=name, now=g.now)
    return done("renamed")


@route(bp, "/totp/remove", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def remove_totp() -> Response:
    """The app's codes open nothing from now on."""
    freshness.sure_enough()
    if totp.remove(g.session, g.signed_in.subject_id, now=g.now):
        tell(g.session, g.signed_in, "totp_removed")
    return done("totp_removed")


@route(bp, "/recovery-codes", methods=("POST",), tx=Tx.NONE, who=Who.CITIZEN)
def print_codes() -> Response:
    """Ten new codes, seen this once; the older ones stop working."""
    with gate.looking() as session:
        freshness.sure_enough(session)
        have = factors.available(session, g.signed_in.subject_id) & frozenset(factors.SECOND_FACTORS)
    if not have:
        raise Elsewhere(request.script_root + loop.SECURITY)
    prepared = recovery_codes.prepare(g.ring, g.signed_in.subject_id)
    with gate.alone() as session:
        recovery_codes.replace(session, g.signed_in.subject_id, prepared, now=g.now)
        tell(session, g.signed_in, "recovery_codes")
    return as_response(render_template("me_recovery_codes.html", codes=prepared.shown, made_at=g.now))


@route(bp, "/recovery-codes", tx=Tx.NONE, who=Who.CITIZEN)
def printed_codes() -> Response:
    """Reloading does not show them again, and is no dead end."""
    raise Elsewhere(request.script_root + loop.SECURITY)


def tell(session: Session, signed_in: SignedIn, kind: str) -> None:
    """The owner hears of the change, whoever made it."""
    alerts.tell(session, g.ring, subject_id=signed_in.subject_id, kind=kind, now=g.now)


def done(what: str) -> Response:
    """Back to the page, which says what was done."""
    return as_response(redirect(f"{request.script_root}{loop.SECURITY}?done={what}", 303))
