"""ThaID: to the department's application and back, to sign in or to prove who one is (THAI.md 3b R4)."""

from uuid import UUID

from flask import Blueprint, Response, g, redirect, request

from idp.prompts import Prompt
from idp.proofing import by_thaid
from idp.proofing.by_thaid import Unproved
from idp.upstream import attempts
from idp.upstream.attempts import Attempt
from idp.web import gate, loop, upstream
from idp.web.gate import Elsewhere, Refused, Tx, as_response, route
from idp.web.login import sign_in
from idp.web.loop import Paused

bp = Blueprint("thaid", __name__)
WHERE = "/interaction/<interaction_id>/thaid"
TURNS = (Prompt.LOGIN, Prompt.PROOFING)
PROBLEMS = ("cancelled", "unavailable", "failed", "other_person", "card_expired", "not_served", "phone_first")
SAID_NO = frozenset({"user_denied", "access_denied"})
CALLBACK = "/thaid/callback"
NAME = "ThaID"


def due(interaction_id: str) -> Paused:
    """The paused request of somebody who may go to ThaID now; otherwise back to the loop."""
    paused = loop.due(interaction_id, *TURNS)
    if not gate.house().ports.thaid.offered:
        raise Elsewhere(paused.at)
    return paused


@route(bp, WHERE, tx=Tx.READ)
def thaid(interaction_id: str) -> Response:
    """What will happen there, and what went wrong the last time."""
    problem = request.args.get("problem")
    paused = due(interaction_id)
    proving = paused.prompt is Prompt.PROOFING
    return loop.page("thaid.html", paused, problem=problem if problem in PROBLEMS else None, proving=proving)


@route(bp, WHERE, methods=("POST",), tx=Tx.WRITE)
def leave(interaction_id: str) -> Response:
    """To ThaID. Only a press of ours begins it, so nobody is signed in by another page (ASVS 7.6.2)."""
    paused = due(interaction_id)
    proving = paused.prompt is Prompt.PROOFING and g.signed_in is not None
    state, secrets = upstream.begin(
        attempts.THAID,
        attempts.PROVE if proving else attempts.SIGN_IN,
        interaction_id=interaction_id,
        subject_id=g.signed_in.subject_id if proving else None,
    )
    url = gate.house().ports.thaid.sign_in_url(state=state, nonce=secrets.nonce, redirect_uri=redirect_uri())
    return upstream.leaving(url, name=NAME, back_url=f"{paused.at}/thaid")


@route(bp, CALLBACK, tx=Tx.NONE)
def callback() -> Response:
    """The answer, once, for the browser that asked. ThaID is asked with no transaction open."""
    found = upstream.answered(attempts.THAID)
    with gate.looking() as session:
        paused = loop.due(found.secrets.interaction_id, *TURNS, session=session)
    here = g.signed_in.subject_id if g.signed_in and paused.prompt is Prompt.PROOFING else None
    if here != found.subject_id:
        raise Elsewhere(paused.at)
    if "error" in request.args:
        return again(paused, "cancelled" if request.args["error"] in SAID_NO else "failed")
    return proved(paused, found, here=here)


def proved(paused: Paused, found: Attempt, *, here: UUID | None) -> Response:
    """Ask ThaID whom the code stands for; then record it, and sign in whoever was not."""
    person = by_thaid.ask(
        gate.house().ports.thaid,
        request.args.get("code", ""),
        nonce=found.secrets.nonce,
        redirect_uri=redirect_uri(),
        now=g.now,
    )
    if isinstance(person, Unproved):
        g.refusal_detail = f"thaid {person.code}"
        return again(paused, person.problem)
    with gate.alone() as session:
        outcome = by_thaid.prove(
            session,
            g.ring,
            person,
            subject_id=found.subject_id,
            policy=gate.house().ports.id_policy,
            locale=g.locale,
            now=g.now,
        )
        if outcome.subject_id is not None and outcome.subject_id != here:
            sign_in(session, outcome.subject_id, "thaid")
    return arrived(paused, outcome)


def arrived(paused: Paused, outcome: by_thaid.Outcome) -> Response:
    """Back to the loop, or to the page that says why not."""
    if outcome.found == "proved":
        return loop.back(paused)
    if outcome.found == "too_young":
        return as_response(redirect(paused.at + "/age", 303))
    if outcome.found == "closed":
        raise Refused("account_closed", 403)
    return again(paused, outcome.found)


def again(paused: Paused, problem: str) -> Response:
    """Our own page, which says what went wrong in one word of `PROBLEMS`."""
    g.refusal = f"thaid_{problem}"
    return as_response(redirect(f"{paused.at}/thaid?problem={problem}", 303))


def redirect_uri() -> str:
    """What is registered at ThaID."""
    return gate.house().settings.issuer + CALLBACK
