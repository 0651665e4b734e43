"""The story of a breach: its texts are sealed, its people are told by the worker (PDPA s.37(4))."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent.db import new_id
from consent.errors import NotAllowed, NotFound
from consent.rights import breach
from consent.rights.models import BreachCase
from idp import alerts, jobs, subjects
from idp.jobs import Job
from idp.keys import KeyRing
from idp.oauth import clients
from idp.settings import Settings

TELL = "tell-of-breach"
LONGEST = 4000


@dataclass(frozen=True)
class Opened:
    """A breach with its texts, for the officer's page."""

    case: BreachCase
    due: breach.Due
    facts: str
    assessment: str
    late_reasons: str


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
    """Keep the assessment. Raises: as `breach.weigh`; NotAllowed(code="assessment") without words."""
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
    """Have everybody told whose data that service, or any, may have had; the worker does it, each person once.

    Raises: NotFound; Conflict when they were told already.
    """
    case = breach.get(session, breach_id)
    people = list(_people(session, case))
    case = breach.told(session, breach_id, count=len(people), by=by, now=now)
    jobs.enqueue_job(session, TELL, breach_id, now=now)
    return case


def spread(session: Session, ring: KeyRing, settings: Settings, job: Job, *, now: datetime) -> None:  # noqa: ARG001 -- a job's verb
    """Tell each of them by every way that reaches them. Whose account is shut is reached no more."""
    case = breach.get(session, job.ref_id)
    for person in _people(session, case):
        alerts.tell(session, ring, subject_id=person, kind="breach", now=now)
    jobs.finish(session, job.id)


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


def _people(session: Session, case: BreachCase) -> Iterator[UUID]:
    client = clients.find(session, case.client_id) if case.client_id else None
    for person in breach.people_of(session, client.legal_entity_id if client else None):
        if subjects.get(session, person).status == "active":
            yield person


def _sealed(ring: KeyRing, breach_id: UUID, part: str, words: str) -> bytes:
    if not words.strip() or len(words) > LONGEST:
        raise NotAllowed("Write it down, in at most 4,000 characters.", code=part)
    return ring.seal(words.strip(), place=_place(breach_id, part))


def _place(breach_id: UUID, part: str) -> str:
    return f"breach:{breach_id}:{part}"
