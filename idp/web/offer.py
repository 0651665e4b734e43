"""After a sign-in for a page of ours: a passkey for the next time, in plain words, with "not now" (PAGES).

Never between a person and a service that waits for them, never on a shared device or inside LINE. "Not now" is the
device's answer: a cookie, kept for a year, that says nothing about anybody.
"""

from flask import Blueprint, Response, g

from idp import alerts
from idp.assurance import Aal
from idp.login import factors
from idp.web import arrivals, cookies, freshness, loop
from idp.web.ceremony import device, in_line
from idp.web.gate import Elsewhere, Tx, route
from idp.web.loop import Paused

bp = Blueprint("offer", __name__, url_prefix="/interaction/<interaction_id>/passkey-offer")
YES = "1"


def due(paused: Paused) -> bool:
    """Whether to offer one now: to whoever has just signed in without one, and may add one here."""
    signed_in = g.signed_in
    if paused.for_service or paused.prompt is not None or signed_in is None:
        return False
    if cookies.read(cookies.NOT_NOW) == YES or arrivals.is_shared() or signed_in.shared or in_line():
        return False
    just_signed_in = signed_in.auth_time >= paused.interaction.created_at and freshness.is_fresh(signed_in, now=g.now)
    to_security = (paused.interaction.return_to or "").startswith(loop.SECURITY)  # a page that offers it by itself
    return just_signed_in and not to_security and may_add()


def may_add() -> bool:
    """Whether this person has no passkey yet, and may add a way in with what they just proved."""
    have = factors.available(g.session, g.signed_in.subject_id)
    if "passkey" in have or not factors.may_add(have, g.signed_in.factors):
        return False
    sure = g.signed_in.aal >= Aal.AAL2_1
    return sure or alerts.adding_held_since(g.session, g.signed_in.subject_id) is None


@route(bp, "", tx=Tx.READ)
def offer(interaction_id: str) -> Response:
    """What a passkey is, a button, and "not now"."""
    paused, _ = loop.signed_in_here(interaction_id)
    if not due(paused):
        raise Elsewhere(paused.at)
    return loop.page("passkey_offer.html", paused, suggested_name=device())


@route(bp, "", methods=("POST",), tx=Tx.NONE)
def not_now(interaction_id: str) -> Response:
    """Remembered for this device; on to where they were going."""
    cookies.put(cookies.NOT_NOW, YES, max_age=cookies.YEAR_S)
    raise Elsewhere(loop.at(interaction_id))
