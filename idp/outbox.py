"""Letters that must be delivered: written with the facts they tell of, sent later by the worker.

A letter is queued in the caller's transaction, so a crash after the commit delays it but cannot lose it. A worker takes
it by one conditional UPDATE that also moves `next_at` forward as a lease: a worker that dies leaves a letter that falls
due again. The outside call happens between two transactions (DECISIONS 23), so a letter may arrive twice, and carries a
key by which the receiver can tell. Signed events about people reach a service in the order in which they were queued:
while one waits for its next try, those behind it wait as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, Sealed, new_id
from idp import channels
from idp.channels import KINDS, NO_CHANNEL, TO_PEOPLE, LetterPorts
from idp.db import Sessions
from idp.jobs import LEASE, pause_after
from idp.keys import KeyRing
from idp.ports import PortFailed

GIVE_UP_AFTER = timedelta(hours=72)
LONGEST_EVENT_PAUSE = timedelta(minutes=5)  # a service that is back learns soon of what it missed
BATCH = 20
WORKER = Actor.system("worker")


class Letter(Base):
    """One message to one address. `key` makes queuing it twice one letter; address and text are sealed."""

    __tablename__ = "letter"
    __table_args__ = (
        CheckConstraint("kind IN ('sms', 'mail', 'line', 'set')", name="kind"),
        CheckConstraint("state IN ('queued', 'sent', 'dead')", name="state"),
        Index("ix_letter_due", "state", "next_at"),
        Index("ix_letter_of_client", "client_id", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Plain]
    key: Mapped[Plain] = mapped_column(unique=True)
    subject_id: Mapped[UUID | None]
    recipient_id: Mapped[UUID | None]
    client_id: Mapped[Plain | None]
    consent_id: Mapped[UUID | None] = mapped_column(index=True)
    to_sealed: Mapped[Sealed | None]  # wiped once a message to a person is sent or dead
    body_sealed: Mapped[Sealed | None]
    state: Mapped[Plain]
    attempts: Mapped[int]
    queued_at: Mapped[datetime]
    next_at: Mapped[datetime]
    until: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    last_error: Mapped[Plain | None]


class Rings(Protocol):
    """Whoever gives the key ring of a moment."""

    def at(self, now: datetime) -> KeyRing:
        """The ring."""
        ...


def enqueue(
    session: Session,
    ring: KeyRing,
    *,
    kind: str,
    to: str,
    body: str,
    key: str,
    now: datetime,
    subject_id: UUID | None = None,
    client_id: str | None = None,
    recipient_id: UUID | None = None,
    consent_id: UUID | None = None,
    until: datetime | None = None,
) -> None:
    """Queue a letter in this transaction, of a kind and to an address as `idp.channels` lists them.

    The same `key` twice is one letter. It is given up at `until`, 72 h from now at the latest.

    Raises: ValueError for a letter to a person that holds a link: nothing of ours ever does (THAI.md 3b).
    """
    if kind in TO_PEOPLE and channels.carries_link(body):
        raise ValueError("a letter to a person must not hold a link")
    letter_id = new_id()
    row = {
        "id": letter_id,
        "kind": kind,
        "key": key,
        "subject_id": subject_id,
        "recipient_id": recipient_id,
        "client_id": client_id,
        "consent_id": consent_id,
        "to_sealed": ring.seal(to, place=f"letter:{letter_id}:to"),
        "body_sealed": ring.seal(body, place=f"letter:{letter_id}:body"),
        "state": "queued",
        "attempts": 0,
        "queued_at": now,
        "next_at": now,
        "until": min(until or now + GIVE_UP_AFTER, now + GIVE_UP_AFTER),
    }
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Letter).values(row).on_conflict_do_nothing(index_elements=["key"]))


def due_letters(session: Session, *, now: datetime, limit: int = BATCH, kinds: Sequence[str] = KINDS) -> Sequence[UUID]:
    """Ids of the letters that are due, oldest first."""
    return session.scalars(_DUE_LETTERS, {"now": now, "limit": limit, "kinds": kinds}).all()


def claim_letter(session: Session, letter_id: UUID, *, now: datetime) -> Letter | None:
    """Take a due letter for `LEASE`, or None when another worker has it. One conditional statement."""
    return session.scalar(
        update(Letter)
        .where(Letter.id == letter_id, Letter.state == "queued", Letter.next_at <= now, _NONE_BEFORE)
        .values(attempts=Letter.attempts + 1, next_at=now + LEASE)
        .returning(Letter)
        .execution_options(synchronize_session=False)
    )


def deliver(
    sessions: Sessions,
    rings: Rings,
    ports: LetterPorts,
    *,
    now: datetime,
    limit: int = BATCH,
    kinds: Sequence[str] = KINDS,
) -> int:
    """Send what is due and record each outcome; the number of letters tried.

    Claim, commit, send, record: no transaction is open while the outside world answers. A crash between sending and
    recording sends again under the same key.
    """
    with sessions.reading() as session:
        due = due_letters(session, now=now, limit=limit, kinds=kinds)
    return sum(attempt(sessions, rings, ports, letter_id, now=now) for letter_id in due)


def attempt(sessions: Sessions, rings: Rings, ports: LetterPorts, letter_id: UUID, *, now: datetime) -> bool:
    """Try one letter, if it is due and nobody else has it; whether it was tried here."""
    with sessions.writing() as session:
        letter = claim_letter(session, letter_id, now=now)
    if letter is None:
        return False
    failure = _send(rings.at(now), ports, letter, now=now)
    with sessions.writing() as session:
        _record(session, letter, failure, now=now)
    return True


def to_client(session: Session, client_id: str, *, keys: str, limit: int = 5) -> Sequence[Letter]:
    """The newest letters to one client whose key begins with `keys`, newest first."""
    asked = {"client": client_id, "keys": keys, "limit": limit}
    return session.scalars(_TO_CLIENT, asked).all()


def _send(ring: KeyRing, ports: LetterPorts, letter: Letter, *, now: datetime) -> PortFailed | None:
    if now >= letter.until or letter.to_sealed is None or letter.body_sealed is None:
        return PortFailed("too_late", temporary=False)
    to = ring.open(letter.to_sealed, place=f"letter:{letter.id}:to")
    body = ring.open(letter.body_sealed, place=f"letter:{letter.id}:body")
    try:
        channels.send(ports, letter.kind, to, body, key=letter.key)
    except PortFailed as failure:
        return failure
    except Exception as fault:  # noqa: BLE001 -- a port that breaks its promise must not stop the other letters
        return PortFailed(f"fault_{type(fault).__name__}")
    return None


def _record(session: Session, letter: Letter, failure: PortFailed | None, *, now: datetime) -> None:
    if failure is None:
        changes: dict[str, Any] = {"state": "sent", "sent_at": now, "last_error": None}
        if letter.kind == "set":
            changes["acknowledged_at"] = now
    elif failure.temporary and now + _pause(letter) < letter.until:
        changes = {"next_at": now + _pause(letter), "last_error": failure.code}
    else:
        changes = {"state": "dead", "last_error": failure.code}
    if letter.kind in TO_PEOPLE and "state" in changes:
        changes |= {"to_sealed": None, "body_sealed": None}
    recorded: Any = session.execute(
        update(Letter).where(Letter.id == letter.id, Letter.state == "queued").values(changes)
    )
    if recorded.rowcount and "state" in changes:
        _log(session, letter, failure, now=now)


def _pause(letter: Letter) -> timedelta:
    pause = pause_after(letter.attempts)
    return min(pause, LONGEST_EVENT_PAUSE) if letter.kind == "set" else pause


def _log(session: Session, letter: Letter, failure: PortFailed | None, *, now: datetime) -> None:
    if letter.kind in TO_PEOPLE and (failure is None or failure.code == NO_CHANNEL):
        return  # what was sent is written when it is queued; a channel that nobody set up fails nobody
    log.append(
        session,
        "letter.failed" if failure else "letter.delivered",
        now=now,
        actor=WORKER,
        subject_id=letter.subject_id,
        client_id=letter.client_id or "",
        recipient_id=letter.recipient_id,
        consent_id=letter.consent_id,
        codes=(f"letter:{letter.kind}",),
        outcome="failed" if failure else "ok",
        reason=failure.code if failure else "",
    )


_EARLIER = aliased(Letter)
_NONE_BEFORE = or_(  # trials of an endpoint are about nobody, and wait for nothing
    Letter.kind != "set",
    Letter.subject_id.is_(None),
    ~select(_EARLIER.id)
    .where(
        _EARLIER.client_id == Letter.client_id,
        _EARLIER.state == "queued",
        _EARLIER.kind == "set",
        _EARLIER.subject_id.is_not(None),
        _EARLIER.id < Letter.id,
    )
    .exists(),
)
_DUE_LETTERS = (
    select(Letter.id)
    .where(
        Letter.state == "queued",
        Letter.next_at <= bindparam("now"),
        Letter.kind.in_(bindparam("kinds", expanding=True)),
        _NONE_BEFORE,
    )
    .order_by(Letter.next_at)
    .limit(bindparam("limit"))
)
_TO_CLIENT = (
    select(Letter)
    .where(Letter.client_id == bindparam("client"), Letter.key.startswith(bindparam("keys"), autoescape=False))
    .order_by(Letter.id.desc())
    .limit(bindparam("limit"))
)
