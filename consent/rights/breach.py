"""A breach of personal data from the moment somebody knew, to the Office's reference and the last person told.

PDPA s.37(4): to the Office within 72 hours of knowing unless nobody is at risk, to the people themselves without delay
where the risk is high; a late report gives its reasons within 15 days more. Each step happens once, but the risk is
weighed as often as more is known, and every assessment is kept. To tell people takes two officers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import InsertOnce, new_id, rows_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.rights import clocks
from consent.rights.models import BreachAssessment, BreachCase, BreachTold

NATURES = ("confidentiality", "integrity", "availability")
RISKS = ("none", "risk", "high")
_weigh_once, _tell_once = InsertOnce(BreachAssessment), InsertOnce(BreachTold)


@dataclass(frozen=True)
class Due:
    """PURE: what a breach still wants, and by when. `confirm`: telling was asked for and waits for a second officer."""

    weigh: bool
    report_by: datetime | None
    explain_by: datetime | None
    tell: bool
    late: bool
    confirm: bool = False

    @property
    def anything(self) -> bool:
        """Whether it may not be closed yet."""
        return self.weigh or self.tell or self.report_by is not None or self.explain_by is not None


def due(case: BreachCase, *, now: datetime) -> Due:
    """PURE: what is left to do. Until somebody has weighed it, it counts as one that must be reported."""
    must_report = case.risk != "none"
    reported, since = case.reported_at, counts_from(case)
    late = must_report and clocks.is_late(since, reported or now)
    explain = late and reported is not None and case.late_reasons is None
    tell = case.risk == "high" and case.told_at is None
    return Due(
        weigh=case.risk is None,
        report_by=clocks.report_due(since) if must_report and reported is None else None,
        explain_by=clocks.explain_due(since) if explain else None,
        tell=tell,
        late=late,
        confirm=tell and case.tell_asked_at is not None,
    )


def counts_from(case: BreachCase) -> datetime:
    """PURE: from when the 72 hours run: from knowing, or from the first assessment that saw a risk after none had."""
    return case.risk_since or case.known_at


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
    """Keep an assessment of the risk; an earlier one stays beside it. Appends breach.assessed.

    Whoever sees a risk where all before saw none starts the 72 hours: until then there was nothing to report. A risk
    that was seen once starts no clock anew. Raises: NotFound; NotAllowed(code="risk"); Conflict when the breach is
    closed, or another officer weighed it at the same moment.
    """
    if risk not in RISKS or affected < 0:
        raise NotAllowed("Say how high the risk is.", code="risk")
    case = get(session, breach_id)
    if case.closed_at is not None:
        raise Conflict("This breach is closed.", detail="breach")
    before = assessments(session, breach_id)
    row = {"breach_id": breach_id, "n": len(before) + 1, "risk": risk, "affected": affected, "words": assessment}
    if not _weigh_once(session, {**row, "weighed_by": by, "weighed_at": now}):
        raise Conflict("Another officer has just weighed it.", detail="breach")
    first_risk = bool(before) and risk != "none" and all(one.risk == "none" for one in before)
    since = {"risk_since": now} if first_risk and case.reported_at is None else {}
    _once(session, case, risk=risk, affected=affected, assessment=assessment, weighed_at=now, **since)
    codes = (f"risk:{risk}", f"affected:{affected}", f"assessment:{len(before) + 1}")
    _note(session, "breach.assessed", case, by=by, codes=codes, now=now)
    return case


def assessments(session: Session, breach_id: UUID) -> Sequence[BreachAssessment]:
    """How it was weighed, oldest first."""
    its = select(BreachAssessment).where(BreachAssessment.breach_id == breach_id)
    return session.scalars(its.order_by(BreachAssessment.n)).all()


def report(
    session: Session, breach_id: UUID, *, reference: str, by: UUID, now: datetime, late_reasons: bytes | None = None
) -> BreachCase:
    """It was reported to the Office. After the 72 hours the entry says so, and reasons are due within 15 days.

    Appends breach.reported. Raises: NotFound; NotAllowed(code="reference"); Conflict when it was reported already.
    """
    if not reference.strip():
        raise NotAllowed("Write the Office’s reference.", code="reference")
    case = get(session, breach_id)
    late = clocks.is_late(counts_from(case), now)
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
    in_time = now <= clocks.explain_due(counts_from(case))
    _note(session, "breach.explained", case, by=by, reason="in_time" if in_time else "late", now=now)
    return case


def ask_to_tell(session: Session, breach_id: UUID, *, by: UUID, now: datetime) -> BreachCase:
    """An officer wants the people told; another one must confirm it. Appends breach.tell_asked.

    Raises: NotFound; Conflict when nobody is to be told, or it was asked for already.
    """
    case = get(session, breach_id)
    unasked = (BreachCase.tell_asked_at.is_(None), BreachCase.told_at.is_(None), BreachCase.risk == "high")
    _once(session, case, *unasked, tell_asked_at=now, tell_asked_by=by)
    _note(session, "breach.tell_asked", case, by=by, now=now)
    return case


def told(session: Session, breach_id: UUID, *, count: int, by: UUID, now: datetime) -> BreachCase:
    """A second officer confirms: so many people are told. Appends breach.told.

    Raises: NotFound; NotAllowed(code="same_officer") for who asked; Conflict when nobody asked, the risk is high no
    more, or they were told already.
    """
    case = get(session, breach_id)
    if case.tell_asked_by == by:
        raise NotAllowed("Another officer must confirm it.", code="same_officer")
    confirmed = (BreachCase.tell_asked_by != by, BreachCase.told_at.is_(None), BreachCase.risk == "high")
    _once(session, case, *confirmed, told_at=now, told_by=by, told=count)
    _note(session, "breach.told", case, by=by, codes=(f"people:{count}",), now=now)
    return case


def tell_once(session: Session, breach_id: UUID, subject_id: UUID, *, reached: bool, now: datetime) -> bool:
    """Write down that one person is told, once over all processes; whether this call did."""
    return _tell_once(session, {"breach_id": breach_id, "subject_id": subject_id, "reached": reached, "told_at": now})


def progress(session: Session, breach_id: UUID) -> tuple[int, int]:
    """How many were told so far, and how many of them no way reaches."""
    done, reached = func.count(), func.count().filter(BreachTold.reached)
    row = session.execute(select(done, reached).where(BreachTold.breach_id == breach_id)).one()
    return row[0], row[0] - row[1]


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
