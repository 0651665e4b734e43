"""Requests of people about their data: opened, put off once, held, answered or refused once, with an entry each.

A refusal is an answer as well: it has a reason from a closed list, is recorded, and is told (PDPA s.30, s.36, s.39).
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
from consent.db import new_id, rows_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.rights import clocks
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase

REVIEW = "review"  # opened by us, for the person: no limit on what they ask stands in its way
CHANNELS = ("web", "counter", "post", REVIEW)  # the draft rules want more ways than the web
REFUSALS = ("another_law", "harms_others", "legal_claims", "not_identified", "not_ours", "excessive", "still_needed")
EXTENSIONS = ("many_requests", "asks_others", "complex")
HOLDS = ("open_case", "court", "open_visit", "staff_role")
MOST_OPEN = 10  # of one person at a time: a queue is for people, not for programs


@dataclass(frozen=True)
class About:
    """What a request is about, where it is about one thing: a line of the log, a consent, an emergency access."""

    entry: UUID | None = None
    record: UUID | None = None
    emergency: UUID | None = None


NOTHING = About()


def open_case(
    session: Session,
    kind: Kind,
    *,
    subject_id: UUID,
    by: Actor,
    now: datetime,
    words: bytes | None = None,
    about: About = NOTHING,
    channel: str = "web",
    case_id: UUID | None = None,
) -> RightsCase:
    """Open a request; its clock runs from now. The same again, while it is open, is the same case.

    `words` are sealed already, for `case_id` if they are bound to it. Appends dsar.opened. Raises:
    NotAllowed(code="too_many") beyond MOST_OPEN open ones of the person's own asking.
    """
    same = open_of(session, subject_id, kind, about)
    if same is not None:
        return same
    own = [one for one in of_subject(session, subject_id) if one.state == "open" and one.channel != REVIEW]
    if channel != REVIEW and len(own) >= MOST_OPEN:
        raise NotAllowed("Please wait until we have answered what is open.", code="too_many")
    case = RightsCase(
        id=case_id or new_id(),
        subject_id=subject_id,
        kind=kind.value,
        channel=channel,
        about_entry=about.entry,
        about_record=about.record,
        about_emergency=about.emergency,
        words=words,
        state="open",
        opened_at=now,
        due_at=clocks.due(kind, now),
    )
    session.add(case)
    session.flush()
    _note(session, "dsar.opened", case, by=by, codes=(f"channel:{channel}",), now=now)
    return case


def add_words(session: Session, case_id: UUID, words: bytes) -> RightsCase:
    """The person wrote more: `words`, sealed, take the place of the earlier ones. Raises: NotFound; Conflict."""
    case = get(session, case_id)
    _move(session, case, RightsCase.state == "open", words=words)
    return case


def extend(session: Session, case_id: UUID, *, reason: str, by: Actor, now: datetime) -> RightsCase:
    """Put a case off, once, with a reason of EXTENSIONS, before it is due. Appends dsar.extended.

    Raises: NotFound; NotAllowed(code=…): `no_extension` for a kind that has none, `reason`; Conflict when it was put
    off or answered already, or is overdue: a clock that has run out is not wound up again.
    """
    case = get(session, case_id)
    later = clocks.extended(Kind(case.kind), case.due_at)
    if later is None:
        raise NotAllowed("The law gives this request no more time.", detail=f"{case.kind=}", code="no_extension")
    if reason not in EXTENSIONS:
        raise NotAllowed("Choose a reason.", code="reason")
    once = (RightsCase.state == "open", RightsCase.extended_at.is_(None), RightsCase.due_at > now)
    _move(session, case, *once, due_at=later, extended_at=now, extension_reason=reason)
    _note(session, "dsar.extended", case, by=by, reason=reason, now=now)
    return case


def hold(session: Session, case_id: UUID, *, reason: str, by: Actor, now: datetime) -> RightsCase:
    """Say what keeps the data for now (HOLDS), or with "" that nothing does any more. The clock runs on.

    Appends dsar.held. Raises: NotFound; NotAllowed(code="reason"); Conflict when it is answered already.
    """
    if reason and reason not in HOLDS:
        raise NotAllowed("Choose a reason.", code="reason")
    case = get(session, case_id)
    _move(session, case, RightsCase.state == "open", held_at=now if reason else None, hold=reason or None)
    _note(session, "dsar.held", case, by=by, reason=reason or "released", now=now)
    return case


def answer(session: Session, case_id: UUID, *, by: Actor, now: datetime, words: bytes | None = None) -> RightsCase:
    """Close a case as done; `words` to the person are sealed. Appends dsar.closed. Raises: NotFound; Conflict."""
    case = get(session, case_id)
    _close(session, case, by=by, now=now, state="done", answer=words)
    _note(session, "dsar.closed", case, by=by, reason="done", now=now)
    return case


def refuse(
    session: Session, case_id: UUID, *, reason: str, by: Actor, now: datetime, words: bytes | None = None
) -> RightsCase:
    """Refuse a case with a reason of REFUSALS, which is recorded and told (s.30, s.39(7)). Appends dsar.refused.

    Raises: NotFound; NotAllowed(code="reason"); Conflict when it is answered already.
    """
    if reason not in REFUSALS:
        raise NotAllowed("A refusal needs one of the reasons of the law.", code="reason")
    case = get(session, case_id)
    _close(session, case, by=by, now=now, state="refused", refusal=reason, answer=words)
    _note(session, "dsar.refused", case, by=by, reason=reason, outcome="denied", now=now)
    return case


def take_back(session: Session, case_id: UUID, *, subject_id: UUID, now: datetime) -> RightsCase:
    """The person needs no answer any more. Appends dsar.closed. Raises: NotFound, also for another's; Conflict."""
    case = own(session, case_id, subject_id=subject_id)
    by = Actor.citizen(subject_id)
    _close(session, case, by=by, now=now, state="taken_back")
    _note(session, "dsar.closed", case, by=by, reason="taken_back", now=now)
    return case


def looked(session: Session, case_id: UUID, *, by: Actor, now: datetime) -> RightsCase:
    """A case whose words will be shown to who handles it: the look is an entry (dsar.read). Raises: NotFound."""
    case = get(session, case_id)
    _note(session, "dsar.read", case, by=by, now=now)
    return case


def get(session: Session, case_id: UUID) -> RightsCase:
    """One case. Raises: NotFound."""
    case = session.get(RightsCase, case_id, populate_existing=True)
    if case is None:
        raise NotFound("We could not find that request.", detail="rights_case")
    return case


def own(session: Session, case_id: UUID, *, subject_id: UUID) -> RightsCase:
    """This person's case. Raises: NotFound, the same for unknown and for another's."""
    case = get(session, case_id)
    if case.subject_id != subject_id:
        raise NotFound("We could not find that request.", detail="rights_case")
    return case


def of_subject(session: Session, subject_id: UUID) -> Sequence[RightsCase]:
    """All cases of a person, newest first."""
    mine = select(RightsCase).where(RightsCase.subject_id == subject_id)
    return session.scalars(mine.order_by(RightsCase.opened_at.desc(), RightsCase.id.desc())).all()


def open_of(session: Session, subject_id: UUID, kind: Kind, about: About = NOTHING) -> RightsCase | None:
    """The open case of this person that asks for the same about the same."""
    same = (
        RightsCase.subject_id == subject_id,
        RightsCase.kind == kind.value,
        RightsCase.state == "open",
        RightsCase.about_entry.is_not_distinct_from(about.entry),
        RightsCase.about_record.is_not_distinct_from(about.record),
        RightsCase.about_emergency.is_not_distinct_from(about.emergency),
    )
    return session.scalars(select(RightsCase).where(*same)).first()


def queue(session: Session, *, limit: int = 200) -> Sequence[RightsCase]:
    """What waits for an answer, most urgent first."""
    waiting = select(RightsCase).where(RightsCase.state == "open")
    return session.scalars(waiting.order_by(RightsCase.due_at, RightsCase.id).limit(limit)).all()


def answered(session: Session, *, limit: int = 50) -> Sequence[RightsCase]:
    """What was answered last, newest first."""
    over = select(RightsCase).where(RightsCase.state != "open")
    return session.scalars(over.order_by(RightsCase.closed_at.desc(), RightsCase.id.desc()).limit(limit)).all()


def refusals(session: Session) -> dict[tuple[str, str], int]:
    """How many requests of each kind were refused for each reason: a part of the records of processing (s.39(7))."""
    counted = select(RightsCase.kind, RightsCase.refusal, func.count()).where(RightsCase.state == "refused")
    rows = session.execute(counted.group_by(RightsCase.kind, RightsCase.refusal))
    return {(kind, str(reason)): count for kind, reason, count in rows}


def overdue(session: Session, *, now: datetime) -> int:
    """How many open cases are past their day."""
    late = select(func.count()).where(RightsCase.state == "open", RightsCase.due_at <= now)
    return session.scalar(late) or 0


def _close(session: Session, case: RightsCase, *, by: Actor, now: datetime, **facts: Any) -> None:
    who = by.id if isinstance(by.id, UUID) else None
    _move(session, case, RightsCase.state == "open", closed_at=now, closed_by=who, **facts)


def _move(session: Session, case: RightsCase, *only: Any, **facts: Any) -> None:
    moved = session.execute(
        update(RightsCase)
        .where(RightsCase.id == case.id, *only)
        .values(**facts)
        .execution_options(synchronize_session=False)
    )
    if rows_of(moved) != 1:
        raise Conflict("This request was changed meanwhile.", detail=f"{case.kind=} {case.state=}")
    session.refresh(case)


def _note(
    session: Session,
    event: str,
    case: RightsCase,
    *,
    by: Actor,
    now: datetime,
    codes: tuple[str, ...] = (),
    reason: str = "",
    outcome: str = "ok",
) -> None:
    log.append(
        session,
        event,
        now=now,
        actor=by,
        subject_id=case.subject_id,
        consent_id=case.about_record,
        codes=(f"case:{case.id}", f"kind:{case.kind}", *codes),
        reason=reason,
        outcome=outcome,
    )
