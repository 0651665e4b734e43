"""PROOFING: the account's identity level is too low. What to have in hand, which ways there are, and R2: card data."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, request

from idp.login.sessions import SignedIn
from idp.national_id import BANGKOK
from idp.ports import NoCardStatus
from idp.prompts import Prompt
from idp.proofing import card_data, cases, drafts, steps
from idp.proofing.adjudicate import still_needed
from idp.web import gate, locale, loop, pages
from idp.web.gate import Elsewhere, Tx, as_response, route
from idp.web.loop import Paused

bp = Blueprint("proofing", __name__, url_prefix="/interaction/<interaction_id>/proofing")
FIELDS = ("given_name", "family_name", "one_name", "day", "month", "year", "laser")
LONGEST_TYPED = 120
KEPT_FIELDS = ("given_name", "family_name", "one_name", "day", "month", "year")  # the card's secret is typed anew
PAGES = {"hold": "", "type": "/card", "check": "/card"}  # where each step of the card's data is shown
COUNTER = frozenset({"card_chip", "document"})
STATUS = {"mismatch": 400, "quiet": 429, "unavailable": 503, "bound": 409, "deceased": 403}


@route(bp, "", tx=Tx.READ)
def proofing(interaction_id: str) -> Response:
    """What is missing, and each way that leads there; the request stays open until the level was reached."""
    paused, signed_in = due(interaction_id)
    have = paused.facts.ial.value if paused.facts.ial else None
    draft = found(signed_in.subject_id)
    return loop.page(
        "proofing.html",
        paused,
        need_ial=paused.need.ial.value,
        have_ial=have,
        ways=ways(paused, signed_in),
        card_url=page_of(paused, draft.step if draft else steps.due(card_data.RECIPE, card_data.HELD)),
        kept_until=None if draft is None else draft.expires_at,
        saved=request.args.get("saved") == "1",
    )


def ways(paused: Paused, signed_in: SignedIn) -> frozenset[str]:
    """Of card, thaid and counter, those that reach what is asked; the counter is always one to ask at."""
    known = cases.evidence_of(g.session, signed_in.subject_id)
    needed = still_needed(known, paused.need.ial, g.now)
    ports = gate.house().ports
    found = {"counter"}
    if frozenset({"card_data"}) in needed and not isinstance(ports.card_status, NoCardStatus):
        found.add("card")
    if frozenset({"thaid"}) in needed and pages.offers()["thaid"]:
        found.add("thaid")
    return frozenset(found)


@route(bp, "/card", tx=Tx.READ)
def card(interaction_id: str) -> Response:
    """The form, with what was typed before."""
    paused, signed_in = due(interaction_id)
    if "card" not in ways(paused, signed_in):
        raise Elsewhere(f"{paused.at}/proofing")
    draft = found(signed_in.subject_id)
    rest = card_data.rests(g.session, g.ring, signed_in.subject_id, now=g.now)
    values = dict(draft.typed) if draft else {}
    if rest is not None:
        return card_page(paused, values=values, said="quiet", until=rest.until)
    return card_page(paused, values=values)


@route(bp, "/card", methods=("POST",), tx=Tx.NONE)
def post_card(interaction_id: str) -> Response:
    """Keep it for later, or ask the issuer: outside any transaction, and one answer for whatever does not match."""
    paused, signed_in = due_looking(interaction_id)
    form = {field: request.form.get(field, "")[:LONGEST_TYPED] for field in FIELDS}
    if request.form.get("act") == "save":
        keep(signed_in.subject_id, form)
        return as_response(redirect(f"{paused.at}/proofing?saved=1", 303))
    typed, faults = card_data.read(form, today=today())
    if typed is None:
        return again(interaction_id, values=form, errors=faults, status=400)
    house, kept = gate.house(), {field: form[field] for field in KEPT_FIELDS}
    outcome = card_data.check(
        house.sessions, g.ring, house.ports, subject_id=signed_in.subject_id, typed=typed, kept=kept, now=g.now
    )
    if outcome.kind == "passed":
        return loop.back(paused)
    if outcome.kind == "too_young":
        return as_response(redirect(paused.at + "/age", 303))
    return again(interaction_id, values=form, said=outcome.kind, until=outcome.until, status=STATUS[outcome.kind])


def again(interaction_id: str, *, values: dict[str, str], status: int, **shown: Any) -> Response:
    """The form once more, without the card's secret."""
    with gate.looking() as session:
        paused = loop.look(interaction_id, session)
        return card_page(paused, values=values, status=status, session=session, **shown)


def page_of(paused: Paused, step: str | None) -> str:
    """Where this step of the card's data is shown; the beginning for none."""
    return f"{paused.at}/proofing{PAGES[step or 'hold']}"


def card_page(paused: Paused, *, values: dict[str, str], status: int = 200, **shown: Any) -> Response:
    """The form. `said` and `until`: what the issuer's answer came to."""
    kept = {field: values.get(field, "") for field in KEPT_FIELDS}
    shown.setdefault("said", None)
    shown.setdefault("until", None)
    return loop.page(
        "proofing_card.html",
        paused,
        values=kept,
        back_url=page_of(paused, steps.before(card_data.RECIPE, "type")),
        months=locale.months(g.locale),
        sandbox_laser=gate.house().settings.sandbox,
        status=status,
        **shown,
    )


def keep(subject_id: UUID, form: dict[str, str]) -> None:
    """Save and return, for a week."""
    typed = {field: form[field] for field in KEPT_FIELDS}
    step = steps.due(card_data.RECIPE, card_data.HELD) or ""
    with gate.alone() as session:
        drafts.keep(session, g.ring, subject_id=subject_id, recipe=card_data.RECIPE, step=step, typed=typed, now=g.now)


def found(subject_id: UUID) -> drafts.Draft | None:
    """What this person left."""
    return drafts.find(g.session, g.ring, subject_id=subject_id, recipe=card_data.RECIPE, now=g.now)


def due(interaction_id: str) -> tuple[Paused, SignedIn]:
    """The paused request of somebody who must prove who they are; otherwise back to the loop."""
    paused = loop.due(interaction_id, Prompt.PROOFING)
    if g.signed_in is None:
        raise Elsewhere(paused.at)
    return paused, g.signed_in


def due_looking(interaction_id: str) -> tuple[Paused, SignedIn]:
    """The same, where the view opens no transaction of its own."""
    with gate.looking() as session:
        paused = loop.due(interaction_id, Prompt.PROOFING, session=session)
    if g.signed_in is None:
        raise Elsewhere(paused.at)
    return paused, g.signed_in


def today() -> date:
    """The day in Bangkok."""
    moment: datetime = g.now
    return moment.astimezone(BANGKOK).date()
