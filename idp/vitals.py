"""What an operator asks of a running server: may traffic come, how long are the queues, how old are the keys."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update

from consent.audit import seal
from consent.rights import breach, cases
from idp import breaker, emergency_access, keys, migrations, rotation, silence
from idp.channels import KINDS, NO_CHANNEL
from idp.contact import passages, spend
from idp.db import DatabaseError, Session, Sessions
from idp.jobs import Job
from idp.keys import KeyRings, SecretKey, SigningKey
from idp.metrics import Sample
from idp.outbox import Letter

MOST_SKEW = timedelta(seconds=1)  # RELIABILITY X13: a node further off takes itself out
NO_WRITE = update(SecretKey).where(SecretKey.name == "").values(name="")


def unready(sessions: Sessions, rings: KeyRings, *, clock: Callable[[], datetime]) -> tuple[str, ...]:
    """Why this node must get no traffic, as short codes: database, read_only, schema, keys, clock. Empty: it may."""
    try:
        with sessions.reading() as session:
            session.execute(select(1))
            found = migrations.current(sessions.engine)
            skew = clock_skew(session, clock=clock)
    except DatabaseError:
        return ("database",)
    if found != migrations.head() and not migrations.is_newer(found):  # an upgrade rolls on while we still serve
        return ("schema",)
    faults = []
    if not writable(sessions):
        faults.append("read_only")
    if not keys_loaded(rings, clock()):
        faults.append("keys")
    if abs(skew) > MOST_SKEW:
        faults.append("clock")
    return tuple(faults)


def writable(sessions: Sessions) -> bool:
    """Whether a write would be taken: the lock on SQLite, a server that is no standby on PostgreSQL. Writes nothing."""
    try:
        with sessions.writing() as session:
            session.execute(NO_WRITE)
    except DatabaseError:
        return False
    return True


def keys_loaded(rings: KeyRings, now: datetime) -> bool:
    """Whether there is a key for every use that this program signs with."""
    try:
        signers = rings.at(now).signers
    except (DatabaseError, ValueError):
        return False
    return all((use, alg) in signers for use, algorithms in keys.USES.items() for alg in algorithms)


def clock_skew(session: Session, *, clock: Callable[[], datetime]) -> timedelta:
    """How far this node's clock is ahead of the database's; nothing on SQLite, which has no clock of its own."""
    if session.get_bind().dialect.name == "sqlite":
        return timedelta(0)
    before = clock()
    theirs: datetime = session.scalar(select(func.clock_timestamp()))  # type: ignore[assignment]
    return before + (clock() - before) / 2 - theirs


def newest_moment(session: Session) -> datetime | None:
    """The latest time that this database has seen a server write: a clock that is behind it was set back."""
    moments = [session.scalar(select(func.max(SigningKey.created_at)))]
    newest = seal.latest(session)
    moments.append(newest.signed_at if newest else None)
    return max((moment for moment in moments if moment is not None), default=None)


def gauges(session: Session, *, now: datetime) -> list[Sample]:
    """Everything that is a state and not a count, asked of the database when Prometheus asks."""
    states = _letters, _messages, _jobs, _emergencies, _rights, _holders, _log, _keys
    return [*(sample for state in states for sample in state(session, now)), *_circuits()]


def _letters(session: Session, now: datetime) -> list[Sample]:
    rows = session.execute(
        select(Letter.kind, Letter.state, func.count(), func.min(Letter.queued_at))
        .where(Letter.state != "sent", func.coalesce(Letter.last_error, "") != NO_CHANNEL)
        .group_by(Letter.kind, Letter.state)
    )
    known = {(kind, state): (count, oldest) for kind, state, count, oldest in rows}
    found = []
    for kind in KINDS:
        count, oldest = known.get((kind, "queued"), (0, None))
        label, dead = {"kind": kind}, known.get((kind, "dead"), (0, None))[0]
        found += [
            Sample("yinyom_letters_queued", count, label, "Letters that wait to be sent."),
            Sample("yinyom_letters_oldest_seconds", _age(oldest, now), label, "Age of the oldest waiting letter."),
            Sample("yinyom_letters_dead", dead, label, "Letters that were given up."),
        ]
    return sorted(found, key=lambda sample: sample.name)


def _messages(session: Session, now: datetime) -> list[Sample]:
    """What text messages cost today, and what became of those of the last day."""
    spent = spend.spent_on(session, now)
    words = "Text messages of the last 24 h, by gateway and receipt."
    return [
        Sample("yinyom_messages_spent_satang", spent, {}, "What today's text messages have cost, in satang."),
        *(
            Sample("yinyom_messages_passed", one.count, {"gateway": one.gateway, "receipt": one.receipt}, words)
            for one in passages.tallies(session, now=now)
        ),
    ]


def _circuits() -> list[Sample]:
    """Of this process alone: each learns for itself that a service is away."""
    words = "Whether this process leaves an outside service alone because it did not answer."
    return [
        Sample("yinyom_circuit_open", float(away), {"service": name}, words)
        for name, away in sorted(breaker.open_services().items())
    ]


def _emergencies(session: Session, now: datetime) -> list[Sample]:
    """Broken glass that nobody has judged yet: each must be within 72 h, so any that is overdue is an alarm."""
    found, words = emergency_access.counts(session, now=now), "Emergency openings that wait for a review."
    return [
        Sample("yinyom_emergency_reviews", found.waiting, {"state": "waiting"}, words),
        Sample("yinyom_emergency_reviews", found.overdue, {"state": "overdue"}, words),
    ]


def _rights(session: Session, now: datetime) -> list[Sample]:
    """Clocks of the law that have run out: requests of people, and breaches that the Office should have heard of."""
    words = "Duties of the law that are past their time."
    return [
        Sample("yinyom_rights_overdue", cases.overdue(session, now=now), {"kind": "request"}, words),
        Sample("yinyom_rights_overdue", breach.overdue(session, now=now), {"kind": "breach"}, words),
    ]


def _holders(session: Session, now: datetime) -> list[Sample]:
    """Whether data holders still report their reads. `idp doctor` names who does not; a label names nobody."""
    voices = silence.voices(session, now=now)
    states = [voice.state(now) for voice in voices]
    words = "Data holders, by whether they report their reads as regularly as they used to."
    late = max((voice.late(now) for voice in voices), default=0.0)
    return [
        *(Sample("yinyom_holders", states.count(state), {"state": state}, words) for state in silence.STATES),
        Sample(
            "yinyom_holder_silence_ratio", late, {}, "The longest silence as a share of what is usual; over 1: late."
        ),
    ]


def _jobs(session: Session, now: datetime) -> list[Sample]:
    count, oldest = session.execute(select(func.count(), func.min(Job.queued_at)).where(Job.state == "queued")).one()
    return [
        Sample("yinyom_jobs_queued", count, {}, "Jobs that wait for the worker."),
        Sample("yinyom_jobs_oldest_seconds", _age(oldest, now), {}, "Age of the oldest waiting job."),
    ]


def _log(session: Session, now: datetime) -> Sequence[Sample]:
    """The log's tables are its own; an operator needs how many entries wait for the sealer, and when it came last."""
    waiting = session.scalar(text("SELECT count(*) FROM audit_unsealed")) or 0
    found = [Sample("yinyom_audit_unsealed", waiting, {}, "Audit entries that have no place in the tree yet.")]
    newest = seal.latest(session)
    if newest is not None:
        sealed = _age(newest.signed_at, now)
        found.append(Sample("yinyom_audit_last_seal_seconds", sealed, {}, "Age of the newest checkpoint of the log."))
    return found


def _keys(session: Session, now: datetime) -> Sequence[Sample]:
    return [
        Sample(
            "yinyom_signing_key_age_seconds",
            _age(key.activates_at, now),
            {"use": key.use, "alg": key.alg},
            "How long the current key of a use has been signing.",
        )
        for key in rotation.states(session, now=now)
        if key.state == "current"
    ]


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
