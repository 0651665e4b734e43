"""Requests of people about their data: opened, put off once, held, answered or refused once, with an entry each.

A refusal is an answer as well: it has a reason from a closed list, is recorded, and is told (PDPA s.30, s.36, s.39).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import InsertOnce, new_id, rows_of, table_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.rights import asked, clocks
from consent.rights.asked import NOTHING, ON_PAPER, REVIEW, About, Paper
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase

REFUSALS = ("another_law", "harms_others", "legal_claims", "not_identified", "not_ours", "excessive", "still_needed")
EXTENSIONS = ("many_requests", "asks_others", "complex")
_EMPTY = tuple(column.name for column in table_of(RightsCase).columns)
HOLDS = ("open_case", "court", "open_visit", "staff_role", "restricted", "unreachable")
MOST_OPEN = 10  # of one person at a time: a queue is for people, not for programs


_open_once = InsertOnce(RightsCase)


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
    actor_id: UUID | None = None,
    paper: Paper | None = None,
) -> RightsCase:
    """Open a request; its clock runs from now, or from when the paper came. The same again, while open, is the same.

    Of two processes that open equal ones at the same moment one does, and both get its case (`uq_rights_case_open`).
    `words` are sealed already, for `case_id` if they are bound to it. `actor_id`: who asks for a ward. Appends
    dsar.opened. Raises: NotAllowed(code=…): `too_many` beyond MOST_OPEN open ones of the person's own asking, and of a
    paper `channel`, `evidence`, `received_at` when that lies ahead.
    """
    same = open_of(session, subject_id, kind, about, actor_id=actor_id)
    if same is not None:
        return same
    if paper is not None:
        asked.check(paper, now=now)
        channel = paper.channel
    theirs = [one for one in of_subject(session, subject_id) if one.actor_id == actor_id]  # nobody uses up another's
    own = [one for one in theirs if one.state == "open" and one.channel != REVIEW]
    if channel != REVIEW and len(own) >= MOST_OPEN:
        raise NotAllowed("Please wait until we have answered what is open.", code="too_many")
    row = {
        "id": case_id or new_id(),
        "subject_id": subject_id,
        "kind": kind.value,
        "channel": channel,
        "words": words,
        "actor_id": actor_id,
        **asked.columns(kind, about, paper, actor_id=actor_id, now=now),
    }
    if not _open_once(session, {**dict.fromkeys(_EMPTY), **row}):
        return _other(session, subject_id, kind, about, actor_id)
    case = get(session, row["id"])
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


def take_back(
    session: Session, case_id: UUID, *, subject_id: UUID, now: datetime, actor_id: UUID | None = None
) -> RightsCase:
    """The person, or who acts for them, needs no answer any more. Appends dsar.closed. Raises: NotFound; Conflict."""
    case = own(session, case_id, subject_id=subject_id)
    by = Actor.citizen(actor_id or subject_id)
    _close(session, case, by=by, now=now, state="taken_back")
    _note(session, "dsar.closed", case, by=by, reason="taken_back", now=now)
    return case


def sent(session: Session, case_id: UUID, *, way: str, by: Actor, now: datetime) -> RightsCase:
    """The answer left on paper, once: handed over at a counter, or posted. Appends dsar.sent.

    Raises: NotFound; NotAllowed(code="way"); Conflict while nothing is answered, or when it left already.
    """
    if way not in ON_PAPER:
        raise NotAllowed("Say how the answer left.", code="way")
    case = get(session, case_id)
    answered_once = (RightsCase.state.in_(("done", "refused")), RightsCase.sent_at.is_(None))
    _move(session, case, *answered_once, sent_by=way, sent_at=now)
    _note(session, "dsar.sent", case, by=by, reason=way, now=now)
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


def open_of(
    session: Session, subject_id: UUID, kind: Kind, about: About = NOTHING, *, actor_id: UUID | None = None
) -> RightsCase | None:
    """The open case about this person, by the same hand, that asks for the same about the same."""
    same = (
        RightsCase.actor_id.is_not_distinct_from(actor_id),
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


def _other(session: Session, subject_id: UUID, kind: Kind, about: About, actor_id: UUID | None) -> RightsCase:
    """The equal case that another process has just opened. Raises: Conflict when it is answered already."""
    found = open_of(session, subject_id, kind, about, actor_id=actor_id)
    if found is None:
        raise Conflict("Please send it once more.", detail="rights_case")
    return found


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
