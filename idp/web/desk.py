"""The counter: a card in the reader, the notice that is told, a visit that opens and ends. No health data, ever.

A number that somebody types opens nothing: it leads only to a visit that is open here already.
"""

import unicodedata
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request
from markupsafe import Markup

from consent.audit.log import Actor
from consent.emergency import OWN_FACILITY
from idp import card_agents, counter, desk_cases, directory, handover, paper_consents, readings, subjects, visits
from idp.abuse import staff as limits
from idp.counter_withdrawals import ended_in
from idp.db import Session
from idp.login import affiliations
from idp.national_id import NationalIdError, parse_national_id
from idp.oauth import launches
from idp.ports import CardUnreadable, RegistryPerson, RegistryUnavailable
from idp.proofing import steps
from idp.readings import Desk, Read
from idp.visits import Visit
from idp.web import gate, staff
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("desk", __name__, url_prefix="/desk")
OF_AGE = 20  # Civil and Commercial Code s.19: below, a parent or guardian is told as well
LONGEST = 44
LONGEST_CARD = 20_000  # what an agent signed, with a small photo
BARCODE = "visit-"  # what the slip's QR code says to a scanner, before the visit's id


@route(bp, "", tx=Tx.READ, who=Who.STAFF)
def home() -> Response:
    """One field, and the visits that are open here."""
    return page(here(g.session), g.session)


@route(bp, "/read", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def read() -> Response:
    """What the reader holds, or a number that was typed."""
    with gate.looking() as session:
        desk = here(session)
    typed = request.form.get("card", "").strip()[:LONGEST]
    slot = request.form.get("slot", "").strip()[:LONGEST_CARD]
    if typed.lower().startswith(BARCODE):
        return scanned(desk, typed[len(BARCODE) :])
    if typed:
        return typed_number(desk, typed)
    house = gate.house()
    try:
        card = house.ports.cards.read(slot, session_hash=desk.session_hash, hcode=desk.place.hcode)
        allowed = house.ports.id_policy.allows(parse_national_id(card.national_id))
    except (CardUnreadable, NationalIdError):
        allowed = False
    if not allowed:
        return again(desk, "unreadable" if slot else "required")
    with gate.alone() as session:
        reading_id = readings.keep(session, g.ring, card, desk=desk, now=g.now)
    return as_response(redirect(f"{request.script_root}/desk/cards/{reading_id}", 303))


@route(bp, "/nonce", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, json=True)
def nonce() -> Response:
    """A number that the card agent signs with the card, once."""
    desk = here(g.session)
    if not limits.may(g.session, g.ring, desk.person_id, "nonce", now=g.now):
        return as_response(jsonify(error="limited"), 429)
    asked = {"session_hash": desk.session_hash, "hcode": desk.place.hcode, "now": g.now}
    return jsonify(nonce=card_agents.ask(g.session, **asked))


@route(bp, "/read", tx=Tx.NONE)
def unread() -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(request.script_root + "/desk")


def typed_number(desk: Desk, typed: str) -> Response:
    """To the visit that is open here; otherwise the same kind words for every number."""
    try:
        number = parse_national_id(typed)
    except NationalIdError:
        return again(desk, "number")
    with gate.looking() as session:
        known = subjects.find_by_national_id(session, g.ring, number)
        found = known and visits.running_of(session, known.id, desk.place.hcode, now=g.now)
    if not found:
        return again(desk, "typed")
    return as_response(redirect(f"{request.script_root}/desk/visits/{found}", 303))


def scanned(desk: Desk, code: str) -> Response:
    """To the visit whose slip was scanned: one of this facility, or the same words as for any number."""
    with gate.looking() as session:
        found = visits.find_at(session, uuid_or_none(code), desk.place.hcode)
    if found is None:
        return again(desk, "typed")
    return as_response(redirect(f"{request.script_root}/desk/visits/{found}", 303))


def digits(typed: str) -> str:
    """Digits of any script as ASCII, without what separates them."""
    return "".join(str(unicodedata.decimal(sign, "")) for sign in typed)


def again(desk: Desk, fault: str) -> Response:
    """The desk with what is to be done."""
    with gate.looking() as session:
        return page(desk, session, errors={"card": fault}, status=400)


@route(bp, "/cards/<uuid:reading_id>", tx=Tx.NONE, who=Who.STAFF)
def card(reading_id: UUID) -> Response:
    """Who the card says it is, and the notice as it is told."""
    person = of_register(reading_id)
    with gate.alone() as session:
        readings.touch(session, reading_id, desk=here(session), now=g.now)
    with gate.looking() as session:
        desk = here(session)
        found = readings.look(session, g.ring, reading_id, desk=desk, person=person, now=g.now)
        notice = counter.told(session, recipient_name=recipient_name(desk, session), locale=g.locale)
    shown: dict[str, Any] = {"marks": steps.marks(desk_cases.RECIPE, {"card"}, now="chip")}
    shown |= {**holder(found), "refusal": found.refusal, "visit_id": found.visit_id, "notice": notice.lines}
    return as_response(render_template("desk_card.html", place=desk.place.name(g.locale), **shown))


@route(bp, "/cards/<uuid:reading_id>/open", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def open_visit(reading_id: UUID) -> Response:
    """Open the visit; a second press gives the same one."""
    person = of_register(reading_id)
    with gate.alone() as session:
        desk = here(session)
        found = readings.look(session, g.ring, reading_id, desk=desk, person=person, now=g.now)
        if found.refusal is not None:
            raise Elsewhere(f"{request.script_root}/desk/cards/{reading_id}")
        visit_id = counter.open_visit(session, g.ring, reading_id, person=person, desk=desk, locale=g.locale, now=g.now)
    return as_response(redirect(f"{request.script_root}/desk/visits/{visit_id}", 303))


@route(bp, "/cards/<uuid:reading_id>/open", tx=Tx.NONE)
def reopened(reading_id: UUID) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/cards/{reading_id}")


@route(bp, "/visits/<uuid:visit_id>", tx=Tx.READ, who=Who.STAFF)
def visit(visit_id: UUID) -> Response:
    """One visit: until when, the slip, its end; for a clinician, the applications that open the record."""
    desk = here(g.session)
    found = visits.at(g.session, visit_id, desk.place.hcode)
    practises = desk.place.role == "practitioner"
    apps = launches.apps_of(g.session, desk.place.legal_entity_id) if practises and found.runs_at(g.now) else []
    who = {}
    if found.runs_at(g.now):  # a visit that is over tells its place no longer whose it was
        who = {
            "number": visits.number_of(g.session, g.ring, found.subject_id),
            "name": subjects.profile(g.session, g.ring, found.subject_id).name(g.locale),
            "papers": [
                {"code": one.code, "name": one.name.in_(g.locale)}
                for one in paper_consents.offered(g.session, desk.place, now=g.now)
            ],
        }
    return as_response(
        render_template(
            "desk_visit.html",
            **of_visit(found),
            **who,
            apps=[{"id": app.client_id, "name": app.name(g.locale)} for app in apps],
            practises=practises,
            own=found.subject_id == desk.person_id,
            kept="paper" in request.args,
            place=desk.place.name(g.locale),
        )
    )


@route(bp, "/visits/<uuid:visit_id>/slip", tx=Tx.READ, who=Who.STAFF)
def slip(visit_id: UUID) -> Response:
    """The notice on paper, for the person to take home. It names nobody."""
    desk = here(g.session)
    found = visits.at(g.session, visit_id, desk.place.hcode)
    notice = counter.told(g.session, recipient_name=recipient_name(desk, g.session), locale=g.locale)
    svg = Markup(handover.qr_svg(f"{BARCODE}{visit_id}"))  # noqa: S704 -- drawn by segno from our own id
    shown = {**of_visit(found), "notice": notice.lines, "place": desk.place.name(g.locale), "svg": svg}
    told = {"officer": desk.person_id, "locale": g.locale, "now": g.now}
    shown["taken"] = ended_in(g.session, found, **told)
    return as_response(render_template("desk_slip.html", **shown))


@route(bp, "/visits/<uuid:visit_id>/end", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def end(visit_id: UUID) -> Response:
    """It is over, and so is what clinicians could open by it."""
    desk = here(g.session)
    found = visits.at(g.session, visit_id, desk.place.hcode)
    actor = Actor.staff(desk.person_id)
    counter.end_visit(g.session, found, actor=actor, reason="ended", codes=desk.codes, now=g.now)
    return as_response(redirect(f"{request.script_root}/desk/visits/{visit_id}", 303))


@route(bp, "/visits/<uuid:visit_id>/launch", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def launch(visit_id: UUID) -> Response:
    """Open the hospital's own application for this visit (SMART App Launch 2.2, EHR launch)."""
    desk = here(g.session)
    found = visits.at(g.session, visit_id, desk.place.hcode)
    if desk.place.role != "practitioner" or not found.runs_at(g.now) or found.subject_id == desk.person_id:
        raise Elsewhere(f"{request.script_root}/desk/visits/{visit_id}")
    app = request.form.get("app", "")
    url = launches.begin(
        g.session,
        app,
        legal_entity_id=desk.place.legal_entity_id,
        visit_id=found.id,
        made_for=desk.person_id,
        issuer=gate.house().settings.issuer,
        now=g.now,
    )
    name = next(one.name(g.locale) for one in launches.apps_of(g.session, found.recipient_id) if one.client_id == app)
    return as_response(render_template("continue.html", redirect_url=url, service={"name": name}))


@route(bp, "/visits/<uuid:visit_id>/<any(end, launch):_what>", tx=Tx.NONE)
def acted(visit_id: UUID, _what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/visits/{visit_id}")


# --- what the pages share -----------------------------------------------------------------------------------------


def here(session: Session) -> Desk:
    """Who sits here, with one active affiliation; without one, to the page that asks for it."""
    place = affiliations.active(session, g.signed_in, now=g.now)
    if place is None:
        raise Elsewhere(staff.choosing(request.path if request.method == "GET" else "/desk"))
    if place.role == OWN_FACILITY:  # a head has a queue, and no counter
        raise Elsewhere(request.script_root + "/staff/emergencies")
    if place.role not in readings.AT_A_DESK:
        raise Refused("forbidden", 403)
    return Desk(g.signed_in.subject_id, g.signed_in.id_hash, g.signed_in.aal, place)


def of_register(reading_id: UUID) -> RegistryPerson | None:
    """The register's entry of a holder who has no account yet, asked with no transaction open."""
    with gate.looking() as session:
        found = readings.look(session, g.ring, reading_id, desk=here(session), now=g.now)
    if found.has_account:
        return None
    try:
        return gate.house().ports.registry.look_up(found.card.national_id)
    except RegistryUnavailable:  # care goes on: the account is made from the card
        return None


def recipient_name(desk: Desk, session: Session) -> str:
    """Whom the notice names: the legal entity, in the language of the page."""
    return directory.recipient_of(session, desk.place.legal_entity_id, now=g.now).name(g.locale)


def holder(found: Read) -> dict[str, Any]:
    """What the card says, for the page."""
    age = subjects.age_on(found.card.birth_date, g.now)
    return {
        "reading_id": found.id,
        "number": found.card.national_id,
        "name": found.card.name(g.locale),
        "age": age,
        "minor": age is not None and age < OF_AGE,
        "has_account": found.has_account,
    }


def of_visit(found: Visit) -> dict[str, Any]:
    """One visit, for the page."""
    return {
        "visit_id": found.id,
        "short": str(found.id)[-6:].upper(),
        "opened_at": found.opened_at,
        "ends_at": found.ends_at,
        "ended_at": found.ended_at,
        "running": found.runs_at(g.now),
    }


def page(desk: Desk, session: Session, *, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    """The desk."""
    slots = [
        {"key": one.key, "label": one.label_en if g.locale == "en" else one.label_th}
        for one in gate.house().ports.cards.slots()
    ]
    listed = visits.running(session, g.ring, desk.place.hcode, now=g.now)
    shown: dict[str, Any] = {"place": desk.place.name(g.locale), "role": desk.place.role}
    shown |= {"slots": slots, "visits": listed}
    shown |= {"agent_url": getattr(gate.house().ports.cards, "agent_url", None), "wiped": "idle" in request.args}
    return as_response(render_template("desk.html", errors=errors or {}, **shown), status)
