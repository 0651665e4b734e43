"""A pause of uses while something is looked into, or instead of erasing (PDPA s.34): begun, announced, over.

What is paused stays as it is: it may not be used (`decision` says `restricted`), nor erased meanwhile. Only a use that
rests on the person's consent can be paused; what the law demands, an emergency and the person's own acts go on. We may
end a pause only some days after the person was told; they themselves at once. No job ends it: the clock does.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from consent import purposes
from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id, rows_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.models import ConsentRestriction
from consent.purposes import Kind
from consent.rights.models import RightsCase

EVERY = ""  # of all purposes that somebody may agree to
NO_END = datetime(9999, 12, 31, tzinfo=UTC)
TOLD_BEFORE = timedelta(days=3)  # between the announcement and the end, so that the person can object


def begin(
    session: Session,
    case: RightsCase,
    *,
    purpose: str,
    by: UUID,
    now: datetime,
    recipient_id: UUID | None = None,
) -> ConsentRestriction:
    """Pause a use from the next question on, without an end. The same again is the same pause.

    Appends restriction.begun. Raises: NotAllowed(code="purpose") for one that rests on no consent; NotFound.
    """
    if purpose != EVERY and purposes.get(purpose).kind is not Kind.CITIZEN_CONSENT:
        raise NotAllowed("Only a use that the person agreed to can be paused.", code="purpose")
    same = next(
        (
            one
            for one in running(session, case.subject_id, now=now)
            if (one.purpose, one.recipient_id, one.until) == (purpose, recipient_id, NO_END)
        ),
        None,
    )
    if same is not None:
        return same
    pause = ConsentRestriction(
        id=new_id(),
        subject_id=case.subject_id,
        case_id=case.id,
        recipient_id=recipient_id,
        purpose=purpose,
        begun_at=now,
        begun_by=by,
        until=NO_END,
    )
    session.add(pause)
    session.flush()
    _note(session, "restriction.begun", pause, by=Actor.staff(by), now=now)
    return pause


def announce(session: Session, pause_id: UUID, *, by: UUID, now: datetime) -> ConsentRestriction:
    """Say that a pause ends after TOLD_BEFORE, once; the caller tells the person. Appends restriction.ending.

    Raises: NotFound; Conflict when its end was announced already, or is over.
    """
    pause = get(session, pause_id)
    _move(session, pause, until=now + TOLD_BEFORE, announced_at=now, ended_by=by)
    _note(session, "restriction.ending", pause, by=Actor.staff(by), now=now)
    return pause


def end(session: Session, pause_id: UUID, *, subject_id: UUID, actor_id: UUID, now: datetime) -> bool:
    """The person, or who acts for them, ends it at once. False: it was over. Appends restriction.ended.

    Raises: NotFound, also for another's.
    """
    pause = get(session, pause_id)
    if pause.subject_id != subject_id:
        raise NotFound("We could not find that pause.", detail="restriction")
    ended = session.execute(
        update(ConsentRestriction)
        .where(ConsentRestriction.id == pause_id, ConsentRestriction.until > now)
        .values(until=now, ended_by=actor_id)
        .execution_options(synchronize_session=False)
    )
    if rows_of(ended) != 1:
        return False
    session.refresh(pause)
    _note(session, "restriction.ended", pause, by=Actor.citizen(actor_id), now=now)
    return True


def get(session: Session, pause_id: UUID) -> ConsentRestriction:
    """One pause. Raises: NotFound."""
    pause = session.get(ConsentRestriction, pause_id, populate_existing=True)
    if pause is None:
        raise NotFound("We could not find that pause.", detail="restriction")
    return pause


def running(session: Session, subject_id: UUID, *, now: datetime) -> Sequence[ConsentRestriction]:
    """What is paused of this person now, oldest first."""
    mine = select(ConsentRestriction).where(ConsentRestriction.subject_id == subject_id, ConsentRestriction.until > now)
    return session.scalars(mine.order_by(ConsentRestriction.begun_at, ConsentRestriction.id)).all()


def of_case(session: Session, case_id: UUID) -> Sequence[ConsentRestriction]:
    """What was paused because of one request, oldest first, also what is over."""
    its = select(ConsentRestriction).where(ConsentRestriction.case_id == case_id)
    return session.scalars(its.order_by(ConsentRestriction.begun_at, ConsentRestriction.id)).all()


def _move(
    session: Session, pause: ConsentRestriction, *, until: datetime, announced_at: datetime, ended_by: UUID
) -> None:
    moved = session.execute(
        update(ConsentRestriction)
        .where(ConsentRestriction.id == pause.id, ConsentRestriction.until == NO_END)
        .values(until=until, announced_at=announced_at, ended_by=ended_by)
        .execution_options(synchronize_session=False)
    )
    if rows_of(moved) != 1:
        raise Conflict("Its end was announced already.", detail="restriction")
    session.refresh(pause)


def _note(session: Session, event: str, pause: ConsentRestriction, *, by: Actor, now: datetime) -> None:
    log.append(
        session,
        event,
        now=now,
        actor=by,
        subject_id=pause.subject_id,
        recipient_id=pause.recipient_id,
        purpose=pause.purpose,
        codes=(f"case:{pause.case_id}", f"pause:{pause.id}"),
    )
