"""A refusal in general reaches the tokens that nobody asks us about: it sets the bit of a grant that it stops wholly.

So does a pause of uses (PDPA s.34). The question is that of an introspection which states nothing, so that the list
calls invalid what opens no data there. When it is lifted the bit goes. What is stopped in part has no bit: its tokens
end by their age (`offline_s`).
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from consent import questions
from consent.decision import NOBODY, Asker, Reason
from consent.errors import NotFound
from idp import directory, visits
from idp.circumstances import ROOMS
from idp.oauth import deciding, live, suspended

FOR_A_WHILE = frozenset({Reason.standing_refusal, Reason.restricted})  # the answer stands, and may be used again


def reconsider(session: Session, subject_id: UUID, *, now: datetime) -> None:
    """Weigh every running grant about this person anew, in the transaction that made or lifted a refusal or pause."""
    for row in suspended.about(session, subject_id):
        stopped = _is_stopped(session, row, subject_id, now=now)
        if stopped and row.suspended_at is None:
            suspended.suspend(session, row.id, now=now)
        elif not stopped and row.suspended_at is not None:
            suspended.resume(session, row.id)


def _is_stopped(session: Session, row: Row[*tuple[Any, ...]], subject_id: UUID, *, now: datetime) -> bool:
    """Whether nothing of it may be opened at a holder, and a refusal or a pause is among the reasons."""
    scopes = json.loads(row.scopes)
    codes = [code for code in suspended.for_holders(scopes) if code != live.SIGN_IN]
    try:
        recipient = directory.recipient_of(session, row.recipient_id, now=now)
    except NotFound:
        return False
    verdicts = questions.look(
        session,
        subject_id=subject_id,
        recipient=recipient,
        purposes=codes,
        aal=None,
        ial=None,
        now=now,
        scopes=scopes,
        asker=_asker(session, row, now=now),
        rooms=ROOMS,
    ).verdicts.values()
    return any(one.reason in FOR_A_WHILE for one in verdicts) and not any(one.permit for one in verdicts)


def _asker(session: Session, row: Row[*tuple[Any, ...]], *, now: datetime) -> Asker:
    """Who looks is known where a clinician treats in a visit; else nobody has said."""
    if row.visit_id is None:
        return NOBODY
    treatment = visits.treatment(session, row.visit_id, clinician_id=row.subject_id, now=now)
    return NOBODY if treatment is None else deciding.asker_of(treatment, row.subject_id)
