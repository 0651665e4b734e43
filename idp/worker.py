"""The worker: resolves challenges, delivers letters, seals the log, drops what has expired. Several may run.

It outlives any single failure: what went wrong is logged by kind, never with personal data, and tried again.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Protocol

import structlog
from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from consent.audit import seal
from consent.errors import Conflict
from idp import (
    alerts,
    breaches,
    enrolment,
    family,
    jobs,
    outbox,
    recovery,
    restrictions,
    signals,
    silence,
    tidying,
    watching,
)
from idp.channels import TO_PEOPLE
from idp.contact import codes, limits
from idp.contact.challenge import Challenge
from idp.contact.limits import SendLedger
from idp.db import Sessions
from idp.jobs import Job
from idp.keys import KeyRing, KeyRings
from idp.login import held
from idp.outbox import Letter
from idp.ports import Ports
from idp.proofing import cases, numbers
from idp.seal_memory import SealMemory
from idp.settings import Settings
from idp.subjects import PersonSealer

PAUSE_S = 0.3
LONGEST_PAUSE_S = 5.0
LONGEST_GOODBYE_S = 2.0
SENDERS = 3  # text messages that may be under way at once
APART = ("mail", "line", "set")  # each has a thread of its own
MOST_ATTEMPTS = 10
PURGE_EVERY_S = 600.0
SEAL_EVERY_S = 1.0
MOST_SEALS = 20
CHALLENGE_KEPT = timedelta(days=1)
JOB_KEPT = timedelta(days=1)
MESSAGE_KEPT = timedelta(days=30)

logger = structlog.get_logger("yinyom.worker")


@dataclass(frozen=True)
class Worker:
    """What the worker was built from; the clock is read here and nowhere below."""

    settings: Settings
    sessions: Sessions
    rings: KeyRings
    ports: Ports
    clock: Callable[[], datetime]


def run(worker: Worker, stop: Event, *, pause: float = PAUSE_S, sealing: float = SEAL_EVERY_S) -> None:
    """Work until `stop` is set. An error is logged and the loop goes on, more slowly while errors last.

    Whoever speaks to the outside has threads of their own, so that a gateway that hangs holds up neither letters of
    another kind, nor the looking up of whose number it is, nor (there are several senders) every other message; so has
    the sealing of the log.
    """
    posted = Event()
    beside = [
        *(Thread(target=_loop, args=(worker, stop, pause, _messages, posted), daemon=True) for _ in range(SENDERS)),
        *(
            Thread(target=_loop, args=(worker, stop, pause, partial(_deliver, kind=kind)), daemon=True)
            for kind in APART
        ),
        Thread(target=_loop, args=(worker, stop, PURGE_EVERY_S, purge), daemon=True),
        Thread(target=_loop, args=(worker, stop, sealing, Sealing()), daemon=True),
        Thread(target=_loop, args=(worker, stop, sealing, watching.keep_up), daemon=True),
    ]
    for thread in beside:
        thread.start()
    _loop(worker, stop, pause, partial(_alive, posted=posted))
    posted.set()
    for thread in beside:
        thread.join(timeout=LONGEST_GOODBYE_S)


def run_once(worker: Worker) -> int:
    """One round over everything that is due; the number of jobs and letters tried."""
    return _people_first(worker) + _messages(worker) + sum(_deliver(worker, kind=kind) for kind in APART)


def _loop(
    worker: Worker, stop: Event, pause: float, work: Callable[[Worker], object], woken: Event | None = None
) -> None:
    wait = pause
    while not stop.is_set():
        try:
            work(worker)
            wait = pause
        except Exception as error:  # noqa: BLE001 -- the loop must survive whatever one round meets
            wait = min(max(pause, LONGEST_PAUSE_S), wait * 2)
            logger.error("worker.round_failed", error=type(error).__name__)  # noqa: TRY400 -- a trace may hold values
        (woken or stop).wait(wait)
        if woken is not None:
            woken.clear()


def _alive(worker: Worker, posted: Event | None = None) -> int:
    """A round that leaves a sign of life first (`idp health`), whether or not the round succeeds.

    What it wrote may be a message: `posted` wakes who sends them.
    """
    if worker.settings.pulse_file is not None:
        with suppress(OSError):
            worker.settings.pulse_file.touch()
    done = _people_first(worker)
    if done and posted is not None:
        posted.set()
    return done


def _people_first(worker: Worker) -> int:
    now = worker.clock()
    with worker.sessions.reading() as session:
        idle = not jobs.any_due(session, now=now)
    taken: list[Job] = []
    if not idle:
        with worker.sessions.writing() as session:
            taken = jobs.claim_due(session, now=now)
    for job in taken:
        _do(worker, job)
    return len(taken)


def _messages(worker: Worker) -> int:
    return _deliver(worker, kind="sms")


def _deliver(worker: Worker, *, kind: str) -> int:
    """Letters one by one, each claimed at its own moment.

    A lease counted from the start of a round is over before a slow gateway has answered for the letters ahead, and
    another worker would send the same message again.
    """
    tried = 0
    while tried < outbox.BATCH and outbox.deliver(
        worker.sessions, worker.rings, worker.ports, now=worker.clock(), kinds=(kind,), limit=1
    ):
        tried += 1
    return tried


class Sealing:
    """Seals what waits. What it signed is remembered in a file: a database that was set back is not signed again."""

    def __call__(self, worker: Worker) -> int:
        """One round: how many checkpoints were made. Another sealer being faster is no fault."""
        memory = SealMemory(worker.settings.seal_memory)
        for made in range(MOST_SEALS):
            with worker.sessions.reading() as session:
                if not seal.waiting(session):
                    return made
            now = worker.clock()
            signer, origin = worker.rings.at(now).signer("log", "Ed25519"), worker.settings.log_origin
            try:
                seal.seal(worker.sessions, signer, origin=origin, now=now, memory=memory)
            except Conflict:
                return made
        return MOST_SEALS


def purge(worker: Worker) -> None:
    """Drop what is of no more use: old challenges, paused requests, done jobs, sent messages, counts past every limit.

    Letters with signed events stay: the citizen's page tells from them who was told of a withdrawal.
    """
    now = worker.clock()
    with worker.sessions.writing() as session:
        session.execute(delete(Challenge).where(Challenge.expires_at < now - CHALLENGE_KEPT))
        session.execute(delete(Job).where(Job.state != "queued", Job.queued_at < now - JOB_KEPT))
        kept = Letter.state == "queued", Letter.queued_at >= now - MESSAGE_KEPT
        session.execute(delete(Letter).where(Letter.kind.in_(TO_PEOPLE), ~or_(*kept)))
        session.execute(delete(SendLedger).where(SendLedger.sent_1 < now - limits.DAY))
        for drop in tidying.PURGES:
            drop(session, now=now)
    with worker.sessions.writing() as session:
        ring = worker.rings.at(now)
        cases.expire(session, ring, now=now)
        held.seal_old(session, PersonSealer(ring, session))
        watching.remind(session, worker.rings.at(now), now=now)
        family.sweep(session, worker.rings.at(now), worker.settings, now=now)
    with worker.sessions.writing() as session:
        silence.listen(session, now=now)


def _do(worker: Worker, job: Job) -> None:
    try:
        VERBS[job.kind](worker, job)
    except Exception as error:  # noqa: BLE001 -- one job must not stop the others
        logger.warning("worker.job_failed", kind=job.kind, attempts=job.attempts, error=type(error).__name__)
        with worker.sessions.writing() as session:
            _try_again(session, job, now=worker.clock())


def _try_again(session: Session, job: Job, *, now: datetime) -> None:
    if job.attempts >= MOST_ATTEMPTS or job.kind not in VERBS:
        jobs.finish(session, job.id, dead=True)
    else:
        jobs.put_back(session, job, now=now)


def _resolve(worker: Worker, job: Job) -> None:
    now = worker.clock()
    enrolment.resolve(
        worker.sessions,
        worker.rings.at(now),
        worker.ports,
        job,
        now=now,
        fixed_code=worker.settings.sandbox_fixed_code,
        most_unanswered=None if worker.settings.sandbox else worker.settings.sms_range_unanswered,
        by_network=not worker.settings.sandbox,  # a developer tries everybody
        site=worker.settings.rp_id if worker.settings.sms_webotp else "",
    )


def _note(worker: Worker, job: Job) -> None:
    with worker.sessions.writing() as session:
        enrolment.note(session, job, now=worker.clock())


class InOne(Protocol):
    """A job's verb that does its work in one transaction and asks nobody outside."""

    def __call__(self, session: Session, ring: KeyRing, settings: Settings, job: Job, *, now: datetime) -> None:
        """Do it and finish the job."""
        ...


def _in_one(worker: Worker, job: Job, *, verb: InOne) -> None:
    now = worker.clock()
    with worker.sessions.writing() as session:
        verb(session, worker.rings.at(now), worker.settings, job, now=now)


def _end_access(worker: Worker, job: Job) -> None:
    with worker.sessions.writing() as session:
        enrolment.end_access(session, job, now=worker.clock())


VERBS: Mapping[str, Callable[[Worker, Job], None]] = {
    codes.RESOLVE: _resolve,
    codes.NOTE_WRONG: _note,
    codes.NOTE_LOCKED: _note,
    numbers.END_ACCESS: _end_access,
    alerts.SPREAD: partial(_in_one, verb=signals.spread),
    recovery.APPLY: partial(_in_one, verb=recovery.apply),
    breaches.TELL: partial(_in_one, verb=breaches.spread),
    restrictions.OVER: partial(_in_one, verb=restrictions.over),
}
