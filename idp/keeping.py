"""The retention rules at work: what `consent.rights.retention` promises and no other room lets go of by itself."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.db import rows_of
from consent.models import ConsentRestriction
from consent.rights import retention
from consent.rights.models import BreachAssessment, BreachCase, RightsCase
from idp import erasure
from idp.people import Subject

MOST = 200  # people in one round: a purge holds a transaction
WIPED = b""


def purge(session: Session, *, now: datetime) -> None:
    """Let go of what is past its time, in this transaction."""
    erasure.sweep(session, now=now)
    for code, let_go in KEEPERS.items():
        kept = retention.rule(code).kept
        if kept is not None:
            let_go(session, now - kept)


def closed_accounts(session: Session, before: datetime) -> int:
    """People whose account was closed before: key, number and every way in; how many. A death is not a closing.

    While a use of theirs is paused (PDPA s.34), and for the same time after, nothing goes.
    """
    over = (Subject.status == "closed", Subject.data_key.is_not(None), Subject.closed_at < before)
    paused = exists().where(ConsentRestriction.subject_id == Subject.id, ConsentRestriction.until >= before)
    people = session.scalars(select(Subject.id).where(*over, ~paused).order_by(Subject.closed_at).limit(MOST)).all()
    for subject_id in people:
        erasure.destroy(session, subject_id)
    return len(people)


def rights_words(session: Session, before: datetime) -> int:
    """What was written in requests that were answered before; the cases themselves stay (s.39); how many.

    What a pause rests on stays as long as that runs.
    """
    over = RightsCase.closed_at < before
    written = RightsCase.words.is_not(None) | RightsCase.answer.is_not(None)
    paused = exists().where(ConsentRestriction.case_id == RightsCase.id, ConsentRestriction.until >= before)
    return rows_of(session.execute(update(RightsCase).where(over, written, ~paused).values(words=None, answer=None)))


def breach_texts(session: Session, before: datetime) -> int:
    """What was written about breaches that were closed before; how many."""
    gone = {"facts": WIPED, "assessment": None, "late_reasons": None}
    over = (BreachCase.closed_at < before, BreachCase.facts != WIPED)
    older = select(BreachCase.id).where(BreachCase.closed_at < before)
    session.execute(update(BreachAssessment).where(BreachAssessment.breach_id.in_(older)).values(words=WIPED))
    return rows_of(session.execute(update(BreachCase).where(*over).values(**gone)))


KEEPERS: Mapping[str, Callable[[Session, datetime], int]] = {
    "closed_account": closed_accounts,
    "rights_words": rights_words,
    "breach_texts": breach_texts,
    "log_names": log.forget_before,
}
