"""Staff sign in by passkey only, with a session and a cookie of their own (DECISIONS 4), and say where they work now.

The first passkey is added with a code that `idp staff add` prints once. The code is posted, never part of an address.
A clinician whom a hospital's application sent here comes back to it by `go_on`.
"""

from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request

from idp import alerts, directory, interaction, treating
from idp.assurance import aal_of
from idp.db import Session
from idp.login import affiliations, invitations, passkeys
from idp.login import sessions as sign_ins
from idp.login.passkeys import PasskeyRefused
from idp.prompts import next_prompt
from idp.web import arrivals, cookies, gate, loop, staff_keys
from idp.web.ceremony import Ceremony, credential, device, refusal, words
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, own_path, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("staff", __name__, url_prefix="/staff")
LOG, DESK, CHOOSE, OFFICER = "/audit", "/desk", "/staff/affiliation", "/dpo"
DISPLAY_NAME = "Yinyom staff"


@route(bp, "/sign-in", tx=Tx.NONE)
def sign_in() -> Response:
    """The passkey, and nothing else."""
    wished = own_path(request.args.get("next"), default="/").removeprefix(request.script_root)
    verify_url = request.script_root + "/staff/passkey/verify"
    verify_url += "?" + urlencode({"next": wished}) if wished != "/" else ""
    return as_response(render_template("staff_sign_in.html", errors={}, verify_url=verify_url))


@route(bp, "/enrol", tx=Tx.NONE)
def enrol() -> Response:
    """First the code, then the passkey."""
    return enrol_page("code")


@route(bp, "/enrol", methods=("POST",), tx=Tx.READ)
def check_code() -> Response:
    """Look whether the code is good; it is used up only with the passkey."""
    code = request.form.get("code", "").strip()
    if invitations.peek(g.session, code, now=g.now) is None:
        return enrol_page("code", errors={"code": "enrolment"}, status=400)
    response = enrol_page("passkey")
    cookies.put(cookies.INVITATION, code, max_age=cookies.INVITATION_S)
    return response


def enrol_page(stage: str, *, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    """The page in one of its two stages."""
    page = render_template("staff_enrol.html", stage=stage, name=None, errors=errors or {}, values={})
    return as_response(page, status)


@route(bp, "/passkey/options", methods=("POST",), tx=Tx.WRITE, json=True)
def options() -> Response:
    """What the browser's passkey dialogue is given."""
    if words().get("purpose") != "register":
        return jsonify(passkeys.sign_in_options(g.session, **Ceremony.here().of_options))
    invited = invited_person()
    if invited is None:
        return refusal("enrolment")
    asked = Ceremony.here().of_options
    kind = {**asked, "display_name": DISPLAY_NAME, "for_staff": True, "attest": bool(staff_keys.roots())}
    return jsonify(passkeys.registration_options(g.session, subject_id=invited, **kind))


@route(bp, "/passkey/verify", methods=("POST",), tx=Tx.WRITE, json=True)
def verify() -> Response:
    """Sign in with the passkey, or add the first one and sign in with it."""
    said = words()
    person = register(said) if said.get("purpose") == "register" else known(said)
    if isinstance(person, PasskeyRefused):
        return refusal(person.code)
    roles, factor = directory.roles_of(g.session, person, now=g.now), passkeys.factor_of(g.session, credential(said))
    if not roles:
        return refusal("not_staff", 403)
    if not staff_keys.open_now(roles, aal_of({factor})):
        return refusal("key_needed", 403)
    settings = gate.house().settings
    token = sign_ins.start(
        g.session, subject_id=person, kind="staff", factors={factor}, device=device(), settings=settings, now=g.now
    )
    arrivals.welcome(g.session, person, sign_ins.level_of(frozenset({factor})))
    cookies.put(cookies.STAFF, token)
    cookies.put(cookies.INVITATION, None)
    first = first_page(g.session, person, cookies.hash_of(token))
    if first == CHOOSE:
        return jsonify(next=choosing(request.args.get("next")))
    return jsonify(next=own_path(request.args.get("next"), default=first))


def first_page(session: Session, person: UUID, id_hash: str) -> str:
    """Where the day begins. Whoever works in one place works there; whoever works in several is asked."""
    places = directory.affiliations_of(session, person, now=g.now)
    if not places:
        return elsewhere(session, person)
    if len(places) > 1:
        return CHOOSE
    affiliations.choose(session, id_hash, person, places[0].id, now=g.now)
    return DESK


def elsewhere(session: Session, person: UUID) -> str:
    """Where the day begins of whoever works at no facility: at the officer's desk, or with the log."""
    return OFFICER if "dpo" in directory.roles_of(session, person, now=g.now) else LOG


def choosing(back_to: str | None) -> str:
    """The address of the choice, with where to go afterwards."""
    wished = own_path(back_to, default=DESK).removeprefix(request.script_root)
    return f"{request.script_root}{CHOOSE}?{urlencode({'next': wished})}"


@route(bp, "/affiliation", tx=Tx.READ, who=Who.STAFF)
def places() -> Response:
    """Where do you work now? One at a time."""
    found = directory.affiliations_of(g.session, g.signed_in.subject_id, now=g.now)
    if not found:
        raise Refused("forbidden", 403)
    shown = [{"id": str(one.id), "name": one.name(g.locale), "hcode": one.hcode, "role": one.role} for one in found]
    active = str(g.signed_in.assignment_id or "")
    back_to = own_path(request.args.get("next"), default=DESK).removeprefix(request.script_root)
    return as_response(render_template("staff_affiliation.html", places=shown, active=active, back_to=back_to))


@route(bp, "/affiliation", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def choose() -> Response:
    """From now on this session works there."""
    chosen = uuid_or_none(request.form.get("place"))
    if chosen is None:
        raise Refused("bad_request", 400)
    affiliations.choose(g.session, g.signed_in.id_hash, g.signed_in.subject_id, chosen, now=g.now)
    return as_response(redirect(own_path(request.form.get("next"), default=DESK), 303))


@route(bp, "/continue/<interaction_id>", tx=Tx.WRITE, who=Who.STAFF)
def go_on(interaction_id: str) -> Response:
    """A clinician's paused launch: sign in, say where you work, and back to the application with code or refusal."""
    paused = loop.resume(interaction_id, kind=interaction.STAFF)
    loop.refuse_suspended(paused, g.session)
    context = gate.context()
    need = interaction.requirement(context, paused, g.signed_in)
    if next_prompt(need, interaction.facts(context, paused, g.signed_in)) is not None:
        raise gate.SignInNeeded(who=Who.STAFF)
    case = None if paused.request is None else treating.case_of(context, paused.request, g.signed_in)
    if case is not None and treating.should_choose(context, case):
        raise Elsewhere(choosing(request.path))
    done = interaction.conclude(context, paused, g.signed_in)
    g.refusal = None if done.granted else done.reason
    return as_response(redirect(done.location, 303))


def known(said: dict[str, object]) -> UUID | PasskeyRefused:
    """Whose passkey it is: one that was added with a code."""
    return passkeys.attempt(g.session, credential=credential(said), for_staff=True, **Ceremony.here().of_verify)


def register(said: dict[str, object]) -> UUID | PasskeyRefused:
    """Use the code up and add the passkey, both or neither."""
    invited = invitations.redeem(g.session, cookies.read(cookies.INVITATION) or "", now=g.now)
    if invited is None:
        return PasskeyRefused("enrolment")
    kept = passkeys.register(
        g.session,
        subject_id=invited,
        credential=credential(said),
        name=str(said.get("name") or DISPLAY_NAME),
        for_staff=True,
        **staff_keys.asked(invited),
        **Ceremony.here().of_verify,
    )
    kind = "key_added" if kept.attested else "passkey_added"
    alerts.tell(g.session, g.ring, subject_id=invited, kind=kind, now=g.now)
    return invited


def invited_person() -> UUID | None:
    """Whom the code in this browser invites."""
    return invitations.peek(g.session, cookies.read(cookies.INVITATION) or "", now=g.now)


@route(bp, "/", tx=Tx.READ, who=Who.STAFF)
def home() -> Response:
    """To the desk of whoever works at a facility, to the officer's desk or to the log of everybody else."""
    person = g.signed_in.subject_id
    working = directory.affiliations_of(g.session, person, now=g.now)
    return as_response(redirect(request.script_root + (DESK if working else elsewhere(g.session, person)), 303))
