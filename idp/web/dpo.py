"""The desk of the data protection officer: who asked for what, until when, and the answer (PDPA s.30-36, s.41).

A DPO sees requests and clocks, and nobody's health data: no name, no number; what a person wrote is opened by a button
of its own, and that look is an entry which the person sees. Nobody handles a request of their own.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import Conflict, ConsentError, NotAllowed
from consent.rights import breach, cases
from consent.rights.asked import ON_PAPER
from consent.rights.cases import EXTENSIONS, HOLDS, REFUSALS
from consent.rights.clocks import LIMITS, Kind
from idp import emergency_access, emergency_reviews, erasure, paper_cases, restrictions, rights
from idp.web import freshness, gate
from idp.web.emergency_review import crowd
from idp.web.gate import Tx, Who, as_response, route
from idp.web.rights import drawn, pause_title, paused
from idp.web.shapes import uuid_or_none

bp = Blueprint("dpo", __name__, url_prefix="/dpo")
DPO = "dpo"
FIELDS = ("extension", "hold", "words", "refusal", "pause", "way")
OF_FIELD = {  # a refusal of a verb -> the field of the form that it is about
    "colleague": ("hold", "colleague"),
    "words": ("words", "required"),
    "too_long": ("words", "too_long"),
    "no_extension": ("extension", "none"),
    "pause": ("pause", "choice"),
    "way": ("way", "choice"),
}


@route(bp, "", tx=Tx.READ, who=Who.STAFF, role=DPO)
def home() -> Response:
    """What waits, most urgent first; what was answered last; what is late."""
    waiting = [drawn(one) for one in rights.seen(cases.queue(g.session), now=g.now)]
    over = [drawn(one) for one in rights.seen(cases.answered(g.session, limit=20), now=g.now)]
    late = {"cases": cases.overdue(g.session, now=g.now), "breaches": breach.overdue(g.session, now=g.now)}
    late["emergencies"] = emergency_access.counts(g.session, now=g.now).overdue
    busy = [crowd(one, g.session) for one in emergency_reviews.busy(g.session, g.signed_in.subject_id, now=g.now)]
    return as_response(render_template("dpo.html", waiting=waiting, answered=over, late=late, busy=busy))


@route(bp, "/cases/<uuid:case_id>", tx=Tx.READ, who=Who.STAFF, role=DPO)
def case(case_id: UUID) -> Response:
    """The request without its words."""
    rights.handled(g.session, case_id, by=g.signed_in.subject_id)
    return page(case_id)


@route(bp, "/cases/<uuid:case_id>/open", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role=DPO)
def read(case_id: UUID) -> Response:
    """The words of the person, and the ways to answer; the look is an entry."""
    return page(case_id, opened=True)


@route(bp, "/cases/<uuid:case_id>/<act>", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role=DPO)
def act(case_id: UUID, act: str) -> Response:
    """Put off, hold, answer, refuse, erase, pause, or note what left on paper: one form each, with its own button."""
    if act not in ACTS:
        raise gate.Refused("not_found", 404)
    values = {name: request.form.get(name, "").strip() for name in FIELDS}
    rights.handled(g.session, case_id, by=g.signed_in.subject_id)
    if act == "erase":  # nobody undoes it: not on a sign-in of this morning
        freshness.of_staff(back=f"/dpo/cases/{case_id}")
    undo = g.session.begin_nested()
    try:
        ACTS[act](case_id, values)
    except (NotAllowed, Conflict) as refusal:  # refused: nothing of it is kept, and what was typed stays on the page
        undo.rollback()
        return page(case_id, opened=True, tried=act, values=values, errors=said(act, refusal))
    undo.commit()
    return as_response(redirect(f"{request.script_root}/dpo/cases/{case_id}", 303))


def put_off(case_id: UUID, values: dict[str, str]) -> None:
    """More time, once, with a reason."""
    rights.extend(g.session, g.ring, case_id, reason=values["extension"], by=g.signed_in.subject_id, now=g.now)


def keep(case_id: UUID, values: dict[str, str]) -> None:
    """Why the data must stay for now; an empty choice lets it go again."""
    rights.hold(g.session, case_id, reason=values["hold"], by=g.signed_in.subject_id, now=g.now)


def answer(case_id: UUID, values: dict[str, str]) -> None:
    """Done, in words to the person."""
    rights.answer(g.session, g.ring, case_id, words=values["words"], by=g.signed_in.subject_id, now=g.now)


def refuse(case_id: UUID, values: dict[str, str]) -> None:
    """No, with a reason of the law."""
    said = {"reason": values["refusal"], "words": values["words"]}
    rights.refuse(g.session, g.ring, case_id, by=g.signed_in.subject_id, now=g.now, **said)


def erase(case_id: UUID, values: dict[str, str]) -> None:  # noqa: ARG001 -- as its siblings
    """The person's key is destroyed."""
    settings, by = gate.house().settings, g.signed_in.subject_id
    erasure.carry_out(g.session, g.ring, settings, case_id, by=by, now=g.now)


def pause(case_id: UUID, values: dict[str, str]) -> None:
    """What is disputed is not used meanwhile."""
    what = values["pause"]
    restrictions.begin(g.session, g.ring, case_id, what=what, by=g.signed_in.subject_id, now=g.now)


def announce(case_id: UUID, values: dict[str, str]) -> None:
    """A pause will end; the person hears first."""
    pause_id = uuid_or_none(values["pause"])
    if pause_id is None:
        raise NotAllowed("There is no such pause.", code="pause")
    restrictions.announce(g.session, g.ring, case_id, pause_id, by=g.signed_in.subject_id, now=g.now)


def sent(case_id: UUID, values: dict[str, str]) -> None:
    """The answer left on paper."""
    paper_cases.sent(g.session, case_id, way=values["way"], by=g.signed_in.subject_id, now=g.now)


ACTS = {
    "extend": put_off,
    "hold": keep,
    "answer": answer,
    "refuse": refuse,
    "erase": erase,
    "pause": pause,
    "announce": announce,
    "sent": sent,
}
REASON_OF = {"extend": "extension", "hold": "hold", "refuse": "refusal"}


def said(act: str, refusal: ConsentError) -> dict[str, str]:
    """What is wrong, by field."""
    if refusal.code == "reason":
        return {REASON_OF[act]: "choice"}
    field, code = OF_FIELD.get(refusal.code, ("form", refusal.code))
    return {field: code}


def page(
    case_id: UUID,
    *,
    opened: bool = False,
    tried: str = "",
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    """One request; its words and the forms once it was opened. `tried`: the form that holds what was typed."""
    by = g.signed_in.subject_id
    seen = (
        rights.read(g.session, g.ring, case_id, by=by, now=g.now)
        if opened
        else rights.seen([cases.get(g.session, case_id)], now=g.now)[0]
    )
    erases = seen.case.kind == Kind.erasure.value and seen.case.state == "open"
    shown: dict[str, Any] = {
        "case": drawn(seen),
        "opened": opened,
        "may_extend": bool(LIMITS[Kind(seen.case.kind)].extension) and seen.case.extended_at is None,
        "erases": erases,
        "holds": erasure.holds(g.session, seen.case.subject_id, now=g.now, but=case_id) if erases else [],
        "earliest": erasure.earliest(seen.case),
        "too_soon": g.now < erasure.earliest(seen.case),
        "pauses": paused(restrictions.of_case(g.session, case_id, now=g.now)),
        "may_pause": [(one, pause_title(one)) for one in restrictions.choices(g.session, case_id, now=g.now)],
        "sendable": seen.case.state in ("done", "refused") and seen.case.channel in ON_PAPER,
        "choices": {"extension": EXTENSIONS, "hold": HOLDS, "refusal": REFUSALS},
        "tried": tried,
        "values": values or {},
        "errors": errors or {},
    }
    return as_response(render_template("dpo_case.html", **shown), 400 if errors else 200)
