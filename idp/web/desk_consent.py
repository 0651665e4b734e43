"""A consent on paper, entered at the counter during a visit: print the words, let the person sign, send the scan.

The person fetches their own paper again from their page about that consent; nobody at a counter can.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, make_response, redirect, render_template, request

from consent import purposes, records
from consent.errors import NotAllowed
from consent.purposes import Purpose
from idp import paper_consents, paper_scans, subjects, visits
from idp.db import Session
from idp.readings import Desk
from idp.visits import Visit
from idp.web import citizen, desk
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("desk_consent", __name__)
AT = "/desk/visits/<uuid:visit_id>/consent/<code>"
LARGEST_BODY = 500 * 1024  # werkzeug keeps a form of this size in memory
MISSING = {"signer": "required", "life": "choice", "scan": "required"}  # a refusal about a field, as the page says it


@bp.before_request
def room_for_a_scan() -> None:
    """A picture is larger than any other form of ours."""
    request.max_content_length = LARGEST_BODY


@route(bp, AT, tx=Tx.READ, who=Who.STAFF)
def sheet(visit_id: UUID, code: str) -> Response:
    """The words to print and sign, and the form that takes the scan."""
    here, found, purpose = at(visit_id, code, g.session)
    return page(here, found, purpose, g.session, {})


@route(bp, AT, methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def enter(visit_id: UUID, code: str) -> Response:
    """Write it down. A refusal has written nothing, so the page follows in the same transaction."""
    here, found, purpose = at(visit_id, code, g.session)
    upload = request.files.get("scan")
    values = {name: request.form.get(name, "") for name in ("signer", "life", "seen")}
    if not values["seen"]:
        return page(here, found, purpose, g.session, values, errors={"seen": "required"}, status=400)
    try:
        paper_consents.enter(
            g.session,
            g.ring,
            found,
            purpose,
            scan=b"" if upload is None else upload.read(),
            signer=uuid_or_none(values["signer"]),
            life=values["life"],
            desk=here,
            locale=g.locale,
            now=g.now,
        )
    except NotAllowed as refused:
        code = str(refused.code)
        errors = {code: MISSING[code]} if code in MISSING else {"form": code}
        return page(here, found, purpose, g.session, values, errors=errors, status=400)
    return as_response(redirect(f"{request.script_root}/desk/visits/{visit_id}?paper=1", 303))


@route(bp, "/me/consents/<uuid:record_id>/paper", tx=Tx.READ, who=Who.CITIZEN, aal=citizen.STRONG_AAL)
def paper(record_id: UUID) -> Response:
    """The person's own paper, as it was scanned (PDPA s.30)."""
    citizen.show_names()
    record = records.get(g.session, record_id, subject_id=g.signed_in.subject_id)
    kept = paper_scans.find(g.session, g.ring, record.id)
    if kept is None:
        raise Refused("not_found", 404)
    response = make_response(kept[1])
    response.headers["Content-Type"] = kept[0]
    response.headers["Content-Disposition"] = f'attachment; filename="consent-{str(record.id)[-6:]}"'
    return response


def at(visit_id: UUID, code: str, session: Session) -> tuple[Desk, Visit, Purpose]:
    """Who sits here, the visit of this facility, and a purpose that may be given here on paper."""
    here = desk.here(session)
    found = visits.at(session, visit_id, here.place.hcode)
    if not found.runs_at(g.now):
        raise Elsewhere(f"{request.script_root}/desk/visits/{visit_id}")
    known = {one.code: one for one in paper_consents.offered(session, here.place, now=g.now)}
    if code not in known:
        raise Refused("not_found", 404)
    return here, found, purposes.get(code)


def page(
    here: Desk,
    found: Visit,
    purpose: Purpose,
    session: Session,
    values: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The sheet with its form."""
    drawn = paper_consents.sheet(session, g.ring, found, purpose, desk=here, locale=g.locale, now=g.now)
    shown: dict[str, Any] = {
        **desk.of_visit(found),
        "code": purpose.code,
        "purpose": purpose.name.in_(g.locale),
        "per_visit": purpose.per_visit,
        "name": subjects.profile(session, g.ring, found.subject_id).name(g.locale),
        "place": here.place.name(g.locale),
        "notice": drawn.notice.lines,
        "needed": drawn.needed.value,
        "beside": [{"id": one.id, "kind": one.kind, "name": name_of(one.guardian_id, session)} for one in drawn.beside],
        "why_not": drawn.refusal,
        "values": values,
        "largest_kb": paper_scans.LARGEST // 1000,
    }
    return as_response(render_template("desk_consent.html", errors=errors or {}, **shown), status)


def name_of(person: UUID, session: Session) -> str:
    """The name of whoever stands beside the person at the counter."""
    return subjects.profile(session, g.ring, person).name(g.locale)
