"""What is refused in general for a ward: made and lifted by who acts for them (PDPA s.20); a no of either counts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, request

from consent.errors import NotAllowed
from consent.family.rules import Deed
from consent.specificity import Level
from idp import ward_acts, wards
from idp.standing_refusals import Line
from idp.wards import Ward
from idp.web import refusal_form, ward
from idp.web.citizen import STRONG_AAL
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.refusal_form import Sent

bp = Blueprint("ward_refusals", __name__, url_prefix="/me/family/<uuid:link_id>/refusals")
DONE = ("made", "lifted")


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def home(link_id: UUID) -> Response:
    """What is refused, by whom, and what may be refused."""
    whom, done = ward.of(link_id, Deed.refuse), request.args.get("done", "")
    lines = [drawn(whom, one) for one in wards.refusals(g.session, g.ring, whom, now=g.now)]
    return ward.page(
        "ward_refusals.html",
        whom,
        lines=[one for one in lines if one["lifted_at"] is None],
        lifted=[one for one in lines if one["lifted_at"] is not None],
        levels=[level.value for level in whom.levels],
        done=done if done in DONE else "",
    )


@route(bp, "/new/<level>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def ask(link_id: UUID, level: str) -> Response:
    """The form of one kind of refusal."""
    whom, what = known(link_id, level)
    return form(whom, what, request.args, errors={})


@route(bp, "/new/<level>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def refuse(link_id: UUID, level: str) -> Response:
    """It holds from the next question on; who has a say is told."""
    whom, what = known(link_id, level)
    no, errors = refusal_form.read(what, request.form, subject_id=whom.id)
    if no is not None and not errors:
        try:
            ward_acts.refuse(g.session, g.ring, whom, no, aal=g.signed_in.aal.acr, now=g.now)
        except NotAllowed as refusal:
            errors = {refusal_form.field_of(what): refusal.code}
    if errors:
        return form(whom, what, request.form, errors=errors)
    return as_response(redirect(f"{at(whom)}?done=made", 303))


@route(bp, "/<uuid:refusal_id>/lift", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def lift(link_id: UUID, refusal_id: UUID) -> Response:
    """What was agreed to counts again. A double tap lifts once; what another made, they lift."""
    whom = ward.of(link_id, Deed.refuse)
    ward_acts.lift(g.session, g.ring, whom, refusal_id, now=g.now)
    return as_response(redirect(f"{at(whom)}?done=lifted", 303))


def known(link_id: UUID, level: str) -> tuple[Ward, Level]:
    """For whom, and what of them may be named; anything else is the 404 of any other address."""
    whom = ward.of(link_id, Deed.refuse)
    if level not in list(whom.levels):
        raise Refused("not_found", 404)
    return whom, Level(level)


def form(whom: Ward, what: Level, sent: Sent, *, errors: Mapping[str, str]) -> Response:
    """The form with what was typed, and with what can be chosen; a person is chosen on the list of who did what."""
    chosen = refusal_form.chosen(what, sent, subject_id=whom.id, errors=errors)
    if what is Level.person and not chosen["seen"]:
        raise Elsewhere(f"{ward.home(whom.link.id)}/access")
    here = {"here": f"{at(whom)}/new/{what.value}", "leave": at(whom)}
    return ward.page("ward_refusal_new.html", whom, status=422 if errors else None, **here, **chosen)


def drawn(whom: Ward, line: Line) -> dict[str, Any]:
    """One refusal for the page: who made it, and whether this guardian lifts it."""
    by = line.view.actor_id
    may = wards.may_lift(g.session, whom, by, now=g.now)
    return {**refusal_form.drawn(line, strong=True), "made_by": ward.hand(whom, by), "may_lift": may}


def at(whom: Ward) -> str:
    """The list."""
    return f"{ward.home(whom.link.id)}/refusals"
