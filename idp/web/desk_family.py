"""Who may act for whom, entered at the counter (R7): the officer saw the paper, a colleague looks as well and signs.

The guardian is the person of the case, whose face was compared. Nothing begins before the second signature.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request

from consent.errors import NotAllowed
from idp import desk_cases, four_eyes, guardians, subjects, visits
from idp.db import Session
from idp.desk_cases import Case
from idp.guardians import Seen, Ward
from idp.login import passkeys
from idp.login.passkeys import PasskeyRefused
from idp.national_id import NationalIdError, parse_national_id
from idp.ports import RegistryPerson, RegistryUnavailable
from idp.proofing.sources import in_person
from idp.readings import Desk
from idp.web import gate
from idp.web.ceremony import Ceremony, credential, refusal, words
from idp.web.desk_case import at
from idp.web.gate import Elsewhere, Tx, Who, as_response, route

bp = Blueprint("desk_family", __name__, url_prefix="/desk/cases/<uuid:case_id>/family")
FIELDS = ("kind", "ward", "ward_name", "paper", "reference", "order_until")
LONGEST = 80
FIELD_OF = {
    **dict.fromkeys(("kind", "of_age", "age_unknown"), "kind"),
    **dict.fromkeys(("same_person", "ward_closed", "ward_level", "unknown"), "ward"),
    "paper": "paper",
    "reference": "reference",
    "order_over": "order_until",
}


@route(bp, "", tx=Tx.WRITE, who=Who.STAFF)
def form(case_id: UUID) -> Response:
    """What is to be written down; or what was, and waits for a colleague."""
    here, found = proved(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    return page(found, here, g.session)


@route(bp, "", methods=("POST",), tx=Tx.NONE, who=Who.STAFF)
def draw_up(case_id: UUID) -> Response:
    """Write down what was seen, and ask a colleague to sign it."""
    said = {name: request.form.get(name, "").strip()[:LONGEST] for name in FIELDS}
    with gate.looking() as session:
        here, found = proved(case_id, session)
    try:
        number, seen = typed(said)
    except TypedWrongError as faulty:
        with gate.looking() as session:
            return page(found, here, session, said=said, errors=faulty.errors, status=400)
    person = of_register(number)
    ward = Ward(number, said["ward_name"], person)
    try:
        with gate.alone() as session:
            guardians.draw_up(session, g.ring, found, ward=ward, seen=seen, desk=here, now=g.now)
            four_eyes.ask(session, case_id, guardians.ACT, desk=here, now=g.now)
            desk_cases.touch(session, case_id, now=g.now, quiet_until=g.now + four_eyes.LIFETIME)
    except NotAllowed as refused:
        errors = {FIELD_OF.get(str(refused.code), "form"): str(refused.code)}
        with gate.looking() as session:
            return page(found, here, session, said=said, errors=errors, status=400)
    return as_response(redirect(f"{request.script_root}/desk/cases/{case_id}/family", 303))


@route(bp, "/verify", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, json=True)
def verify(case_id: UUID) -> Response:
    """The colleague signs what this page shows."""
    here, found = proved(case_id, g.session)
    asked = four_eyes.waiting(g.session, case_id, now=g.now)
    if asked is None or asked.act != guardians.ACT:
        return refusal("challenge", 409)
    who = passkeys.attempt(g.session, credential=credential(words()), for_staff=True, **Ceremony.here().of_verify)
    if isinstance(who, PasskeyRefused):
        return refusal(who.code)
    told = {"colleague": who, "concerned": found.subject_id, "desk": here, "now": g.now}
    why = four_eyes.attempt(g.session, asked.id, case_id=case_id, **told)
    if why is not None:
        return refusal(why, 403)
    desk_cases.touch(g.session, case_id, now=g.now)
    return jsonify(next=f"{request.script_root}/desk/cases/{case_id}/family")


@route(bp, "/confirm", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def confirm(case_id: UUID) -> Response:
    """It begins."""
    here, found = proved(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    guardians.confirm(g.session, g.ring, gate.house().settings, found, desk=here, now=g.now)
    return as_response(redirect(f"{request.script_root}/desk/cases/{case_id}/family?done=1", 303))


@route(bp, "/<any(confirm, verify):_what>", tx=Tx.NONE)
def acted(case_id: UUID, _what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}/family")


class TypedWrongError(ValueError):
    """What was typed cannot be read: field and code."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("typed")
        self.errors = errors


def typed(said: dict[str, str]) -> tuple[str, Seen]:
    """The ward's number, and what was seen. Raises: TypedWrongError with every fault at once."""
    errors: dict[str, str] = {}
    number, until = "", None
    try:
        number = parse_national_id(said["ward"])
    except NationalIdError as fault:
        errors["ward"] = fault.code
    if number and not gate.house().ports.id_policy.allows(number):
        errors["ward"] = "not_allowed"
    if not said["ward_name"]:
        errors["ward_name"] = "required"
    if not said["reference"]:
        errors["reference"] = "reference"
    if said["order_until"]:
        until = in_person.last_day(said["order_until"])
        errors |= {} if until else {"order_until": "format"}
    if said["paper"] == "court_order" and not said["order_until"]:
        errors["order_until"] = "required"
    if errors:
        raise TypedWrongError(errors)
    return number, Seen(said["kind"], said["paper"], said["reference"], until)


def of_register(number: str) -> RegistryPerson | None:
    """The register's entry of a ward without an account, asked with no transaction open."""
    with gate.looking() as session:
        if subjects.find_by_national_id(session, g.ring, number) is not None:
            return None
    try:
        return gate.house().ports.registry.look_up(number)
    except RegistryUnavailable:
        return None


def proved(case_id: UUID, session: Session) -> tuple[Desk, Case]:
    """Who sits here, and a case whose face was compared; otherwise to the step that is due."""
    here, found = at(case_id, session)
    if found.subject_id is None or not found.ial or found.due == "stopped":
        raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}")
    return here, found


def page(
    found: Case,
    here: Desk,
    session: Session,
    *,
    said: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The form, or what was written down, with name and number of the ward, to be compared with the paper."""
    drawn = guardians.waiting(session, found, desk=here, now=g.now)
    shown: dict[str, Any] = {"drawn": None, "asked": False, "ready": False}
    if drawn is not None and not errors:
        asked = four_eyes.waiting(session, found.id, now=g.now)
        shown = {
            "drawn": {
                "kind": drawn.kind,
                "paper": drawn.evidence,
                "ward": subjects.profile(session, g.ring, drawn.ward_id).name(g.locale),
                "number": visits.number_of(session, g.ring, drawn.ward_id),
                "ends_at": drawn.ends_at,
                "needed": drawn.needed,
            },
            "asked": asked is not None and asked.act == guardians.ACT,
            "ready": guardians.signed(session, found, drawn, now=g.now),
        }
    return as_response(
        render_template(
            "desk_family.html",
            case_id=found.id,
            name=found.shown.name(g.locale),
            place=here.place.name(g.locale),
            done=request.args.get("done") == "1" and drawn is None,
            values=said or {},
            errors=errors or {},
            **shown,
        ),
        status,
    )
