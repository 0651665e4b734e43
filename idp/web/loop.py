"""The paused request behind /interaction/<id>: what it still needs, and the page that is due.

A page never knows what comes next: it posts, and comes back to the loop. A step that is opened out of turn goes back
there too, so that reloading and going back never end in nothing.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Response, g, redirect, render_template, request

from consent.errors import NotFound
from idp import interaction
from idp.db import Session
from idp.interaction import Interaction
from idp.login.sessions import SignedIn
from idp.oauth import clients, grants
from idp.oauth.errors import PageError
from idp.oauth.pipeline import Context
from idp.prompts import Facts, Prompt, Requirement, next_prompt
from idp.web import cookies, gate, shapes
from idp.web.gate import Elsewhere, Refused, as_response

STEPS = {
    Prompt.LOGIN: "login",
    Prompt.STEP_UP: "step-up",
    Prompt.FOR_WHOM: "for",
    Prompt.PROOFING: "proofing",
    Prompt.CONSENT: "consent",
}
FINISHED_FACTORS = ("pin", "totp", "passkey")
SECURITY = "/me/security"


@dataclass(frozen=True)
class Paused:
    """One paused request, as this browser sees it now."""

    interaction: Interaction
    need: Requirement
    facts: Facts
    prompt: Prompt | None
    at: str

    @property
    def for_service(self) -> bool:
        """Whether a service waits for the answer; otherwise the person came by themselves."""
        return self.interaction.request is not None


def at(interaction_id: str) -> str:
    """Address of the loop. The id may be anything that somebody put into an address, a line feed included."""
    return f"{request.script_root}/interaction/{quote(interaction_id, safe='')}"


def resume(interaction_id: str, session: Session | None = None, *, kind: str | None = None) -> Interaction:
    """The paused request of this browser. A finished one gives its answer again: a double tap changes nothing.

    A clinician's launch is none of the citizen's loop, and the reverse.
    """
    own = session or g.session
    try:
        found = interaction.resume(own, g.ring, interaction_id, browser=cookies.browser(), now=g.now)
    except NotFound as error:
        raise Refused("expired", 404, detail="interaction") from error
    if (found.kind == interaction.STAFF) != (kind == interaction.STAFF):
        raise Refused("expired", 404, detail="interaction")
    if found.answer is not None and kind == interaction.STAFF:
        raise Answered(found)
    if found.answer is not None:
        raise Elsewhere(at(interaction_id)) if request.endpoint != "authorize.turn" else Answered(found)
    return found


class Answered(Exception):  # noqa: N818 -- a turn of the way
    """The loop of a finished request: show its answer again."""

    def __init__(self, found: Interaction) -> None:
        super().__init__(found.id)
        self.interaction = found


def look(interaction_id: str, session: Session | None = None) -> Paused:
    """The paused request with what it needs and what is there."""
    own = session or g.session
    found = resume(interaction_id, own)
    context = context_of(own)
    refuse_suspended(found, own)
    need = interaction.requirement(context, found, g.signed_in)
    facts = interaction.facts(context, found, g.signed_in)
    return Paused(interaction=found, need=need, facts=facts, prompt=next_prompt(need, facts), at=at(interaction_id))


def refuse_suspended(found: Interaction, session: Session) -> None:
    """A service that was suspended meanwhile gets no answer, and nobody is asked on its behalf."""
    client = clients.find(session, found.request.client_id) if found.request else None
    if client is not None and not client.active:
        raise PageError("client_suspended", client.id)


def due(interaction_id: str, *prompts: Prompt, session: Session | None = None) -> Paused:
    """The same, if one of these prompts is due; otherwise back to the loop."""
    paused = look(interaction_id, session)
    if paused.prompt not in prompts:
        raise Elsewhere(paused.at)
    return paused


def signed_in_here(interaction_id: str, session: Session | None = None) -> tuple[Paused, SignedIn]:
    """The paused request of somebody who is signed in; otherwise back to the loop."""
    paused = look(interaction_id, session)
    if g.signed_in is None:
        raise Elsewhere(paused.at)
    return paused, g.signed_in


def context_of(session: Session) -> Context:
    """What the protocol room works with, in this transaction."""
    return Context(session=session, ring=g.ring, settings=gate.house().settings, now=g.now, request_id=g.request_id)


def back(paused: Paused, query: str = "") -> Response:
    """303 to the loop."""
    return as_response(redirect(paused.at + query, 303))


def page(template: str, paused: Paused, *, status: int = 200, session: Session | None = None, **shown: Any) -> Response:
    """A step's page with what all of them show."""
    shown.setdefault("errors", {})
    shown.setdefault("values", {})
    service = service_of(paused.interaction, session)
    return as_response(render_template(template, at=paused.at, service=service, **shown), status)


def service_of(paused: Interaction, session: Session | None = None) -> dict[str, Any] | None:
    """Who waits for the answer."""
    if paused.request is None:
        return None
    client = clients.find(session or g.session, paused.request.client_id)
    return shapes.service(client, session or g.session) if client else None


def moving_on(url: str, service: dict[str, Any] | None) -> Response:
    """A 200 page that moves on by meta refresh: `form-action 'self'` stays strict (DECISIONS 14)."""
    g.moving_to = url
    return as_response(render_template("continue.html", redirect_url=url, service=service))


def new_session(token: str, old: SignedIn | None, session: Session) -> None:
    """The cookie changes hands after the commit, and grants of the old session follow to the new one."""
    cookies.put(cookies.CITIZEN, token)
    if old is not None:
        grants.follow_session(session, old.id_hash, cookies.hash_of(token))
