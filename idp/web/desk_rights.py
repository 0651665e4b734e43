"""A right used at the counter, with the card that opened the visit: one form, a number to take home, an answer.

The officer writes down what is asked, and sees nothing else of the person: neither their data nor their requests.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import NotAllowed
from consent.rights import cases
from consent.rights.clocks import LIMITS, Kind
from idp import paper_cases, rights, subjects
from idp.db import Session
from idp.readings import Desk
from idp.visits import Visit
from idp.web.desk import of_visit
from idp.web.desk_take_back import at, name_of
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.rights import BY_PAGE, last_day

bp = Blueprint("desk_rights", __name__)
AT = "/desk/visits/<uuid:visit_id>/rights"
FIELD_OF = {"words": ("words", "required"), "too_long": ("words", "too_long"), "signer": ("signer", "who")}


@route(bp, AT, tx=Tx.READ, who=Who.STAFF)
def form(visit_id: UUID) -> Response:
    """What is asked, and by whom."""
    here, found = at(visit_id, g.session)
    return page(here, found, g.session, {})


@route(bp, AT, methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def enter(visit_id: UUID) -> Response:
    """Write it down. A refusal has written nothing, so the page follows in the same transaction."""
    here, found = at(visit_id, g.session)
    values = {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in ("kind", "words", "signer")}
    if values["kind"] not in {one.value for one in BY_PAGE}:
        return page(here, found, g.session, values, errors={"kind": "choice"})
    asked = {"words": values["words"], "signer": values["signer"] or "self", "desk": here, "now": g.now}
    try:
        case = paper_cases.at_counter(g.session, g.ring, found, Kind(values["kind"]), **asked)
    except NotAllowed as refused:
        field, code = FIELD_OF.get(str(refused.code), ("form", str(refused.code)))
        return page(here, found, g.session, values, errors={field: code})
    return as_response(redirect(f"{request.script_root}/desk/visits/{visit_id}/rights/{case.id}", 303))


@route(bp, AT + "/<uuid:case_id>", tx=Tx.READ, who=Who.STAFF)
def kept(visit_id: UUID, case_id: UUID) -> Response:
    """The receipt to print: number and day, for the officer who wrote it down, during the visit."""
    here, found = at(visit_id, g.session)
    case = cases.own(g.session, case_id, subject_id=found.subject_id)
    if case.entered_by != here.person_id:
        raise Refused("not_found", 404)
    receipt = {"number": rights.number(case.id), "kind": case.kind, "opened_at": case.opened_at}
    shown = {**of_visit(found), "place": here.place.name(g.locale), "due_at": last_day(case.due_at), **receipt}
    return as_response(render_template("desk_rights_kept.html", **shown))


def page(
    here: Desk, found: Visit, session: Session, values: dict[str, str], *, errors: dict[str, str] | None = None
) -> Response:
    """The form; nothing of what the person asked before."""
    needed, beside = paper_cases.beside(session, g.ring, found, now=g.now)
    shown: dict[str, Any] = {
        **of_visit(found),
        "name": subjects.profile(session, g.ring, found.subject_id).name(g.locale),
        "place": here.place.name(g.locale),
        "kinds": [one.value for one in BY_PAGE],
        "days": {one.value: LIMITS[one].days for one in BY_PAGE},
        "needed": needed.value,
        "beside": [{"id": str(one.id), "kind": one.kind, "name": name_of(one.guardian_id)} for one in beside],
        "own": found.subject_id == here.person_id,
        "longest": rights.LONGEST_WORDS,
        "values": values,
    }
    return as_response(render_template("desk_rights.html", errors=errors or {}, **shown), 400 if errors else 200)
