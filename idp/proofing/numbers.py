"""Whose a number is: the first proof makes it its person's own, once, and closes what others opened with it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import Conflict
from idp import alerts, jobs
from idp.keys import KeyRing
from idp.subjects import NationalId, Subject

END_ACCESS = "end-access"
PROOFING = Actor.system("proofing")


def prove(session: Session, ring: KeyRing, subject: Subject, *, now: datetime) -> None:
    """This person has shown that the number of the account is theirs; every other account with it is superseded.

    Raises: Conflict(code "bound") when somebody else has shown it before; then nothing is written.
    """
    number = session.scalars(select(NationalId).where(NationalId.subject_id == subject.id)).one_or_none()
    if number is None:  # somebody whom a passport names
        return
    if not number.proved:
        try:
            with session.begin_nested():
                session.execute(
                    update(NationalId)
                    .where(NationalId.id == number.id, NationalId.proved.is_(False))
                    .values(proved=True, claim=None)
                )
        except IntegrityError as error:
            raise Conflict("This number belongs to another account.", code="bound", detail="number") from error
    supersede(session, ring, fingerprint=number.fingerprint, now=now)


def supersede(session: Session, ring: KeyRing, *, fingerprint: str, now: datetime) -> int:
    """Close every provisional account with this number, tell its phone, and have its access ended; how many."""
    others = session.scalars(
        select(Subject)
        .join(NationalId, NationalId.subject_id == Subject.id)
        .where(NationalId.fingerprint == fingerprint, NationalId.proved.is_(False), Subject.status == "active")
        .order_by(Subject.id)
    ).all()
    for one in others:
        alerts.tell(session, ring, subject_id=one.id, kind="account_superseded", now=now)
        close(session, one.id, status="closed", reason="superseded", now=now)
    return len(others)


def close(session: Session, subject_id: UUID, *, status: str, reason: str, now: datetime) -> bool:
    """Shut an account: from here on no session and no token of it works. Once; the worker ends each by name.

    Appends account.closed.
    """
    shut = session.execute(
        update(Subject)
        .where(Subject.id == subject_id, Subject.status == "active")
        .values(status=status, closed_at=now)
        .returning(Subject.id)
    ).one_or_none()
    if shut is None:
        return False
    session.execute(update(NationalId).where(NationalId.subject_id == subject_id).values(claim=None))
    jobs.enqueue_job(session, END_ACCESS, subject_id, now=now)
    log.append(session, "account.closed", now=now, actor=PROOFING, subject_id=subject_id, reason=reason)
    return True
