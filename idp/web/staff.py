"""Staff sign in by passkey only, with a session and a cookie of their own (DECISIONS 4).

The first passkey is added with a code that `idp staff add` prints once. The code is posted, never part of an address.
"""

from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request

from idp import directory
from idp.login import invitations, passkeys
from idp.login import sessions as sign_ins
from idp.login.passkeys import PasskeyRefused
from idp.web import cookies, gate
from idp.web.ceremony import Ceremony, credential, device, refusal, words
from idp.web.gate import Tx, as_response, route

bp = Blueprint("staff", __name__, url_prefix="/staff")
HOME = "/audit"
DISPLAY_NAME = "Yinyom staff"


@route(bp, "/sign-in", tx=Tx.NONE)
def sign_in() -> Response:
    """The passkey, and nothing else."""
    return as_response(render_template("staff_sign_in.html", errors={}))


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
    return jsonify(passkeys.registration_options(g.session, subject_id=invited, display_name=DISPLAY_NAME, **asked))


@route(bp, "/passkey/verify", methods=("POST",), tx=Tx.WRITE, json=True)
def verify() -> Response:
    """Sign in with the passkey, or add the first one and sign in with it."""
    said = words()
    person = register(said) if said.get("purpose") == "register" else known(said)
    if isinstance(person, PasskeyRefused):
        return refusal(person.code)
    if not directory.roles_of(g.session, person, now=g.now):
        return refusal("not_staff", 403)
    settings = gate.house().settings
    token = sign_ins.start(
        g.session, subject_id=person, kind="staff", factors={"passkey"}, device=device(), settings=settings, now=g.now
    )
    cookies.put(cookies.STAFF, token)
    cookies.put(cookies.INVITATION, None)
    return jsonify(next=request.script_root + HOME)


def known(said: dict[str, object]) -> UUID | PasskeyRefused:
    """Whose passkey it is: one that was added with a code."""
    return passkeys.attempt(g.session, credential=credential(said), for_staff=True, **Ceremony.here().of_verify)


def register(said: dict[str, object]) -> UUID | PasskeyRefused:
    """Use the code up and add the passkey, both or neither."""
    invited = invitations.redeem(g.session, cookies.read(cookies.INVITATION) or "", now=g.now)
    if invited is None:
        return PasskeyRefused("enrolment")
    passkeys.register(
        g.session,
        subject_id=invited,
        credential=credential(said),
        name=str(said.get("name") or DISPLAY_NAME),
        for_staff=True,
        **Ceremony.here().of_verify,
    )
    return invited


def invited_person() -> UUID | None:
    """Whom the code in this browser invites."""
    return invitations.peek(g.session, cookies.read(cookies.INVITATION) or "", now=g.now)


@route(bp, "/", tx=Tx.NONE)
def home() -> Response:
    """To the console; the gate sends those who are not signed in to the sign-in."""
    return as_response(redirect(request.script_root + HOME, 303))
