"""A breach of personal data from the moment somebody knew, to the Office's reference and the last person told.

PDPA s.37(4): to the Office within 72 hours of knowing unless nobody is at risk, to the people themselves without delay
where the risk is high; a late report gives its reasons within 15 days more. Each step happens once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id, rows_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.models import ConsentStanding
from consent.rights import clocks
from consent.rights.models import BreachCase

NATURES = ("confidentiality", "integrity", "availability")
RISKS = ("none", "risk", "high")


@dataclass(frozen=True)
class Due:
    """PURE: what a breach still wants, and by when."""

    weigh: bool
    report_by: datetime | None
    explain_by: datetime | None
    tell: bool
    late: bool

    @property
    def anything(self) -> bool:
        """Whether it may not be closed yet."""
        return self.weigh or self.tell or self.report_by is not None or self.explain_by is not None


def due(case: BreachCase, *, now: datetime) -> Due:
    """PURE: what is left to do. Until somebody has weighed it, it counts as one that must be reported."""
    must_report = case.risk != "none"
    reported = case.reported_at
    late = must_report and clocks.is_late(case.known_at, reported or now)
    explain = late and reported is not None and case.late_reasons is None
    return Due(
        weigh=case.risk is None,
        report_by=clocks.report_due(case.known_at) if must_report and reported is None else None,
        explain_by=clocks.explain_due(case.known_at) if explain else None,
        tell=case.risk == "high" and case.told_at is None,
        late=late,
    )


def open_breach(
    session: Session,
    *,
    nature: str,
    known_at: datetime,
    facts: bytes,
    by: UUID,
    now: datetime,
    client_id: str = "",
    breach_id: UUID | None = None,
) -> BreachCase:
    """Write a breach down; the 72 hours run from `known_at`. Appends breach.opened.

    `facts` are sealed already. Raises: NotAllowed(code=…): `nature`, `known_at` when that lies ahead.
    """
    if nature not in NATURES:
        raise NotAllowed("Say what happened to the data.", code="nature")
    if known_at > now:
        raise NotAllowed("Nobody knows of it yet.", code="known_at")
    case = BreachCase(
        id=breach_id or new_id(),
        nature=nature,
        client_id=client_id,
        facts=facts,
        opened_by=by,
        known_at=known_at,
        opened_at=now,
    )
    session.add(case)
    session.flush()
    _note(session, "breach.opened", case, by=by, codes=(f"nature:{nature}",), now=now)
    return case


def weigh(
    session: Session, breach_id: UUID, *, risk: str, affected: int, assessment: bytes, by: UUID, now: datetime
) -> BreachCase:
    """Keep the assessment of the risk: once, because a report stands on it. Appends breach.assessed.

    Raises: NotFound; NotAllowed(code="risk"); Conflict when it was weighed already.
    """
    if risk not in RISKS or affected < 0:
        raise NotAllowed("Say how high the risk is.", code="risk")
    case = get(session, breach_id)
    facts = {"risk": risk, "affected": affected, "assessment": assessment, "weighed_at": now}
    _once(session, case, BreachCase.weighed_at.is_(None), **facts)
    _note(session, "breach.assessed", case, by=by, codes=(f"risk:{risk}", f"affected:{affected}"), now=now)
    return case


def report(
    session: Session, breach_id: UUID, *, reference: str, by: UUID, now: datetime, late_reasons: bytes | None = None
) -> BreachCase:
    """It was reported to the Office. After the 72 hours the entry says so, and reasons are due within 15 days.

    Appends breach.reported. Raises: NotFound; NotAllowed(code="reference"); Conflict when it was reported already.
    """
    if not reference.strip():
        raise NotAllowed("Write the Office’s reference.", code="reference")
    case = get(session, breach_id)
    late = clocks.is_late(case.known_at, now)
    reasons = late_reasons if late else None
    explained = now if reasons is not None else None
    _once(
        session,
        case,
        BreachCase.reported_at.is_(None),
        reported_at=now,
        reference=reference.strip(),
        late_reasons=reasons,
        explained_at=explained,
    )
    _note(session, "breach.reported", case, by=by, reason="late" if late else "in_time", now=now)
    return case


def explain(session: Session, breach_id: UUID, *, reasons: bytes, by: UUID, now: datetime) -> BreachCase:
    """Why the report was late. Appends breach.explained. Raises: NotFound; Conflict when nothing is to be explained."""
    case = get(session, breach_id)
    if due(case, now=now).explain_by is None:
        raise Conflict("There is nothing to explain.", detail="breach")
    _once(session, case, BreachCase.late_reasons.is_(None), late_reasons=reasons, explained_at=now)
    in_time = now <= clocks.explain_due(case.known_at)
    _note(session, "breach.explained", case, by=by, reason="in_time" if in_time else "late", now=now)
    return case


def told(session: Session, breach_id: UUID, *, count: int, by: UUID, now: datetime) -> BreachCase:
    """So many people were told. Appends breach.told. Raises: NotFound; Conflict when they were told already."""
    case = get(session, breach_id)
    _once(session, case, BreachCase.told_at.is_(None), told_at=now, told=count)
    _note(session, "breach.told", case, by=by, codes=(f"people:{count}",), now=now)
    return case


def close(session: Session, breach_id: UUID, *, by: UUID, now: datetime) -> BreachCase:
    """Nothing is left to do. Appends breach.closed. Raises: NotFound; Conflict("breach_open") while something is."""
    case = get(session, breach_id)
    if due(case, now=now).anything:
        raise Conflict("Something is still to be done.", detail="breach", code="breach_open")
    _once(session, case, BreachCase.closed_at.is_(None), closed_at=now)
    _note(session, "breach.closed", case, by=by, now=now)
    return case


def get(session: Session, breach_id: UUID) -> BreachCase:
    """One breach. Raises: NotFound."""
    case = session.get(BreachCase, breach_id, populate_existing=True)
    if case is None:
        raise NotFound("We could not find that breach.", detail="breach")
    return case


def everything(session: Session) -> Sequence[BreachCase]:
    """All breaches, open ones first, then newest first."""
    order = (BreachCase.closed_at.is_not(None), BreachCase.known_at.desc(), BreachCase.id.desc())
    return session.scalars(select(BreachCase).order_by(*order)).all()


def people_of(session: Session, recipient_id: UUID | None) -> Sequence[UUID]:
    """Everybody whose data a recipient may have had; None: everybody who ever answered or was told anything here."""
    query = select(ConsentStanding.subject_id).distinct().order_by(ConsentStanding.subject_id)
    if recipient_id is not None:
        query = query.where(ConsentStanding.recipient_id == recipient_id)
    return session.scalars(query).all()


def overdue(session: Session, *, now: datetime) -> int:
    """How many open breaches are past a due moment."""
    waiting = session.scalars(select(BreachCase).where(BreachCase.closed_at.is_(None))).all()
    found = [due(case, now=now) for case in waiting]
    moments = [[at for at in (one.report_by, one.explain_by) if at is not None] for one in found]
    return sum(any(at <= now for at in one) for one in moments)


def _once(session: Session, case: BreachCase, *only: Any, **facts: Any) -> None:
    moved = session.execute(
        update(BreachCase)
        .where(BreachCase.id == case.id, BreachCase.closed_at.is_(None), *only)
        .values(**facts)
        .execution_options(synchronize_session=False)
    )
    if rows_of(moved) != 1:
        raise Conflict("This step was done already.", detail="breach")
    session.refresh(case)


def _note(
    session: Session,
    event: str,
    case: BreachCase,
    *,
    by: UUID,
    now: datetime,
    codes: tuple[str, ...] = (),
    reason: str = "",
) -> None:
    log.append(
        session,
        event,
        now=now,
        actor=Actor.staff(by),
        client_id=case.client_id,
        codes=(f"breach:{case.id}", *codes),
        reason=reason,
    )
