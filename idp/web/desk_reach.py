"""The counter's side of a person's own phone, and of a second member of staff: hand-over by QR, four eyes, recovery."""

from uuid import UUID

from flask import Blueprint, Response, g, jsonify, render_template, request
from markupsafe import Markup

from idp import counter, counter_proofing, desk_cases, four_eyes, guardians, handover, ways_in
from idp.desk_cases import Case
from idp.login import passkeys
from idp.login.passkeys import PasskeyRefused
from idp.web import desk, gate
from idp.web.ceremony import Ceremony, credential, refusal, words
from idp.web.desk_case import at, due, subject_of, to_case, waiting
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route

bp = Blueprint("desk_reach", __name__, url_prefix="/desk/cases/<uuid:case_id>")


@route(bp, "/hand-over", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def begin(case_id: UUID) -> Response:
    """A QR code for the phone in the person's hand; nothing of the person stays on this page meanwhile."""
    here, found = due(case_id, "passkey", g.session)
    if ways_in.needs_recovery(g.session, g.ring, found, desk=here, now=g.now):
        raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}")
    if ways_in.needs_colleague(g.session, g.ring, found):
        ways_in.sign(g.session, found, desk=here, now=g.now)
    token = handover.begin(g.session, case_id, subject_id=subject_of(found), desk=here, now=g.now)
    desk_cases.touch(g.session, case_id, now=g.now, quiet_until=g.now + handover.LIFETIME)
    address = f"{gate.house().settings.issuer}/hand-over/{token}"
    svg = Markup(handover.qr_svg(address))  # noqa: S704 -- drawn by segno from our own address
    shown = {"case_id": case_id, "marks": found.marks(), "svg": svg, "address": address}
    return as_response(render_template("desk_handover.html", state="new", errors={}, **shown))


@route(bp, "/confirm", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def confirm(case_id: UUID) -> Response:
    """The two digits that the clerk sees on the phone; a wrong pair ends the hand-over."""
    _, found = due(case_id, "passkey", g.session)
    typed = desk_phone_digits(request.form.get("digits", ""))
    if handover.confirm(g.session, case_id, typed, now=g.now):
        return waiting(found, "confirmed")
    desk_cases.touch(g.session, case_id, now=g.now)
    return to_case(case_id, "again")


@route(bp, "/take-back", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def take_back(case_id: UUID) -> Response:
    """The phone does not want to: back to the step."""
    at(case_id, g.session)
    handover.end(g.session, case_id, now=g.now)
    desk_cases.touch(g.session, case_id, now=g.now)
    return to_case(case_id)


@route(bp, "/ask", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def ask(case_id: UUID) -> Response:
    """Ask a colleague to sign; the page waits for their passkey."""
    here, _ = at(case_id, g.session)
    act = request.form.get("act", "")
    if act not in four_eyes.ACTS or act == guardians.ACT:
        raise Refused("bad_request", 400)
    four_eyes.ask(g.session, case_id, act, desk=here, now=g.now)
    desk_cases.touch(g.session, case_id, now=g.now, quiet_until=g.now + four_eyes.LIFETIME)
    return to_case(case_id)


@route(bp, "/passkey/options", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, json=True)
def options(case_id: UUID) -> Response:
    """What the colleague's passkey dialogue is given: nothing in it depends on anybody."""
    at(case_id, g.session)
    return jsonify(passkeys.sign_in_options(g.session, **Ceremony.here().of_options))


@route(bp, "/passkey/verify", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, json=True)
def verify(case_id: UUID) -> Response:
    """The colleague signs. Their passkey signs nobody in: the session stays its owner's."""
    here, found = at(case_id, g.session)
    asked = four_eyes.waiting(g.session, case_id, now=g.now)
    if asked is None:
        return refusal("challenge", 409)
    who = passkeys.attempt(g.session, credential=credential(words()), for_staff=True, **Ceremony.here().of_verify)
    if isinstance(who, PasskeyRefused):
        return refusal(who.code)
    known = counter_proofing.owner(g.session, g.ring, found.shown)
    told = {"colleague": who, "concerned": known.id if known else None, "desk": here, "now": g.now}
    why = four_eyes.attempt(g.session, asked.id, case_id=case_id, **told)
    if why is not None:
        return refusal(why, 403)
    desk_cases.touch(g.session, case_id, now=g.now)
    return jsonify(next=f"{request.script_root}/desk/cases/{case_id}")


@route(bp, "/recover", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def recover(case_id: UUID) -> Response:
    """Begin the recovery that two members of staff have signed (R8)."""
    here, found = at(case_id, g.session)
    settings = gate.house().settings
    ways_in.recover(g.session, g.ring, settings, found, desk=here, now=g.now)
    return to_case(case_id)


@route(bp, "/bind", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def bind(case_id: UUID) -> Response:
    """The first number of the account, which a colleague has signed for."""
    here, found = at(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    ways_in.bind_by_two(g.session, g.ring, found, desk=here, now=g.now)
    return to_case(case_id)


@route(bp, "/visit", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def visit(case_id: UUID) -> Response:
    """Open the visit of the person whom this case proved; nothing is read again."""
    here, found = at(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    level = counter_proofing.shown_now(found, desk=here, now=g.now).value
    told = {"paper": found.shown.paper, "ial": level, "desk": here, "locale": g.locale, "now": g.now}
    counter.open_for(g.session, proved(found), **told)
    return to_case(case_id)


def proved(found: Case) -> UUID:
    """Whose identity it was, once the face was compared."""
    if found.subject_id is None or not found.ial:
        raise Elsewhere(f"{request.script_root}/desk/cases/{found.id}")
    return found.subject_id


@route(bp, '/<any("hand-over", confirm, "take-back", ask, recover, bind, visit):_what>', tx=Tx.NONE)
def acted(case_id: UUID, _what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}")


def desk_phone_digits(typed: str) -> str:
    """Two ASCII digits, however they were typed; anything else matches no phone."""
    found = desk.digits(typed[: desk.LONGEST])
    return found if found.isascii() else ""
