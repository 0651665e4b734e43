"""What people are told of unasked: who opened their data, and every 90 days which consents still run (PDPA s.19, s.30).

The worker follows the log by the numbers of its tree, so nothing waits for this where data is opened, no entry is
missed, and none is told twice: the place up to which it has read moves in the transaction of the messages.
A person chooses to hear of emergencies alone, of each organisation's first look (unless they chose), or of all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    Uuid,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent import purposes
from consent.audit import follow, log
from consent.audit.entry import Entry
from consent.audit.follow import Followed
from consent.db import Base, InsertOnce, Plain, rows_of, table_of
from consent.errors import NotFound
from consent.models import ConsentStanding
from idp import alerts
from idp.db import Sessions
from idp.keys import KeyRing, KeyRings
from idp.subjects import Subject

EVENTS = frozenset({"introspect", "userinfo.read", "data.opened"})
SIGN_IN = "SIGNIN"  # says who, and opens nothing
APART = timedelta(hours=1)  # of one organisation, what lies nearer is one message
REMIND_EVERY = timedelta(days=90)
BATCH, ROUNDS, REMINDED_AT_ONCE = 500, 20, 50
WATCHER = log.Actor.system("worker")


class Level(StrEnum):
    """What somebody wishes to hear of at once. Emergencies are told to everybody."""

    emergency = "emergency"
    first = "first"
    all = "all"


class WatchWish(Base):
    """What a person chose; who has no row hears of first looks, and is reminded."""

    __tablename__ = "watch_wish"
    __table_args__ = (CheckConstraint("level IN ('emergency', 'first', 'all')", name="level"),)

    subject_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("subject.id"), primary_key=True)
    level: Mapped[Plain]
    reminders: Mapped[bool]
    chosen_at: Mapped[datetime]


class WatchSeen(Base):
    """An organisation that opened this person's data before, and when they last heard of it."""

    __tablename__ = "watch_seen"

    subject_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("subject.id"), primary_key=True)
    recipient_id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    told_at: Mapped[datetime]


class WatchCursor(Base):
    """How far the log was followed, by compare-and-swap; of which moves of consents all were reminded. One row."""

    __tablename__ = "watch_cursor"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger())
    reminded_to: Mapped[datetime | None]


class WatchReminded(Base):
    """When a person was last reminded of the consents that run."""

    __tablename__ = "watch_reminded"
    __table_args__ = (Index("ix_watch_reminded_reminded_at", "reminded_at"),)

    subject_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("subject.id"), primary_key=True)
    reminded_at: Mapped[datetime]


@dataclass(frozen=True)
class Wish:
    """The choice in force."""

    level: Level = Level.first
    reminders: bool = True


_begin = InsertOnce(WatchCursor)
_choose, _see, _remember = InsertOnce(WatchWish), InsertOnce(WatchSeen), InsertOnce(WatchReminded)
_WISH, _SEEN, _REMINDED = table_of(WatchWish), table_of(WatchSeen), table_of(WatchReminded)


def wish_of(session: Session, subject_id: UUID) -> Wish:
    """What this person chose, or what everybody gets."""
    row = session.get(WatchWish, subject_id)
    return Wish() if row is None else Wish(Level(row.level), row.reminders)


def choose(session: Session, subject_id: UUID, wish: Wish, *, now: datetime) -> None:
    """Keep the choice; the newest counts."""
    row = {"level": wish.level.value, "reminders": wish.reminders, "chosen_at": now}
    if not _choose(session, {"subject_id": subject_id, **row}):
        session.execute(update(_WISH).where(_WISH.c.subject_id == subject_id).values(row))


def weighty(purpose: str) -> bool:
    """PURE: whether a purpose opens data of section 26, such as health: its first look is told unasked."""
    try:
        row = purposes.get(purpose)
    except NotFound:
        return True
    return any(purposes.category(code).s26 for code in row.data_categories)


def kind_of(wish: Wish, entry: Entry, *, told_at: datetime | None, now: datetime) -> str | None:
    """PURE: the message that an entry deserves. `told_at`: when this organisation was last told of; None: never.

    Names and addresses that somebody just shared by their own hand are told only to who wishes to hear of all.
    """
    if entry.event not in EVENTS or entry.recipient_id is None or entry.purpose in ("", SIGN_IN):
        return None
    if wish.level is Level.emergency:
        return None
    if told_at is None and weighty(entry.purpose):
        return "first_access"
    return "accessed" if wish.level is Level.all and (told_at is None or now - told_at >= APART) else None


def behind(session: Session) -> bool:
    """Whether the log has grown since it was last followed; a plain read."""
    seq = session.scalar(select(WatchCursor.seq))
    return seq is None or seq < follow.size(session)


def watch(session: Session, ring: KeyRing, *, now: datetime) -> int:
    """Follow the log a little further and queue what is due; how many messages.

    The first round of all begins at the end of the log: nobody is told of years ago.
    """
    size = follow.size(session)
    since = session.scalar(select(WatchCursor.seq))
    if since is None:
        _begin(session, {"id": 1, "seq": size})
        return 0
    until = min(size, since + BATCH)
    moved = update(table_of(WatchCursor)).where(table_of(WatchCursor).c.seq == since).values(seq=until)
    if until <= since or rows_of(session.execute(moved)) != 1:
        return 0  # nothing new, or another worker is just doing it
    return sum(_tell(session, ring, one, now=now) for one in follow.between(session, since, until, events=EVENTS))


class Watcher(Protocol):
    """The part of the worker that following the log needs."""

    @property
    def sessions(self) -> Sessions: ...  # noqa: D102
    @property
    def rings(self) -> KeyRings: ...  # noqa: D102
    @property
    def clock(self) -> Callable[[], datetime]: ...  # noqa: D102


def keep_up(worker: Watcher) -> int:
    """Follow the log towards its end; how many messages. An idle server costs one read."""
    told = 0
    for _ in range(ROUNDS):
        with worker.sessions.reading() as session:
            if not behind(session):
                return told
        now = worker.clock()
        with worker.sessions.writing() as session:
            told += watch(session, worker.rings.at(now), now=now)
    return told


def _tell(session: Session, ring: KeyRing, followed: Followed, *, now: datetime) -> bool:
    entry, person = followed.entry, followed.person_id
    if entry.recipient_id is None or entry.purpose in ("", SIGN_IN) or not _alive(session, person):
        return False
    at = {"subject_id": person, "recipient_id": entry.recipient_id}
    known = session.get(WatchSeen, (person, entry.recipient_id), populate_existing=True)
    kind = kind_of(wish_of(session, person), entry, told_at=None if known is None else known.told_at, now=now)
    if known is None and (kind is not None or weighty(entry.purpose)):
        _see(session, {**at, "told_at": now})
    elif kind is not None:
        here = (_SEEN.c.subject_id == person, _SEEN.c.recipient_id == entry.recipient_id)
        session.execute(update(_SEEN).where(*here).values(told_at=now))
    if kind is None:
        return False
    alerts.tell(session, ring, subject_id=person, kind=kind, now=now)
    return True


def remind(session: Session, ring: KeyRing, *, now: datetime) -> int:
    """Remind people of consents that run and of which they have not heard for 90 days; how many.

    Appends consent.renotified. A few at a time: what is left is due at the next round. Two workers remind nobody twice.
    """
    told = 0
    for person in (*_again(session, now=now), *_first(session, now=now)):
        if not _mark(session, person, now=now):
            continue
        told += 1
        if wish_of(session, person).reminders:
            alerts.tell(session, ring, subject_id=person, kind="consent_reminder", now=now)
            log.append(session, "consent.renotified", now=now, actor=WATCHER, subject_id=person)
    return told


def _again(session: Session, *, now: datetime) -> list[UUID]:
    """Whoever last heard 90 days ago; whom nothing concerns any more is forgotten, until a consent is old again."""
    long_ago, concerned = now - REMIND_EVERY, _runs(now).where(ConsentStanding.subject_id == WatchReminded.subject_id)
    found = session.execute(
        select(WatchReminded.subject_id, concerned.exists().label("runs"))
        .where(WatchReminded.reminded_at <= long_ago)
        .order_by(WatchReminded.reminded_at)
        .limit(REMINDED_AT_ONCE)
    ).all()
    past = [row.subject_id for row in found if not row.runs]
    session.execute(delete(_REMINDED).where(_REMINDED.c.subject_id.in_(past), _REMINDED.c.reminded_at <= long_ago))
    return [row.subject_id for row in found if row.runs]


def _first(session: Session, *, now: datetime) -> list[UUID]:
    """Whoever never heard and whose consent has just become 90 days old; the mark keeps older ones from being read."""
    _begin(session, {"id": 1, "seq": follow.size(session)})
    long_ago, mark = now - REMIND_EVERY, session.scalar(select(WatchCursor.reminded_to))
    unheard = _runs(now).where(~exists().where(WatchReminded.subject_id == ConsentStanding.subject_id))
    since = [] if mark is None else [ConsentStanding.moved_at >= mark]
    moved = func.min(ConsentStanding.moved_at)
    found = session.execute(
        unheard.with_only_columns(ConsentStanding.subject_id, moved.label("moved_at"))
        .where(*since)
        .group_by(ConsentStanding.subject_id)
        .order_by(moved)
        .limit(REMINDED_AT_ONCE)
    ).all()
    reached = found[-1].moved_at if len(found) == REMINDED_AT_ONCE else long_ago
    session.execute(update(table_of(WatchCursor)).values(reminded_to=reached))
    return [row.subject_id for row in found]


def _runs(now: datetime) -> Select[UUID]:
    """SQL: consents that have run for 90 days, of people whose account is active."""
    return (
        select(ConsentStanding.subject_id)
        .join(Subject, Subject.id == ConsentStanding.subject_id)
        .where(
            ConsentStanding.state == "given",
            ConsentStanding.expires_at > now,
            ConsentStanding.moved_at <= now - REMIND_EVERY,
            Subject.status == "active",
        )
    )


def _mark(session: Session, person: UUID, *, now: datetime) -> bool:
    if _remember(session, {"subject_id": person, "reminded_at": now}):
        return True
    due = _REMINDED.c.subject_id == person, _REMINDED.c.reminded_at <= now - REMIND_EVERY
    return rows_of(session.execute(update(_REMINDED).where(*due).values(reminded_at=now))) == 1


def _alive(session: Session, person: UUID) -> bool:
    return session.scalar(select(Subject.status).where(Subject.id == person)) == "active"
