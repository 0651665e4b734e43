"""Breaches on the DPO's desk: written down, weighed, reported within 72 hours, told, closed (PDPA s.37(4))."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import Conflict, ConsentError, NotAllowed, NotFound
from consent.rights import breach
from consent.rights.models import BreachCase
from idp import breaches
from idp.web import gate, shapes
from idp.web.dpo import DPO
from idp.web.gate import Tx, Who, as_response, route
from idp.web.locale import BANGKOK

bp = Blueprint("breaches", __name__, url_prefix="/dpo/breaches")
FIELDS = ("nature", "known_at", "client_id", "facts", "risk", "affected", "assessment", "reference", "late_reasons")
MOMENT = "%Y-%m-%dT%H:%M"  # of an input of type datetime-local, in Bangkok
DIGITS = 9


@route(bp, "", tx=Tx.READ, who=Who.STAFF, role=DPO)
def listed() -> Response:
    """All of them, open ones first, and the form of a new one."""
    return page({"nature": "confidentiality", "known_at": g.now.astimezone(BANGKOK).strftime(MOMENT)})


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role=DPO)
def start() -> Response:
    """A breach is known."""
    values = typed()
    known_at = moment(values["known_at"])
    if known_at is None:
        return page(values, errors={"known_at": "format"})
    told = {name: values[name] for name in ("nature", "facts", "client_id")}
    try:
        case = breaches.start(g.session, g.ring, known_at=known_at, by=g.signed_in.subject_id, now=g.now, **told)
    except (NotAllowed, NotFound) as refusal:  # refused before anything was written
        return page(values, errors=wrong(refusal))
    return as_response(redirect(f"{request.script_root}/dpo/breaches/{case.id}", 303))


@route(bp, "/<uuid:breach_id>", tx=Tx.READ, who=Who.STAFF, role=DPO)
def one(breach_id: UUID) -> Response:
    """One breach, its clock, and the step that is due."""
    return single(breach_id)


@route(bp, "/<uuid:breach_id>/<step>", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role=DPO)
def take(breach_id: UUID, step: str) -> Response:
    """One step; each happens once."""
    if step not in STEPS:
        raise gate.Refused("not_found", 404)
    values = typed()
    undo = g.session.begin_nested()
    try:
        STEPS[step](breach_id, values)
    except (NotAllowed, Conflict) as refusal:
        undo.rollback()
        return single(breach_id, values=values, errors=wrong(refusal))
    undo.commit()
    return as_response(redirect(f"{request.script_root}/dpo/breaches/{breach_id}", 303))


def weigh(breach_id: UUID, values: dict[str, str]) -> None:
    """How bad it is, and for how many."""
    affected = values["affected"].replace(",", "").replace(" ", "")
    if not affected.isdecimal() or len(affected) > DIGITS:  # Thai digits count
        raise NotAllowed("Write a number.", code="affected")
    told: dict[str, Any] = {name: values[name] for name in ("risk", "assessment")}
    breaches.weigh(g.session, g.ring, breach_id, affected=int(affected), by=g.signed_in.subject_id, now=g.now, **told)


def report(breach_id: UUID, values: dict[str, str]) -> None:
    """The Office knows."""
    told = {"reference": values["reference"], "reasons": values["late_reasons"]}
    breaches.report(g.session, g.ring, breach_id, by=g.signed_in.subject_id, now=g.now, **told)


def explain(breach_id: UUID, values: dict[str, str]) -> None:
    """Why the report was late."""
    reasons = values["late_reasons"]
    breaches.explain(g.session, g.ring, breach_id, reasons=reasons, by=g.signed_in.subject_id, now=g.now)


def tell(breach_id: UUID, values: dict[str, str]) -> None:  # noqa: ARG001 -- as its siblings
    """The people are to be told, if another officer confirms it."""
    breach.ask_to_tell(g.session, breach_id, by=g.signed_in.subject_id, now=g.now)


def confirm(breach_id: UUID, values: dict[str, str]) -> None:  # noqa: ARG001 -- as its siblings
    """The second officer: the people are told."""
    breaches.tell(g.session, breach_id, by=g.signed_in.subject_id, now=g.now)


def go_on(breach_id: UUID, values: dict[str, str]) -> None:  # noqa: ARG001 -- as its siblings
    """The worker takes the telling up again."""
    breaches.go_on(g.session, breach_id, now=g.now)


def close(breach_id: UUID, values: dict[str, str]) -> None:  # noqa: ARG001 -- as its siblings
    """Nothing is left to do."""
    breach.close(g.session, breach_id, by=g.signed_in.subject_id, now=g.now)


STEPS = {
    "weigh": weigh,
    "report": report,
    "explain": explain,
    "tell": tell,
    "confirm": confirm,
    "go-on": go_on,
    "close": close,
}


def typed() -> dict[str, str]:
    """What was typed."""
    return {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS}


def moment(text: str) -> datetime | None:
    """A moment as the browser's field has it, in Bangkok; or None."""
    try:
        return datetime.strptime(text, MOMENT).replace(tzinfo=BANGKOK)
    except ValueError:
        return None


def wrong(refusal: ConsentError) -> dict[str, str]:
    """What is wrong, by field."""
    if isinstance(refusal, NotFound):
        return {"client_id": "unknown"}
    return {refusal.code: "required"} if refusal.code in FIELDS else {"form": refusal.code}


def page(values: dict[str, str], *, errors: dict[str, str] | None = None) -> Response:
    """The list and the form."""
    found = [drawn(case) for case in breach.everything(g.session)]
    shown = {"breaches": found, "values": values, "errors": errors or {}, "natures": breach.NATURES}
    return as_response(render_template("dpo_breaches.html", **shown), 400 if errors else 200)


def single(breach_id: UUID, *, values: dict[str, str] | None = None, errors: dict[str, str] | None = None) -> Response:
    """One of them with its texts."""
    found = breaches.opened(g.session, g.ring, breach_id, now=g.now)
    texts = {"facts": found.facts, "assessment": found.assessment, "late_reasons": found.late_reasons}
    return as_response(
        render_template(
            "dpo_breach.html",
            breach={**drawn(found.case), **texts},
            own_asking=found.case.tell_asked_by == g.signed_in.subject_id,
            telling=breaches.telling(g.session, found.case, now=g.now),
            weighings=weighings(breach_id),
            values=values or {},
            errors=errors or {},
            risks=breach.RISKS,
        ),
        400 if errors else 200,
    )


def weighings(breach_id: UUID) -> list[dict[str, Any]]:
    """The assessments before the newest, newest first."""
    earlier = breaches.history(g.session, g.ring, breach_id)[:-1]
    return [
        {"risk": row.risk, "affected": row.affected, "at": row.weighed_at, "words": words}
        for row, words in reversed(earlier)
    ]


def drawn(case: BreachCase) -> dict[str, Any]:
    """A breach for a template, with its clock."""
    due = breach.due(case, now=g.now)
    facts = ("nature", "client_id", "known_at", "opened_at", "risk", "affected", "weighed_at", "reported_at")
    more = ("reference", "explained_at", "told_at", "told", "closed_at", "risk_since", "tell_asked_at")
    left = None if due.report_by is None else due.report_by - g.now
    reasons = due.explain_by is not None and due.explain_by <= g.now
    return {
        "id": str(case.id),
        "due": due,
        "hours_left": None if left is None else max(0, int(left.total_seconds() // 3600)),
        "overdue": due.report_by is not None and due.report_by <= g.now,
        "reasons_overdue": reasons,
        "service": shapes.client_name(case.client_id),
        **{name: getattr(case, name) for name in (*facts, *more)},
    }
