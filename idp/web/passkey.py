"""The citizen's passkey inside the loop: sign in with it, step up with it, or add one. JSON for the page's script."""

from typing import Any

from flask import Blueprint, Response, g, jsonify

from idp import family
from idp.login import held, passkeys
from idp.login.passkeys import PasskeyRefused
from idp.prompts import Prompt
from idp.subjects import PersonSealer
from idp.web import loop
from idp.web.ceremony import Ceremony, credential, refusal, words
from idp.web.gate import Tx, route
from idp.web.login import sign_in
from idp.web.loop import Paused
from idp.web.setup import adding, done
from idp.web.steps import strengthen

bp = Blueprint("passkey", __name__, url_prefix="/interaction/<interaction_id>/passkey")
WRONG_PERSON, NOT_DUE = "other_person", 409
DISPLAY_NAME = "Yinyom"


@route(bp, "/options", methods=("POST",), tx=Tx.WRITE, json=True)
def options(interaction_id: str) -> Response:
    """What the browser's dialogue is given; at sign-in nothing in it depends on anybody."""
    asked = Ceremony.here().of_options
    if words().get("purpose") == "register":
        _, signed_in = adding(interaction_id, g.session)
        subject_id = signed_in.subject_id
        label = held.label(g.session, PersonSealer(g.ring, g.session), subject_id) or DISPLAY_NAME
        shown = passkeys.registration_options(g.session, subject_id=subject_id, display_name=label, **asked)
        return jsonify(shown)
    paused = loop.look(interaction_id)
    known = g.signed_in.subject_id if paused.prompt is Prompt.STEP_UP and g.signed_in else None
    return jsonify(passkeys.sign_in_options(g.session, subject_id=known, **asked))


@route(bp, "/verify", methods=("POST",), tx=Tx.WRITE, json=True)
def verify(interaction_id: str) -> Response:
    """What the authenticator said, and where to go next."""
    said = words()
    if said.get("purpose") == "register":
        return added(interaction_id, said)
    paused = loop.look(interaction_id)
    if paused.prompt not in (Prompt.LOGIN, Prompt.STEP_UP):
        return refusal("not_due", NOT_DUE)
    person = passkeys.attempt(g.session, credential=credential(said), **Ceremony.here().of_verify)
    if isinstance(person, PasskeyRefused):
        return refusal(person.code)
    return entered(paused, person)


def entered(paused: Paused, person: Any) -> Response:
    """Signed in, or stepped up; a step-up by somebody else's passkey is refused."""
    if paused.prompt is Prompt.LOGIN or g.signed_in is None:
        if family.is_shut_out(g.session, g.ring, person, now=g.now):
            return jsonify(next=paused.at + "/age")
        sign_in(g.session, person, "passkey")
    elif g.signed_in.subject_id != person:
        return refusal(WRONG_PERSON, 403)
    else:
        strengthen(g.session, g.signed_in, "passkey")
    return jsonify(next=paused.at)


def added(interaction_id: str, said: dict[str, Any]) -> Response:
    """Add the passkey; making it verified its user, so it counts at once."""
    paused, signed_in = adding(interaction_id, g.session)
    passkeys.register(
        g.session,
        subject_id=signed_in.subject_id,
        credential=credential(said),
        name=str(said.get("name") or ""),
        **Ceremony.here().of_verify,
    )
    done(paused, signed_in, "passkey", g.session)
    return jsonify(next=f"{paused.at}?done=passkey")
