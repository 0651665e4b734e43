"""A consent taken back at the counter during a visit (PDPA s.19): pick, one button, and the slip says what ended."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes
from consent.errors import NotAllowed
from idp import counter_withdrawals, subjects, visits
from idp.db import Session
from idp.readings import Desk
from idp.visits import Visit
from idp.web import desk, gate
from idp.web.gate import Elsewhere, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("desk_take_back", __name__)
AT = "/desk/visits/<uuid:visit_id>/take-back"
MISSING = {"signer": "who", "picked": "choice"}  # a refusal about a field, as the page says it


@route(bp, AT, tx=Tx.READ, who=Who.STAFF)
def sheet(visit_id: UUID) -> Response:
    """What this person allows this organisation, to pick from."""
    here, found = at(visit_id, g.session)
    return page(here, found, g.session)


@route(bp, AT, methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def take_back(visit_id: UUID) -> Response:
    """It is over. A double tap ends it once. A refusal has written nothing, so the page follows in the transaction."""
    here, found = at(visit_id, g.session)
    picked = {one for one in map(uuid_or_none, request.form.getlist("picked")) if one is not None}
    signer = request.form.get("signer", "")
    settings = gate.house().settings
    try:
        told = {"signer": signer, "desk": here, "now": g.now}
        counter_withdrawals.take_back(g.session, g.ring, settings, found, picked, **told)
    except NotAllowed as refused:
        code = str(refused.code)
        errors = {code: MISSING[code]} if code in MISSING else {"form": code}
        return page(here, found, g.session, picked=picked, signer=signer, errors=errors)
    return as_response(redirect(f"{request.script_root}/desk/visits/{visit_id}/slip", 303))


def at(visit_id: UUID, session: Session) -> tuple[Desk, Visit]:
    """Who sits here, and a visit of this facility that is open."""
    here = desk.here(session)
    found = visits.at(session, visit_id, here.place.hcode)
    if not found.runs_at(g.now):
        raise Elsewhere(f"{request.script_root}/desk/visits/{visit_id}")
    return here, found


def page(
    here: Desk,
    found: Visit,
    session: Session,
    *,
    picked: set[UUID] | None = None,
    signer: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    """The list with its form; nobody else's, and no other place's."""
    drawn = counter_withdrawals.sheet(session, g.ring, found, desk=here, now=g.now)
    running = [
        {
            "id": one.record_id,
            "title": purposes.get(one.purpose).name.in_(g.locale),
            "given_at": one.given_at,
            "until": one.expires_at,
            "picked": one.record_id in (picked or ()),
        }
        for one in drawn.running
    ]
    shown: dict[str, Any] = {
        **desk.of_visit(found),
        "name": subjects.profile(session, g.ring, found.subject_id).name(g.locale),
        "place": here.place.name(g.locale),
        "consents": [] if drawn.refusal else running,
        "needed": drawn.needed.value,
        "beside": [{"id": str(one.id), "kind": one.kind, "name": name_of(one.guardian_id)} for one in drawn.beside],
        "why_not": drawn.refusal,
        "signer": signer,
    }
    return as_response(render_template("desk_take_back.html", errors=errors or {}, **shown), 400 if errors else 200)


def name_of(person: UUID) -> str:
    """The name of whoever stands beside the person at the counter."""
    return subjects.profile(g.session, g.ring, person).name(g.locale)
