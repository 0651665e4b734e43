"""People without a Thai card (R6): the officer reads a paper by eye and types what it says; then the face, as ever.

A passport, a card of the categories 0, 6, 7 and 8, or the hospital's own file. The facility vouches, and is named.
"""

from typing import Any

from flask import Blueprint, Response, g, render_template, request

from idp import counter_proofing
from idp.db import Session
from idp.desk_cases import Shown
from idp.proofing.sources import in_person
from idp.proofing.sources.in_person import PaperRefused
from idp.readings import Desk
from idp.web import desk, gate
from idp.web.desk_case import to_case
from idp.web.gate import Elsewhere, Tx, Who, as_response, route

bp = Blueprint("desk_paper", __name__, url_prefix="/desk/papers")
FIELDS = (
    *("paper", "number", "country", "given_name_th", "family_name_th", "given_name_en", "family_name_en"),
    *("birth_year", "birth_month", "birth_day", "gender", "expires_on"),
)
LONGEST = 80


@route(bp, "", tx=Tx.READ, who=Who.STAFF)
def form() -> Response:
    """What the paper says."""
    return page(desk.here(g.session), {}, {})


@route(bp, "", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def begin() -> Response:
    """A case begins with this paper."""
    said = {name: request.form.get(name, "").strip()[:LONGEST] for name in FIELDS}
    with gate.looking() as session:
        here = desk.here(session)
    try:
        shown = read(said, here)
    except PaperRefused as refused:
        return page(here, said, refused.faults, status=400)
    number = shown.national_id
    if number is not None and not gate.house().ports.id_policy.allows(number):
        return page(here, said, {"number": "not_allowed"}, status=400)
    with gate.alone() as session:
        why = barred(session, shown, here)
        if why is not None:
            return page(here, said, {"form": "barred"}, status=400)
        case_id = counter_proofing.begin_with_paper(session, g.ring, shown, desk=here, now=g.now)
    return to_case(case_id)


@route(bp, "/<path:_what>", tx=Tx.NONE)
def acted(_what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/papers")


def read(said: dict[str, str], here: Desk) -> Shown:
    """The paper as the officer typed it. Raises: PaperRefused with every fault at once."""
    return Shown(**in_person.typed(said, hcode=here.place.hcode, now=g.now))


def barred(session: Session, shown: Shown, here: Desk) -> str | None:
    """Why nobody can be proved by this paper here."""
    return counter_proofing.barred(session, g.ring, shown, person=None, desk=here, now=g.now)


def page(here: Desk, said: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    """The form."""
    shown = {"place": here.place.name(g.locale), "role": here.place.role, "values": said, "errors": errors}
    return as_response(render_template("desk_paper.html", **shown), status)
