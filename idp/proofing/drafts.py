"""Save and return: what a person has typed so far, sealed under their own key, for a week. Never a card's secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import InsertOnce, new_id
from idp.keys import KeyRing
from idp.proofing.models import Case
from idp.subjects import PersonSealer

KEPT = timedelta(days=7)
FIELD = "proofing_case"
PASSED, FAILED, LAPSED = "passed", "failed", "lapsed"
_open_once = InsertOnce(Case)


@dataclass(frozen=True)
class Draft:
    """An open case as its person left it."""

    id: UUID
    step: str
    typed: Mapping[str, str]
    expires_at: datetime


def keep(
    session: Session,
    ring: KeyRing,
    *,
    subject_id: UUID,
    recipe: str,
    step: str,
    typed: Mapping[str, str],
    now: datetime,
) -> Draft:
    """Open the person's case of this recipe, or keep what they typed now in the open one. Appends proofing.started."""
    _lapse(session, subject_id, recipe, now=now)
    first = {"opened_at": now, "expires_at": now + KEPT, "closed_at": None, "outcome": None, "typed": None}
    began = _open_once(session, {"id": new_id(), "subject_id": subject_id, "recipe": recipe, "step": step, **first})
    sealed = PersonSealer(ring, session).seal(json.dumps(dict(typed)), owner=subject_id, field=FIELD)
    row = session.execute(
        update(Case)
        .where(Case.subject_id == subject_id, Case.recipe == recipe, Case.closed_at.is_(None))
        .values(step=step, typed=sealed)
        .returning(Case.id, Case.expires_at)
        .execution_options(synchronize_session=False)
    ).one()
    if began:
        log.append(
            session,
            "proofing.started",
            now=now,
            actor=Actor.citizen(subject_id),
            subject_id=subject_id,
            codes=(f"recipe:{recipe}",),
        )
    return Draft(row.id, step, dict(typed), row.expires_at)


def find(session: Session, ring: KeyRing, *, subject_id: UUID, recipe: str, now: datetime) -> Draft | None:
    """What they left, if it is not over."""
    row = session.scalar(
        select(Case).where(
            Case.subject_id == subject_id, Case.recipe == recipe, Case.closed_at.is_(None), Case.expires_at > now
        )
    )
    if row is None:
        return None
    sealer = PersonSealer(ring, session)
    typed = {} if row.typed is None else json.loads(sealer.open(row.typed, owner=subject_id, field=FIELD))
    return Draft(row.id, row.step, typed, row.expires_at)


def close(session: Session, *, subject_id: UUID, recipe: str, outcome: str, now: datetime) -> None:
    """The case is over, and what was typed is forgotten."""
    session.execute(
        update(Case)
        .where(Case.subject_id == subject_id, Case.recipe == recipe, Case.closed_at.is_(None))
        .values(closed_at=now, outcome=outcome, typed=None)
        .execution_options(synchronize_session=False)
    )


def purge(session: Session, *, now: datetime) -> int:
    """Close what nobody came back to; how many."""
    lapsed: Any = session.execute(
        update(Case)
        .where(Case.closed_at.is_(None), Case.expires_at <= now)
        .values(closed_at=now, outcome=LAPSED, typed=None)
        .execution_options(synchronize_session=False)
    )
    return int(lapsed.rowcount)


def _lapse(session: Session, subject_id: UUID, recipe: str, *, now: datetime) -> None:
    session.execute(
        update(Case)
        .where(Case.subject_id == subject_id, Case.recipe == recipe, Case.closed_at.is_(None), Case.expires_at <= now)
        .values(closed_at=now, outcome=LAPSED, typed=None)
        .execution_options(synchronize_session=False)
    )
