"""The portable part of somebody's data on its way to a service that they chose (PDPA s.31): asked, fetched once, over.

What is written here is a promise, not data: the service gets a handle that is good once and for some days, and what it
fetches is drawn at that moment. So nothing lies about, an erasure needs to find nothing, and the person can take it
back until the service has been there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id, rows_of
from consent.errors import NotAllowed, NotFound
from consent.rights.models import RightsTransfer

GOOD_FOR = timedelta(days=7)
DAY, MOST_A_DAY = timedelta(days=1), 10  # each is a letter to a service: a page is for people, not for programs


def ask(
    session: Session,
    *,
    subject_id: UUID,
    client_id: str,
    recipient_id: UUID,
    handle_hash: str,
    by: Actor,
    now: datetime,
) -> RightsTransfer:
    """Promise the data to one client; what it has not fetched yet is taken back. Appends transfer.asked.

    Raises: NotAllowed(code="too_many") beyond MOST_A_DAY of one person.
    """
    if sum(one.asked_at > now - DAY for one in of_person(session, subject_id)) >= MOST_A_DAY:
        raise NotAllowed("Ten times a day is enough.", code="too_many")
    for older in waiting(session, subject_id, now=now):
        if older.client_id == client_id:
            _take_back(session, older, by=by, now=now)
    row = RightsTransfer(
        id=new_id(),
        subject_id=subject_id,
        recipient_id=recipient_id,
        client_id=client_id,
        handle_hash=handle_hash,
        asked_at=now,
        expires_at=now + GOOD_FOR,
    )
    session.add(row)
    session.flush()
    _note(session, "transfer.asked", row, by=by, now=now)
    return row


def fetch(session: Session, handle_hash: str, *, client_id: str, by: Actor, now: datetime) -> RightsTransfer:
    """Use a handle up, once over all processes, by its own client alone. Appends transfer.fetched.

    Raises: NotFound, the same for unknown, another client's, too old, taken back and fetched before.
    """
    row = session.scalar(
        update(RightsTransfer)
        .where(
            RightsTransfer.handle_hash == handle_hash,
            RightsTransfer.client_id == client_id,
            RightsTransfer.fetched_at.is_(None),
            RightsTransfer.taken_back_at.is_(None),
            RightsTransfer.expires_at > now,
        )
        .values(fetched_at=now)
        .returning(RightsTransfer)
        .execution_options(synchronize_session=False)
    )
    if row is None:
        raise NotFound("There is nothing to fetch.", detail="transfer")
    _note(session, "transfer.fetched", row, by=by, now=now)
    return row


def take_back(session: Session, transfer_id: UUID, *, subject_id: UUID, now: datetime) -> bool:
    """The person does not want it any more. False: it is over already. Appends transfer.taken_back.

    Raises: NotFound, also for another's.
    """
    row = session.get(RightsTransfer, transfer_id, populate_existing=True)
    if row is None or row.subject_id != subject_id:
        raise NotFound("We could not find that.", detail="transfer")
    return _take_back(session, row, by=Actor.citizen(subject_id), now=now)


def take_back_all(session: Session, subject_id: UUID, *, now: datetime) -> int:
    """Whatever was not fetched yet; how many."""
    by = Actor.citizen(subject_id)
    return sum(_take_back(session, one, by=by, now=now) for one in waiting(session, subject_id, now=now))


def waiting(session: Session, subject_id: UUID, *, now: datetime) -> Sequence[RightsTransfer]:
    """What may still be fetched, oldest first."""
    return [one for one in reversed(of_person(session, subject_id)) if state(one, now=now) == "waiting"]


def of_person(session: Session, subject_id: UUID) -> Sequence[RightsTransfer]:
    """All of a person, newest first."""
    mine = select(RightsTransfer).where(RightsTransfer.subject_id == subject_id)
    return session.scalars(mine.order_by(RightsTransfer.asked_at.desc(), RightsTransfer.id.desc())).all()


def state(row: RightsTransfer, *, now: datetime) -> str:
    """PURE: `fetched`, `taken_back`, `lapsed` or `waiting`."""
    if row.fetched_at is not None:
        return "fetched"
    if row.taken_back_at is not None:
        return "taken_back"
    return "waiting" if now < row.expires_at else "lapsed"


def _take_back(session: Session, row: RightsTransfer, *, by: Actor, now: datetime) -> bool:
    done = session.execute(
        update(RightsTransfer)
        .where(RightsTransfer.id == row.id, RightsTransfer.fetched_at.is_(None), RightsTransfer.taken_back_at.is_(None))
        .values(taken_back_at=now)
        .execution_options(synchronize_session=False)
    )
    session.refresh(row)
    if rows_of(done) == 1:
        _note(session, "transfer.taken_back", row, by=by, now=now)
    return rows_of(done) == 1


def _note(session: Session, event: str, row: RightsTransfer, *, by: Actor, now: datetime) -> None:
    log.append(
        session,
        event,
        now=now,
        actor=by,
        subject_id=row.subject_id,
        client_id=row.client_id,
        recipient_id=row.recipient_id,
        codes=(f"transfer:{row.id}",),
    )
