"""A consent on paper, entered at the counter during a visit: print the words, let the person sign, send the scan.

The person fetches their own paper again from their page about that consent; nobody at a counter can.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from markupsafe import Markup

from consent import purposes, records
from consent.errors import NotAllowed
from consent.purposes import Purpose
from idp import paper_consents, paper_scans, receipts, scans, subjects, visits
from idp.db import Session
from idp.readings import Desk
from idp.visits import Visit
from idp.web import citizen, desk, gate, uploads
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("desk_consent", __name__)
AT = "/desk/visits/<uuid:visit_id>/consent/<code>"
LARGEST_BODY = 25_000_000  # read to its end, so that the page can say that a picture is too large; never kept
MB = 1_000_000
MISSING = {"signer": "required", "life": "choice"}  # a refusal about a field, as the page says it


@bp.before_request
def room_for_a_scan() -> None:
    """A picture is larger than any other form of ours: only who is signed in as staff may send one."""
    uploads.room_for_staff(LARGEST_BODY)


@route(bp, AT, tx=Tx.READ, who=Who.STAFF)
def sheet(visit_id: UUID, code: str) -> Response:
    """The words to print and sign, and the form that takes the scan."""
    here, found, purpose = at(visit_id, code, g.session)
    return page(here, found, purpose, g.session, {})


@route(bp, AT, methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def enter(visit_id: UUID, code: str) -> Response:
    """Look at the picture with no transaction open, then write it down. A refusal has written nothing."""
    values = {name: request.form.get(name, "") for name in ("signer", "life", "seen")}
    with gate.looking() as session:
        at(visit_id, code, session)
    content, fault = uploads.read("scan")
    errors = {} if values["seen"] else {"seen": "required"}
    try:
        scan = None if fault else scans.checked(content)
    except NotAllowed as refused:
        fault = str(refused.code)
    errors |= {"scan": fault} if fault else {}
    if errors or scan is None:
        return again(visit_id, code, values, errors)
    try:
        with gate.alone() as session:
            here, found, purpose = at(visit_id, code, session)
            paper_consents.enter(
                session,
                g.ring,
                found,
                purpose,
                scan=scan,
                signer=uuid_or_none(values["signer"]),
                life=values["life"],
                desk=here,
                locale=g.locale,
                now=g.now,
            )
    except NotAllowed as refused:
        why = str(refused.code)
        return again(visit_id, code, values, {why: MISSING[why]} if why in MISSING else {"form": why})
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


def again(visit_id: UUID, code: str, values: dict[str, str], errors: dict[str, str]) -> Response:
    """The sheet with what is wrong; what was typed is kept, the picture is chosen again."""
    with gate.looking() as session:
        return page(*at(visit_id, code, session), session, values, errors=errors, status=400)


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
    address = f"{gate.house().settings.issuer}/notices/{drawn.notice.id}/{drawn.notice.version}"
    shown: dict[str, Any] = {
        **desk.of_visit(found),
        "code": purpose.code,
        "purpose": purpose.name.in_(g.locale),
        "per_visit": purpose.per_visit,
        "name": subjects.profile(session, g.ring, found.subject_id).name(g.locale),
        "place": here.place.name(g.locale),
        "notice": drawn.notice.lines,
        "printed": {"id": drawn.notice.id, "version": drawn.notice.version, "sha256": drawn.notice.sha256},
        "address": address,
        "qr_svg": Markup(receipts.qr_svg(address)),  # noqa: S704 -- drawn by segno from our own address
        "needed": drawn.needed.value,
        "beside": [{"id": one.id, "kind": one.kind, "name": name_of(one.guardian_id, session)} for one in drawn.beside],
        "why_not": drawn.refusal,
        "values": values,
        "largest_mb": scans.LARGEST // MB,
    }
    return as_response(render_template("desk_consent.html", errors=errors or {}, **shown), status)


def name_of(person: UUID, session: Session) -> str:
    """The name of whoever stands beside the person at the counter."""
    return subjects.profile(session, g.ring, person).name(g.locale)
