"""LOGIN without SMS: a code of the app or of the recovery sheet, on one page for any number."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, request

from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.db import Session
from idp.login import other_way
from idp.national_id import mask_national_id
from idp.prompts import Prompt
from idp.web import cookies, gate, loop
from idp.web.gate import Tx, route
from idp.web.login import challenge_of, sign_in
from idp.web.loop import Paused

bp = Blueprint("other_way", __name__, url_prefix="/interaction/<interaction_id>/other-way")
LONGEST_TYPED = 64


@route(bp, "", tx=Tx.READ)
def ask(interaction_id: str) -> Response:
    """One field for either."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    return page(paused, challenge_of(paused, g.session), g.session)


@route(bp, "", methods=("POST",), tx=Tx.NONE)
def post(interaction_id: str) -> Response:
    """A guess: its tries are spent and kept first, whatever comes of it."""
    with gate.looking() as session:
        paused = loop.due(interaction_id, Prompt.LOGIN, session=session)
        challenge = challenge_of(paused, session)
        typed = request.form.get("other_code", "")[:LONGEST_TYPED]
        if not typed.strip():
            return page(paused, challenge, session, errors={"other_code": "required"}, status=400)
    with gate.alone() as session:
        told = other_way.guess(session, g.ring, challenge.id, typed, browser=cookies.browser(), now=g.now)
    if told.outcome == "right" and told.subject_id is not None:
        with gate.alone() as session:
            sign_in(session, told.subject_id, told.factor)
        return loop.back(paused)
    with gate.looking() as session:
        left, errors = challenge_of(paused, session), {"other_code": told.outcome}
        shown: dict[str, Any] = {"tries_left": told.tries_left, "locked_until": told.until}
        return page(paused, left, session, errors=errors, status=400, **shown)


def page(
    paused: Paused,
    challenge: Challenge,
    session: Session,
    *,
    errors: dict[str, str] | None = None,
    locked_until: datetime | None = None,
    status: int = 200,
    **shown: Any,
) -> Response:
    """The page, the same whoever the number belongs to. A limit on messages does not touch it."""
    over = challenge.superseded_at is not None or challenge.expires_at <= g.now
    takes = challenge.tries_left > 0 and challenge.used_at is None
    return loop.page(
        "other_way.html",
        paused,
        session=session,
        errors=errors or {},
        locked_until=locked_until,
        state="expired" if over else "open" if takes and locked_until is None else "closed",
        masked_id=mask_national_id(codes.asked(g.ring, challenge)),
        status=status,
        **shown,
    )
