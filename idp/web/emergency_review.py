"""The queue of broken glass, for a facility's head and the data protection officer: the most urgent first, each judged.

Whoever opened one sees it here and cannot judge it. Each look at one is an entry of the log.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.emergency import LONGEST_WORDS
from consent.errors import NotAllowed
from idp import directory, emergency_reviews
from idp.assurance import Aal
from idp.db import Session
from idp.emergency_pace import Busy
from idp.web import shapes
from idp.web.gate import Refused, Tx, Who, as_response, route

bp = Blueprint("emergency_review", __name__, url_prefix="/staff/emergencies")
FIELD_OF = {"outcome": "outcome", "words": "review_words"}
PASSKEY = Aal.AAL2_2


@route(bp, "", tx=Tx.READ, who=Who.STAFF, aal=PASSKEY)
def queue() -> Response:
    """What waits, and what was judged lately."""
    reviewer = g.signed_in.subject_id
    if not emergency_reviews.duties_of(g.session, reviewer, now=g.now):
        raise Refused("forbidden", 403)
    waiting = [line(one, g.session) for one in emergency_reviews.queue(g.session, reviewer, now=g.now)]
    done = [line(one, g.session) for one in emergency_reviews.done(g.session, reviewer, now=g.now)]
    busy = [crowd(one, g.session) for one in emergency_reviews.busy(g.session, reviewer, now=g.now)]
    return as_response(render_template("emergency_queue.html", waiting=waiting, done=done, busy=busy))


@route(bp, "/<uuid:emergency_id>", tx=Tx.WRITE, who=Who.STAFF, aal=PASSKEY)
def one(emergency_id: UUID) -> Response:
    """All that a judgement needs. That it was looked at is written."""
    return page(emergency_id, g.session, {})


@route(bp, "/<uuid:emergency_id>", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, aal=PASSKEY)
def judge(emergency_id: UUID) -> Response:
    """The judgement, once. A refusal has written nothing, so the page follows in the same transaction."""
    values = {name: request.form.get(name, "").strip()[: LONGEST_WORDS + 1] for name in ("outcome", "review_words")}
    told = {
        "reviewer": g.signed_in.subject_id,
        "outcome": values["outcome"],
        "words": values["review_words"],
        "now": g.now,
    }
    try:
        emergency_reviews.judge(g.session, g.ring, emergency_id, **told)
    except NotAllowed as refused:
        code = str(refused.code)
        fault = {FIELD_OF[code]: "required"} if code in FIELD_OF else {"form": code}
        return page(emergency_id, g.session, values, errors=fault, status=400)
    return as_response(redirect(f"{request.script_root}/staff/emergencies", 303))


def page(
    emergency_id: UUID,
    session: Session,
    values: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """One opening with its uses."""
    told = {"reviewer": g.signed_in.subject_id, "locale": g.locale, "now": g.now}
    found = emergency_reviews.look(session, g.ring, emergency_id, **told)
    shown: dict[str, Any] = {
        "one": line(found.item, session),
        "words": found.words,
        "opened_by": found.opened_by,
        "masked_id": found.masked_id,
        "identified_by": found.identified_by,
        "ended_at": found.ended_at,
        "end_reason": found.end_reason,
        "uses": [shapes.entry(use) for use in found.uses],
        "review_words": found.review_words,
        "values": values,
    }
    return as_response(render_template("emergency_review.html", errors=errors or {}, **shown), status)


def crowd(one: Busy, session: Session) -> dict[str, Any]:
    """Very many by one member of staff: where and how many, nobody's name."""
    place = directory.facility_name(session, one.hcode, locale=g.locale) or one.hcode
    return {"place": place, "opened": one.opened, "tried": one.tried}


def line(item: emergency_reviews.Item, session: Session) -> dict[str, Any]:
    """One line of the queue, with the facility's name."""
    place = directory.facility_name(session, item.hcode, locale=g.locale) or item.hcode
    names = (
        "id",
        "reason",
        "opened_at",
        "ends_at",
        "due_at",
        "overdue",
        "running",
        "why_not",
        "outcome",
        "reviewed_at",
    )
    return {name: getattr(item, name) for name in names} | {"place": place}
