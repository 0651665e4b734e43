"""CONSENT: one decision a purpose, nothing pre-ticked, Allow and Refuse alike (catalogue rule 9, PDPA s.19).

What the law allows without asking is told on the same page and recorded with its basis. A double tap, a reload or an
old page answers nothing twice: the form brings back which screen it was, and only that screen can be answered.
"""

import hmac
from datetime import timedelta

from flask import Blueprint, Response, g, redirect, request

from consent import records
from consent.purposes import Purpose
from consent.records import Choice, ConsentRecord
from idp import family, interaction, withdrawal
from idp.oauth import details
from idp.web import gate, loop, values
from idp.web.consent_page import consent_page
from idp.web.consent_screen import Screen, choice, screen
from idp.web.gate import Elsewhere, Refused, Tx, as_response, route

bp = Blueprint("consent", __name__, url_prefix="/interaction/<interaction_id>/consent")
ALLOW, REFUSE, CONTINUE = "allow", "refuse", "continue"


@route(bp, "", tx=Tx.READ)
def ask(interaction_id: str) -> Response:
    """The page."""
    return consent_page(screen(interaction_id))


@route(bp, "", methods=("POST",), tx=Tx.WRITE)
def decide(interaction_id: str) -> Response:
    """Record every answer of the screen, each by itself, all or none."""
    interaction.hold(g.session, interaction_id)
    here = screen(interaction_id)
    decision, chosen = request.form.get("decision"), frozenset(request.form.getlist("purpose"))
    posted = request.form.get("screen", "")
    if not hmac.compare_digest(posted.encode(), here.mark.encode()):  # not what this person sees now: show that first
        raise Elsewhere(here.paused.at)
    if decision not in (ALLOW, REFUSE, CONTINUE) or (decision == CONTINUE and here.asked):
        raise Refused("bad_request", 400)
    if not chosen <= set(here.codes):
        raise Elsewhere(here.paused.at)
    waits = False
    for purpose in here.told:
        records.note(g.session, choice(here, purpose, lives_for=None), now=g.now)
    for purpose in here.asked:
        if decision == ALLOW and purpose.code in chosen:
            answer = choice(here, purpose, lives_for=wanted_life(purpose))
            waits = keep_or_propose(answer, over=details.over(gate.context(), here.asked_by)) or waits
        else:
            refuse(here, purpose)
    return as_response(redirect(f"{here.paused.at}/waiting", 303)) if waits else loop.back(here.paused)


def keep_or_propose(answer: Choice, *, over: frozenset[str]) -> bool:
    """A yes: the record stands from now on, and whatever rests on a wider one before it ends, but for visits `over`.

    True: one of two has signed, and it waits for the other.
    """
    given = family.answer(g.session, g.ring, answer, now=g.now)
    if not isinstance(given, ConsentRecord):
        return True
    withdrawal.narrow(g.session, given, now=g.now, over=over)
    return False


def refuse(here: Screen, purpose: Purpose) -> None:
    """Remember the no; a consent that still ran under it is withdrawn, with its tokens and letters."""
    said = choice(here, purpose, lives_for=None)
    family.refuse(g.session, g.ring, gate.house().settings, said, now=g.now)


def wanted_life(purpose: Purpose) -> timedelta | None:
    """The life that was chosen among those offered; the row's default when none was."""
    offered = {life["value"]: span for life, span in values.lives(purpose, g.now)}
    wanted = request.form.get(f"life-{purpose.code}")
    if wanted is not None and wanted not in offered:
        raise Refused("bad_request", 400, detail="life")
    return offered.get(wanted) if wanted else None
