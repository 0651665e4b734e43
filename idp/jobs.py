"""Jobs that must be done: written with the facts they follow from, done later by the worker.

A worker takes a job by one conditional UPDATE that also moves `run_at` forward as a lease: a worker that dies leaves a
job that falls due again. So a job may run twice, and its verb must bear that.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, new_id

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 16
BATCH = 20


class Job(Base):
    """One thing to do about one row, by the verb that the worker knows under `kind`."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'done', 'dead')", name="state"),
        Index("ix_job_due", "state", "run_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Plain]
    ref_id: Mapped[UUID]
    state: Mapped[Plain]
    queued_at: Mapped[datetime]
    run_at: Mapped[datetime]
    attempts: Mapped[int]


_INSERT = insert(Job)
_DUE = (
    select(Job.id)
    .where(Job.state == "queued", Job.run_at <= bindparam("now"))
    .order_by(Job.run_at)
    .limit(bindparam("limit"))
)


def enqueue_job(session: Session, kind: str, ref_id: UUID, *, now: datetime, run_at: datetime | None = None) -> None:
    """Queue a job in this transaction, to run at `run_at` (default: at once). One insert, whoever it is about."""
    session.execute(
        _INSERT,
        {
            "id": new_id(),
            "kind": kind,
            "ref_id": ref_id,
            "state": "queued",
            "queued_at": now,
            "run_at": run_at or now,
            "attempts": 0,
        },
    )


def any_due(session: Session, *, now: datetime) -> bool:
    """Whether a round would find work; a plain read, so that an idle worker takes no write lock."""
    return session.scalar(_DUE, {"now": now, "limit": 1}) is not None


def claim_due(session: Session, *, now: datetime, limit: int = BATCH) -> list[Job]:
    """Take the jobs that are due, for `LEASE`; no other worker gets the same. One conditional statement each."""
    taken = []
    for job_id in session.scalars(_DUE, {"now": now, "limit": limit}).all():
        job = session.scalar(
            update(Job)
            .where(Job.id == job_id, Job.state == "queued", Job.run_at <= now)
            .values(attempts=Job.attempts + 1, run_at=now + LEASE)
            .returning(Job)
        )
        if job is not None:
            taken.append(job)
    return taken


def finish(session: Session, job_id: UUID, *, dead: bool = False) -> None:
    """The job is done, or (`dead`) not worth another try."""
    session.execute(update(Job).where(Job.id == job_id, Job.state == "queued").values(state="dead" if dead else "done"))


def put_back(session: Session, job: Job, *, now: datetime) -> None:
    """Try again after a pause that doubles."""
    session.execute(
        update(Job).where(Job.id == job.id, Job.state == "queued").values(run_at=now + pause_after(job.attempts))
    )


def pause_after(attempts: int) -> timedelta:
    """PURE: 2 s after the first try, then doubling, an hour at most."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(max(attempts - 1, 0), MOST_DOUBLINGS)))
