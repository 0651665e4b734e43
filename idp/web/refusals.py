"""My refusals in general: not this person, unit, place, visit, time or topic, whatever I agree to elsewhere.

Refusing asks for no level, because a no must be easy. Lifting opens data again, so it asks for the level for names.
"""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import NotAllowed
from consent.specificity import Level
from idp import standing_refusals
from idp.web import refusal_form
from idp.web.citizen import STRONG_AAL, show_names, sight
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.refusal_form import NEEDS_NAMES, Sent, drawn, field_of, read

bp = Blueprint("refusals", __name__, url_prefix="/me/refusals")
HOME = "/me/refusals"


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def home() -> Response:
    """What I refuse in general, what each refusal beats, and how often it stopped somebody."""
    seen, person = sight(), g.signed_in.subject_id
    lines = standing_refusals.of_person(g.session, g.ring, person, now=g.now)
    page = render_template(
        "me_refusals.html",
        lines=[drawn(line, strong=seen.strong) for line in lines if line.view.lifted_at is None],
        lifted=[drawn(line, strong=seen.strong) for line in lines if line.view.lifted_at is not None],
        person=person,
        strong=seen.strong,
        step_up_url=seen.step_up_url,
        done=request.args.get("done", ""),
    )
    return as_response(page)


@route(bp, "/new/<level>", tx=Tx.READ, who=Who.CITIZEN)
def ask(level: str) -> Response:
    """The form of one kind of refusal."""
    return form(known(level), request.args, errors={})


@route(bp, "/new/<level>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def refuse(level: str) -> Response:
    """It holds from the next question on. Sent twice, it is written twice and says the same."""
    what, sent, person = known(level), request.form, g.signed_in.subject_id
    no, errors = read(what, sent, subject_id=person)
    if no is not None and not errors:
        told = {"subject_id": person, "actor_id": person, "aal": g.signed_in.aal.acr, "now": g.now}
        try:
            standing_refusals.make(g.session, g.ring, no, **told)
        except NotAllowed as refusal:
            errors = {field_of(what): refusal.code}
    if errors:
        return form(what, sent, errors=errors)
    return as_response(redirect(f"{request.script_root}{HOME}?done=made", 303))


@route(bp, "/<uuid:refusal_id>/lift", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def lift(refusal_id: UUID) -> Response:
    """What I agreed to counts again. A double tap lifts once."""
    show_names()
    person = g.signed_in.subject_id
    standing_refusals.lift(g.session, refusal_id, subject_id=person, actor_id=person, now=g.now)
    return as_response(redirect(f"{request.script_root}{HOME}?done=lifted", 303))


def known(level: str) -> Level:
    """One of the six, or the 404 of any other address."""
    if level not in list(Level):
        raise Refused("not_found", 404)
    return Level(level)


def form(what: Level, sent: Sent, *, errors: Mapping[str, str]) -> Response:
    """The form with what was typed, and with what can be chosen."""
    if what in NEEDS_NAMES:
        show_names()
    facts = refusal_form.chosen(what, sent, subject_id=g.signed_in.subject_id, errors=errors)
    return as_response(render_template("me_refusal_new.html", **facts), 422 if errors else None)
