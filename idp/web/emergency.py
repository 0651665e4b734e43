"""Breaking the glass, for somebody with one hand free: one page says who, why and how long; the next opens the record.

Every field works by keyboard, and nothing is asked twice. A clinician alone finds the form; what was opened is shown
to whoever opened it and to nobody else.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import emergency
from consent.audit.log import Actor
from consent.db import new_id
from consent.emergency import REASONS, Said
from consent.errors import NotAllowed
from idp import emergencies, emergency_access, subjects, visits
from idp.db import Session
from idp.desk_cases import of_card
from idp.emergencies import Named
from idp.emergency_access import EmergencyAccess
from idp.national_id import NationalIdError, age_on, mask_national_id, parse_national_id
from idp.oauth import launches
from idp.ports import CardUnreadable, RegistryPerson, RegistryUnavailable
from idp.readings import Desk
from idp.web import desk, gate
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("emergency", __name__, url_prefix="/desk/emergency")
LONGEST, LONGEST_CARD, LONGEST_WORDS = 44, 20_000, 400
FIELDS = ("emergency_reason", "emergency_words", "hours", "id")
FIELD_OF = {"reason": "emergency_reason", "words": "emergency_words"}
ENDED_BY_HAND = ("over", "answers", "wrong_person")


@dataclass(frozen=True)
class Whom:
    """A number with how it came here, and what the register or the card says of whoever has it."""

    number: str
    by: str
    person: RegistryPerson | None


@route(bp, "", tx=Tx.READ, who=Who.STAFF)
def form() -> Response:
    """Who, why, how long; and what this person has open here already."""
    return page(bedside(g.session), g.session, {"hours": str(emergency.USUAL_HOURS)})


@route(bp, "", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def begin() -> Response:
    """Break the glass."""
    values = {name: request.form.get(name, "").strip()[:LONGEST_WORDS] for name in FIELDS}
    with gate.looking() as session:
        here = bedside(session)
        closed = emergency.refusal(emergency_access.opener(session, here, now=g.now))
    hours = desk.digits(values["hours"])
    said = Said(values["emergency_reason"], values["emergency_words"], int(hours) if 0 < len(hours) < 3 else 0)  # noqa: PLR2004
    faults = {"form": closed} if closed else {FIELD_OF.get(fact, fact): code for fact, code in said.faults.items()}
    whom, errors = (None, {}) if request.form.get("unknown") else asked(here, look=not faults)
    errors |= faults
    if errors:
        return again(here, values, errors)
    emergency_id = uuid_or_none(values["id"]) or new_id()
    try:
        with gate.alone() as session:
            told = {"said": said, "patient": named(session, whom), "desk": here, "locale": g.locale, "now": g.now}
            opened = emergencies.open_access(session, g.ring, emergency_id, **told)
    except NotAllowed as refused:
        return again(here, values, {"form": str(refused.code)})
    return to(opened)


@route(bp, "/<uuid:emergency_id>", tx=Tx.READ, who=Who.STAFF)
def shown(emergency_id: UUID) -> Response:
    """One emergency: until when, who, the applications that open the record, its end."""
    here = bedside(g.session)
    return opened_page(here, emergency_access.own(g.session, emergency_id, desk=here), g.session)


@route(bp, "/<uuid:emergency_id>/patient", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def patient(emergency_id: UUID) -> Response:
    """Now somebody knows who it is."""
    with gate.looking() as session:
        here = bedside(session)
        found = emergency_access.own(session, emergency_id, desk=here)
        running = found.runs_at(g.now)
    whom, errors = asked(here)
    if not running:
        return to(emergency_id)
    try:
        with gate.alone() as session:
            who = named(session, whom)
            if who is not None:
                told = {"patient": who, "desk": here, "locale": g.locale, "now": g.now}
                emergencies.name(session, g.ring, emergency_id, **told)
    except NotAllowed as refused:
        errors = {"form": str(refused.code)}
    if not errors:
        return to(emergency_id)
    with gate.looking() as session:
        found = emergency_access.own(session, emergency_id, desk=here)
        return opened_page(here, found, session, errors=errors, status=400)


@route(bp, "/<uuid:emergency_id>/launch", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def launch(emergency_id: UUID) -> Response:
    """Open the hospital's own application in this emergency (SMART App Launch 2.2, EHR launch)."""
    here = bedside(g.session)
    found = emergency_access.own(g.session, emergency_id, desk=here)
    if not found.runs_at(g.now) or found.patient_id is None:
        raise Elsewhere(f"{request.script_root}/desk/emergency/{emergency_id}")
    app = request.form.get("app", "")
    url = launches.begin(
        g.session,
        app,
        legal_entity_id=here.place.legal_entity_id,
        emergency_id=found.id,
        made_for=here.person_id,
        issuer=gate.house().settings.issuer,
        now=g.now,
    )
    apps = launches.apps_of(g.session, found.recipient_id, in_emergency=True)
    name = next(one.name(g.locale) for one in apps if one.client_id == app)
    return as_response(render_template("continue.html", redirect_url=url, service={"name": name}))


@route(bp, "/<uuid:emergency_id>/end", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def end(emergency_id: UUID) -> Response:
    """It is over, the patient can answer, or it was somebody else."""
    here, why = bedside(g.session), request.form.get("why", "")
    found = emergency_access.own(g.session, emergency_id, desk=here)
    if why not in ENDED_BY_HAND:
        raise Refused("bad_request", 400)
    actor = Actor.staff(here.person_id)
    emergencies.end(g.session, found, actor=actor, codes=here.codes, reason=why, now=g.now)
    return to(emergency_id)


@route(bp, "/<uuid:emergency_id>/<any(patient, launch, end):_what>", tx=Tx.NONE)
def acted(emergency_id: UUID, _what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/emergency/{emergency_id}")


# --- what the pages share -----------------------------------------------------------------------------------------


def bedside(session: Session) -> Desk:
    """Who is here: somebody who works as a practitioner in this session."""
    here = desk.here(session)
    if here.place.role != "practitioner":
        raise Refused("forbidden", 403)
    return here


def asked(here: Desk, *, look: bool = True) -> tuple[Whom | None, dict[str, str]]:
    """Whom the form names, by card or number; or what is wrong with it. No transaction is open meanwhile.

    Without `look` nobody is looked for: whether a number is somebody's is told only where an entry tells of it.
    """
    typed = request.form.get("patient_card", "").strip()[:LONGEST]
    slot = request.form.get("slot", "").strip()[:LONGEST_CARD]
    if not typed and not slot:
        return None, {"patient_card": "required"}
    try:
        card = (
            None
            if typed
            else gate.house().ports.cards.read(slot, session_hash=here.session_hash, hcode=here.place.hcode)
        )
        number = parse_national_id(typed if card is None else card.national_id)
    except (CardUnreadable, NationalIdError):
        return None, {"patient_card": "number" if typed else "unreadable"}
    if not gate.house().ports.id_policy.allows(number):
        return None, {"patient_card": "not_allowed"}
    if not look:
        return None, {}
    by_card = None if card is None else of_card(card).person()
    person = of_register(number)
    found = Whom(number, "number" if card is None else "card", person or by_card)
    if person is None and by_card is None and not known(number):
        with gate.alone() as session:
            emergencies.note_unfound(session, g.ring, desk=here, aal=here.aal.acr, now=g.now)
        return None, {"patient_card": "unknown"}
    return found, {}


def of_register(number: str) -> RegistryPerson | None:
    """The register's entry of somebody without an account."""
    if known(number):
        return None
    try:
        return gate.house().ports.registry.look_up(number)
    except RegistryUnavailable:  # the card has to do
        return None


def known(number: str) -> bool:
    """Whether somebody has an account by this number."""
    with gate.looking() as session:
        return subjects.find_by_national_id(session, g.ring, number) is not None


def named(session: Session, whom: Whom | None) -> Named | None:
    """The account of whoever that is; one is made where there is none."""
    if whom is None:
        return None
    return emergencies.patient_of(session, g.ring, whom.number, whom.person, by=whom.by, now=g.now)


def to(emergency_id: UUID) -> Response:
    """303 to the emergency."""
    return as_response(redirect(f"{request.script_root}/desk/emergency/{emergency_id}", 303))


def again(here: Desk, values: dict[str, str], errors: dict[str, str]) -> Response:
    """The form, with what was typed and what is missing."""
    with gate.looking() as session:
        return page(here, session, values, errors=errors, status=400)


def reader() -> dict[str, Any]:
    """What the card fields need, with what was typed or chosen before."""
    cards = gate.house().ports.cards
    slots = [{"key": one.key, "label": one.label_en if g.locale == "en" else one.label_th} for one in cards.slots()]
    before = {"typed": request.form.get("patient_card", "").strip()[:LONGEST], "chosen": request.form.get("slot", "")}
    return {"slots": slots, "agent_url": getattr(cards, "agent_url", None), **before}


def row(one: EmergencyAccess, session: Session) -> dict[str, Any]:
    """One that runs; two of the same reason are told apart by the end of the number."""
    number = None if one.patient_id is None else visits.number_of(session, g.ring, one.patient_id)
    masked = None if number is None else mask_national_id(number)
    return {"id": one.id, "reason": one.reason, "ends_at": one.ends_at, "masked_id": masked}


def page(
    here: Desk, session: Session, values: dict[str, str], *, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """The form; or why it is not open to this person here."""
    why_not = emergency.refusal(emergency_access.opener(session, here, now=g.now))
    running = emergency_access.running_of(session, here, now=g.now)
    told: dict[str, Any] = {"place": here.place.name(g.locale), "role": here.place.role, "why_not": why_not}
    told |= {"values": values, "reasons": REASONS, "key": values.get("id") or str(new_id()), **reader()}
    told |= {"running": [row(one, session) for one in running]}
    return as_response(render_template("desk_emergency.html", errors=errors or {}, **told), status)


def opened_page(
    here: Desk, found: EmergencyAccess, session: Session, *, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """One emergency. When it is over it tells its place no longer whose it was."""
    running = found.runs_at(g.now)
    told: dict[str, Any] = {"place": here.place.name(g.locale), "emergency_id": found.id, "running": running}
    told |= {"reason": found.reason, "opened_at": found.opened_at, "ends_at": found.ended_at or found.ends_at}
    told |= {"named": found.patient_id is not None, "due_at": found.review_due_at, **reader()}
    told |= {"end_reason": found.end_reason, "reviewed": emergency_access.review_of(session, found.id) is not None}
    if running and found.patient_id is not None:
        number = visits.number_of(session, g.ring, found.patient_id)
        profile = subjects.profile(session, g.ring, found.patient_id)
        told |= {"name": profile.name(g.locale), "age": age_on(profile.birth_date, g.now)}
        told |= {"gender": profile.gender, "masked_id": mask_national_id(number)}
        apps = launches.apps_of(session, here.place.legal_entity_id, in_emergency=True)
        told["apps"] = [{"id": app.client_id, "name": app.name(g.locale)} for app in apps]
    return as_response(render_template("desk_emergency_open.html", errors=errors or {}, **told), status)
