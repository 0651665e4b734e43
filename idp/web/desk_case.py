"""The counter's way from a card to a slip: issuer, face, phone in hand, passkey; each step by Enter, none with a mouse.

A case belongs to the session that opened it and is gone after a minute without a key press. Nobody sees health data.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request

from idp import (
    counter,
    counter_proofing,
    desk_cases,
    desk_phone,
    four_eyes,
    guardians,
    handover,
    readings,
    subjects,
    visits,
    ways_in,
)
from idp.abuse import staff
from idp.assurance import Ial
from idp.contact.limits import Limited
from idp.db import Session
from idp.desk_cases import Case
from idp.ports import RegistryPerson, RegistryUnavailable
from idp.readings import Desk
from idp.web import desk, gate
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route

bp = Blueprint("desk_case", __name__, url_prefix="/desk")
FACES = ("match", "no_match", "colleague")
SKIPPED = {"reach": ("none", "kept"), "passkey": ("later",)}
WAITS_FOR_PHONE = ("new", "taken", "confirmed")


@route(bp, "/cards/<uuid:reading_id>/prove", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def prove(reading_id: UUID) -> Response:
    """Go on with the card: its issuer is asked, with no transaction open, and a case begins."""
    person = desk.of_register(reading_id)
    with gate.looking() as session:
        found = readings.look(session, g.ring, reading_id, desk=desk.here(session), person=person, now=g.now)
    if found.refusal in counter_proofing.NO_WAY:
        raise Elsewhere(f"{request.script_root}/desk/cards/{reading_id}")
    said = counter_proofing.ask_issuer(gate.house().ports.card_status, found.card)
    with gate.alone() as session:
        told = {"person": person, "desk": desk.here(session), "issuer_said": said, "now": g.now}
        case_id = counter_proofing.begin_with_card(session, g.ring, reading_id, **told)
    return to_case(case_id)


@route(bp, "/cases/<uuid:case_id>", tx=Tx.WRITE, who=Who.STAFF)
def case(case_id: UUID) -> Response:
    """The step that is due."""
    here, found = at(case_id, g.session)
    handed = handover.of_case(g.session, case_id, now=g.now)
    if handed is not None and handed.state in WAITS_FOR_PHONE:  # nothing of the person is on this page
        return waiting(found, handed.state)
    desk_cases.touch(g.session, case_id, now=g.now)
    return page(found, here, g.session)


@route(bp, "/cases/<uuid:case_id>/awake", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, json=True)
def awake(case_id: UUID) -> Response:
    """Somebody presses keys on this page: its minute starts anew."""
    at(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    return jsonify(awake=True)


@route(bp, "/cases/<uuid:case_id>/face", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def face(case_id: UUID) -> Response:
    """It is the person, or it is not."""
    result = request.form.get("face", "")
    if result not in FACES:
        raise Refused("bad_request", 400)
    with gate.looking() as session:
        here, found = at(case_id, session)
    person = of_register(found)
    with gate.alone() as session:
        counter_proofing.compare(
            session, g.ring, gate.house().settings, found, result=result, person=person, desk=here, now=g.now
        )
    return to_case(case_id)


@route(bp, "/cases/<uuid:case_id>/phone", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def phone(case_id: UUID) -> Response:
    """Send a code to the number of the account, or to the one that the person says."""
    here, found = due(case_id, "reach", g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    typed = request.form.get("phone", "").strip()[: desk.LONGEST]
    known = desk_phone.of_record(g.session, g.ring, subject_of(found))
    number = desk_phone.mobile(typed) if typed else known
    if not number:
        return page(found, here, g.session, errors={"phone": "format" if typed else "required"}, status=400)
    if number != known and number == desk_phone.of_record(g.session, g.ring, here.person_id):
        return page(found, here, g.session, errors={"phone": "own"}, status=400)
    if not staff.may(g.session, g.ring, here.person_id, "sms", now=g.now):
        return page(found, here, g.session, errors={"phone": "staff_limited"}, status=429)
    fixed = gate.house().settings.sandbox_fixed_code
    told = {"subject_id": subject_of(found), "desk": here, "locale": g.locale, "fixed_code": fixed}
    sent = desk_phone.send(g.session, g.ring, case_id, number, **told, now=g.now)
    if isinstance(sent, Limited):
        return page(found, here, g.session, errors={"phone": "limited"}, status=429)
    return to_case(case_id)


@route(bp, "/cases/<uuid:case_id>/code", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def code(case_id: UUID) -> Response:
    """The code that came to the phone; a wrong one costs a try, kept first."""
    typed = request.form.get("code", "")[: desk.LONGEST]
    with gate.looking() as session:
        due(case_id, "reach", session)
    with gate.alone() as session:
        desk_cases.touch(session, case_id, now=g.now)
        check, number = desk_phone.guess(session, g.ring, case_id, typed, now=g.now)
    with gate.alone() as session:
        here, found = due(case_id, "reach", session)
        if check.outcome != "right":
            return page(found, here, session, errors={"code": check.outcome}, status=400)
        bound = ways_in.bind_phone(session, g.ring, found, number, desk=here, now=g.now)
    return to_case(case_id, "recovery" if bound == "recovery" else "")


@route(bp, "/cases/<uuid:case_id>/skip", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def skip(case_id: UUID) -> Response:
    """The person has no phone with them, keeps the one that is known, or sets up a passkey another time."""
    _, found = at(case_id, g.session)
    step, result = request.form.get("step", ""), request.form.get("result", "")
    if result not in SKIPPED.get(step, ()):
        raise Refused("bad_request", 400)
    if found.due == step:
        handover.end(g.session, case_id, now=g.now)
        desk_cases.settle(g.session, case_id, step, result, now=g.now)
    return to_case(case_id)


@route(bp, "/cases/<uuid:case_id>/slip", tx=Tx.WRITE, who=Who.STAFF)
def slip(case_id: UUID) -> Response:
    """What was proved and set up, on paper for the person to take home. It names nobody."""
    here, found = at(case_id, g.session)
    if not found.ial:
        raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}")
    desk_cases.touch(g.session, case_id, now=g.now)
    subject = subjects.get(g.session, subject_of(found))
    shown = {"ial": found.ial, "until": subject.ial_expires_at, "reach": found.reach, "passkey": found.passkey}
    shown |= {"waits_until": ways_in.waits_until(g.session, found)}
    place = here.place.name(g.locale)
    return as_response(render_template("desk_proof.html", case_id=case_id, place=place, at_time=g.now, **shown))


@route(bp, "/cases/<uuid:case_id>/close", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def close(case_id: UUID) -> Response:
    """The person leaves."""
    at(case_id, g.session)
    handover.end(g.session, case_id, now=g.now)
    desk_cases.close(g.session, case_id, now=g.now)
    return as_response(redirect(request.script_root + "/desk", 303))


@route(bp, "/cases/<uuid:case_id>/<any(face, phone, code, skip, close, awake):_what>", tx=Tx.NONE)
def acted(case_id: UUID, _what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}")


# --- what the pages of a case share -------------------------------------------------------------------------------


def at(case_id: UUID, session: Session) -> tuple[Desk, Case]:
    """Who sits here, and the case of this session."""
    here = desk.here(session)
    return here, desk_cases.look(session, g.ring, case_id, desk=here, now=g.now)


def due(case_id: UUID, step: str, session: Session) -> tuple[Desk, Case]:
    """The same, if this step is due and the face was compared; otherwise to the step that is."""
    here, found = at(case_id, session)
    if found.due != step or found.subject_id is None or not ways_in.may_sign_in(found, now=g.now):
        raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}")
    return here, found


def subject_of(found: Case) -> UUID:
    """The account that the face proved."""
    if found.subject_id is None:
        raise Refused("bad_request", 400, detail="order")
    return found.subject_id


def of_register(found: Case) -> RegistryPerson | None:
    """The register's entry of a holder without an account, asked with no transaction open."""
    number = found.shown.national_id
    with gate.looking() as session:
        if number is None or counter_proofing.owner(session, g.ring, found.shown) is not None:
            return None
    try:
        return gate.house().ports.registry.look_up(number)
    except RegistryUnavailable:  # the account is made from what was shown
        return None


def to_case(case_id: UUID, word: str = "") -> Response:
    """303 to the step that is due."""
    query = f"?need={word}" if word else ""
    return as_response(redirect(f"{request.script_root}/desk/cases/{case_id}{query}", 303))


def waiting(found: Case, state: str) -> Response:
    """The person is at work on their own phone: this page asks every few seconds how far they are."""
    shown: dict[str, Any] = {"case_id": found.id, "marks": found.marks(), "svg": None, "errors": {}}
    response = as_response(render_template("desk_handover.html", state=state, **shown))
    if state != "taken":  # nobody is typing here
        response.headers["Refresh"] = "4"
    return response


def page(
    found: Case, here: Desk, session: Session, *, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """One step of a case."""
    age = subjects.age_on(found.shown.birth_date, g.now)
    shown: dict[str, Any] = {
        "case_id": found.id,
        "due": found.due,
        "marks": found.marks("" if not found.ial or ways_in.may_sign_in(found, now=g.now) else "slip"),
        "chip": found.chip,
        "ial": found.ial,
        "paper": found.shown.paper,
        "number": found.shown.number,
        "thirteen": found.shown.national_id is not None,
        "name": found.shown.name(g.locale),
        "photo": found.shown.photo if found.due == "face" else "",
        "age": age,
        "grown": ways_in.may_sign_in(found, now=g.now),
        "place": here.place.name(g.locale),
        "again": request.args.get("need") == "again",
        **signatures(found, here, session),
        **reachable(found, here, session),
    }
    if found.due == "slip" or (found.ial and not shown["grown"]):
        shown |= visiting(found, here, session)
    return as_response(render_template("desk_case.html", errors=errors or {}, **shown), status)


def visiting(found: Case, here: Desk, session: Session) -> dict[str, Any]:
    """The visit that is open here, or the notice that is read out before one is opened."""
    running = visits.running_of(session, subject_of(found), here.place.hcode, now=g.now)
    level = counter_proofing.shown_now(found, desk=here, now=g.now)
    if running is not None or level < Ial(readings.CARD_IAL):
        return {"visit_id": running, "notice": None}
    notice = counter.told(session, recipient_name=desk.recipient_name(here, session), locale=g.locale)
    return {"visit_id": None, "notice": notice.lines}


def signatures(found: Case, here: Desk, session: Session) -> dict[str, Any]:
    """What a colleague has to sign, has been asked to, and has signed; and what their name then stands for."""
    asked = four_eyes.waiting(session, found.id, now=g.now)
    since = dict.fromkeys(("recovery", ways_in.ACT), desk_phone.answered_at(session, found.id, now=g.now))
    ready = {act: four_eyes.signed(session, found.id, act, now=g.now, since=since.get(act)) for act in four_eyes.ACTS}
    told: dict[str, Any] = {"needs": counter_proofing.needs_colleague(found), "asked": None, "ready": ready}
    if asked is None or asked.act == guardians.ACT:  # that one has a page of its own
        return told
    asker = subjects.profile(session, g.ring, asked.asked_by).name(g.locale)
    level = counter_proofing.shown_now(found, desk=here, now=g.now).value
    return told | {"asked": asked.act, "asked_by": asker, "level": level}


def reachable(found: Case, here: Desk, session: Session) -> dict[str, Any]:
    """The phone and the ways to sign in that the account has; after the face alone."""
    if found.subject_id is None:
        held = counter_proofing.owner(session, g.ring, found.shown)
        name = None if held is None else subjects.profile(session, g.ring, held.id).name_th
        renamed = name not in (None, found.shown.name("th")) and found.shown.paper == "card"
        unknown = {"known_phone": "", "sent": None, "has_ways": False, "other_phone": "", "by_two": False}
        return unknown | {"renamed": renamed}
    known = desk_phone.of_record(session, g.ring, found.subject_id)
    return {
        "known_phone": known[-3:],
        "sent": desk_phone.newest(session, g.ring, found.id, now=g.now),
        "has_ways": ways_in.needs_recovery(session, g.ring, found, desk=here, now=g.now),
        "other_phone": ways_in.other_number(session, g.ring, found, now=g.now)[-3:],
        "by_two": ways_in.needs_colleague(session, g.ring, found),
        "renamed": False,
        "waits_until": ways_in.waits_until(session, found),
    }
