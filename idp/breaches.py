"""The story of a breach: its texts are sealed, its people are told by the worker (PDPA s.37(4)).

One officer asks for the telling, another confirms it. The worker tells them some at a time, each batch in one
transaction with the list of who was told: a worker that dies tells nobody twice and leaves nobody out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from consent.db import new_id
from consent.errors import Conflict, ConsentError, NotAllowed, NotFound
from consent.models import ConsentStanding
from consent.rights import breach
from consent.rights.models import BreachAssessment, BreachCase, BreachTold
from idp import alerts, jobs
from idp.jobs import Job
from idp.keys import KeyRing
from idp.oauth import clients
from idp.people import Subject
from idp.settings import Settings

TELL = "tell-of-breach"
LONGEST = 4000
BATCH = 50  # people in one transaction
STUCK_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Opened:
    """A breach with its texts, for the officer's page."""

    case: BreachCase
    due: breach.Due
    facts: str
    assessment: str
    late_reasons: str


@dataclass(frozen=True)
class Telling:
    """How far the telling has come. `unreached`: whom no way reaches. `stuck`: somebody is `left` for too long."""

    told: int
    of: int
    unreached: int
    left: bool
    stuck: bool


def start(
    session: Session,
    ring: KeyRing,
    *,
    nature: str,
    known_at: datetime,
    facts: str,
    by: UUID,
    now: datetime,
    client_id: str = "",
) -> BreachCase:
    """Write a breach down. Raises: as `breach.open_breach`; NotAllowed(code "facts"); NotFound for no such client."""
    if client_id and clients.find(session, client_id) is None:
        raise NotFound("There is no such service.", detail="client")
    breach_id = new_id()
    return breach.open_breach(
        session,
        nature=nature,
        known_at=known_at,
        facts=_sealed(ring, breach_id, "facts", facts),
        by=by,
        client_id=client_id,
        breach_id=breach_id,
        now=now,
    )


def weigh(
    session: Session,
    ring: KeyRing,
    breach_id: UUID,
    *,
    risk: str,
    affected: int,
    assessment: str,
    by: UUID,
    now: datetime,
) -> BreachCase:
    """Keep an assessment, the first or a newer one. Raises: as `breach.weigh`; NotAllowed(code="assessment")."""
    sealed = _sealed(ring, breach_id, "assessment", assessment)
    return breach.weigh(session, breach_id, risk=risk, affected=affected, assessment=sealed, by=by, now=now)


def report(
    session: Session, ring: KeyRing, breach_id: UUID, *, reference: str, reasons: str, by: UUID, now: datetime
) -> BreachCase:
    """It was reported; `reasons` where it was late and they are known. Raises: as `breach.report`."""
    sealed = _sealed(ring, breach_id, "late_reasons", reasons) if reasons.strip() else None
    return breach.report(session, breach_id, reference=reference, late_reasons=sealed, by=by, now=now)


def explain(session: Session, ring: KeyRing, breach_id: UUID, *, reasons: str, by: UUID, now: datetime) -> BreachCase:
    """Why it was late. Raises: as `breach.explain`; NotAllowed(code="late_reasons") without words."""
    sealed = _sealed(ring, breach_id, "late_reasons", reasons)
    return breach.explain(session, breach_id, reasons=sealed, by=by, now=now)


def tell(session: Session, breach_id: UUID, *, by: UUID, now: datetime) -> BreachCase:
    """A second officer has everybody told whose data that service, or any, may have had; the worker does it.

    Raises: NotFound; NotAllowed(code="same_officer"); Conflict as `breach.told`.
    """
    count = _count(session, breach.get(session, breach_id))
    case = breach.told(session, breach_id, count=count, by=by, now=now)
    jobs.enqueue_job(session, TELL, breach_id, now=now)
    return case


def go_on(session: Session, breach_id: UUID, *, now: datetime) -> None:
    """Have the worker take it up again, after it gave up. Raises: NotFound; Conflict when nobody is left to be told."""
    case = breach.get(session, breach_id)
    if case.told_at is None or not _waiting(session, case, limit=1):
        raise Conflict("Nobody is left to be told.", detail="breach")
    jobs.enqueue_job(session, TELL, breach_id, now=now)


def spread(session: Session, ring: KeyRing, settings: Settings, job: Job, *, now: datetime) -> None:  # noqa: ARG001 -- a job's verb
    """Tell the next of them by every way that reaches them, and leave the others to the next job."""
    case = breach.get(session, job.ref_id)
    people = _waiting(session, case, limit=BATCH)
    for person in people:
        _tell(session, ring, case, person, now=now)
    jobs.finish(session, job.id)
    if len(people) == BATCH:
        jobs.enqueue_job(session, TELL, case.id, now=now)


def telling(session: Session, case: BreachCase, *, now: datetime) -> Telling | None:
    """How far the telling has come; None before it was confirmed."""
    if case.told_at is None:
        return None
    told, unreached = breach.progress(session, case.id)
    left = bool(_waiting(session, case, limit=1))
    return Telling(told, case.told or 0, unreached, left, left and now > case.told_at + STUCK_AFTER)


def opened(session: Session, ring: KeyRing, breach_id: UUID, *, now: datetime) -> Opened:
    """A breach with its texts. Raises: NotFound."""
    case = breach.get(session, breach_id)
    texts = {
        part: ring.open(sealed, place=_place(case.id, part)) if sealed else ""
        for part, sealed in (
            ("facts", case.facts),
            ("assessment", case.assessment),
            ("late_reasons", case.late_reasons),
        )
    }
    return Opened(case, breach.due(case, now=now), texts["facts"], texts["assessment"], texts["late_reasons"])


def _tell(session: Session, ring: KeyRing, case: BreachCase, person: UUID, *, now: datetime) -> None:
    """One person. Whom nothing reaches holds up nobody behind them."""
    once = session.begin_nested()
    try:
        if breach.tell_once(session, case.id, person, reached=True, now=now):
            alerts.tell(session, ring, subject_id=person, kind="breach", now=now)
        once.commit()
    except (KeyError, ConsentError):  # their key is gone: the account is being closed at this moment
        once.rollback()
        breach.tell_once(session, case.id, person, reached=False, now=now)


def _concerned(session: Session, case: BreachCase) -> tuple[ColumnElement[bool], ...]:
    """SQL: living accounts whose data that service, or any, may have had."""
    client = clients.find(session, case.client_id) if case.client_id else None
    stands = exists().where(ConsentStanding.subject_id == Subject.id)
    if client is not None:
        stands = stands.where(ConsentStanding.recipient_id == client.legal_entity_id)
    return Subject.status == "active", stands


def _count(session: Session, case: BreachCase) -> int:
    return session.scalar(select(func.count()).select_from(Subject).where(*_concerned(session, case))) or 0


def _waiting(session: Session, case: BreachCase, *, limit: int) -> Sequence[UUID]:
    told = exists().where(BreachTold.breach_id == case.id, BreachTold.subject_id == Subject.id)
    query = select(Subject.id).where(*_concerned(session, case), ~told).order_by(Subject.id).limit(limit)
    return session.scalars(query).all()


def history(session: Session, ring: KeyRing, breach_id: UUID) -> list[tuple[BreachAssessment, str]]:
    """Every assessment with its words, oldest first; words that were let go are empty."""
    place = _place(breach_id, "assessment")
    rows = breach.assessments(session, breach_id)
    return [(one, ring.open(one.words, place=place) if one.words else "") for one in rows]


def _sealed(ring: KeyRing, breach_id: UUID, part: str, words: str) -> bytes:
    if not words.strip() or len(words) > LONGEST:
        raise NotAllowed("Write it down, in at most 4,000 characters.", code=part)
    return ring.seal(words.strip(), place=_place(breach_id, part))


def _place(breach_id: UUID, part: str) -> str:
    return f"breach:{breach_id}:{part}"
