"""Who is signed in here: server-side sessions, ended at once when they must be (ASVS 7).

A token is 256 random bits and is stored as its SHA-256. It changes at every strengthening, so that a token seen before
never gains strength. Citizen and staff sessions are two kinds with two cookies and never stand for one another
(DECISIONS 4). Limits: THAI.md 3; AAL1 sessions keep the same ones.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.db import UtcDateTime, table_of
from consent.errors import Conflict, NotFound
from idp.abuse import failures
from idp.assurance import Aal
from idp.login.session_rows import CITIZEN, STAFF, SignInSession, hash_of, level_of, limits
from idp.settings import Settings
from idp.subjects import is_shut

__all__ = [
    "CITIZEN",
    "STAFF",
    "SignInSession",
    "SignedIn",
    "end",
    "end_all",
    "end_everything",
    "find",
    "hash_of",
    "level_of",
    "limits",
    "live",
    "made_since",
    "purge",
    "reauthenticated",
    "start",
    "strengthen",
    "touch",
]

TOKEN_BYTES = 32
TOKEN_LENGTH = 43
TOUCH_EVERY = timedelta(minutes=1)
KEPT_AFTER_END = timedelta(days=1)


@dataclass(frozen=True)
class SignedIn:
    """A person whose session is alive now, and what was proved in it."""

    id_hash: str
    subject_id: UUID
    kind: str
    factors: frozenset[str]
    aal: Aal
    auth_time: datetime
    expires_at: datetime
    assignment_id: UUID | None = None
    last_seen_at: datetime | None = None
    shared: bool = False

    def was_seen(self, now: datetime) -> bool:
        """Within the last minute: there is nothing to write, so a page that only reads opens no write transaction."""
        return self.last_seen_at is not None and now - self.last_seen_at < TOUCH_EVERY


_S = table_of(SignInSession).c
FIND = select(
    *(_S.id_hash, _S.subject_id, _S.factors, _S.auth_time, _S.last_seen_at, _S.expires_at, _S.idle_s),
    *(_S.assignment_id, _S.shared),
).where(
    _S.id_hash == bindparam("id_hash"),
    _S.kind == bindparam("kind"),
    _S.ended_at.is_(None),
    _S.expires_at > bindparam("now", type_=UtcDateTime()),
    ~is_shut(_S.subject_id),
)
TOUCH = (
    update(SignInSession)
    .where(
        SignInSession.id_hash == bindparam("of"),
        SignInSession.ended_at.is_(None),
        SignInSession.last_seen_at <= bindparam("before", type_=UtcDateTime()),
    )
    .values(last_seen_at=bindparam("now", type_=UtcDateTime()))
    .execution_options(synchronize_session=False)
)


def start(
    session: Session,
    *,
    subject_id: UUID,
    kind: str,
    factors: Iterable[str],
    device: str,
    settings: Settings,
    now: datetime,
    shared: bool = False,
) -> str:
    """Sign a person in; the raw token for the cookie, seen this once. Appends signin.done.

    `shared`: others use this device too, so the session is short.

    Raises: ValueError if no factor was proved: there is no session of level nothing.
    """
    proved = frozenset(factors)
    absolute, idle = limits(settings, kind, shared=shared)
    facts = {"subject_id": subject_id, "kind": kind, "device": device, "shared": shared}
    token = _write(session, proved, idle, now=now, created_at=now, expires_at=now + absolute, **facts)
    _note(session, "signin.done", subject_id, kind, proved, now=now)
    return token


def find(session: Session, token: str, *, settings: Settings, now: datetime, kind: str = CITIZEN) -> SignedIn | None:
    """Whose token this is, or None: unknown, ended, over a limit, of the other kind, account closed. One read."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    row = session.execute(FIND, {"id_hash": hash_of(token), "kind": kind, "now": now}).first()
    if row is None or _is_idle(row.last_seen_at, row.idle_s, limits(settings, kind, shared=row.shared)[1], now=now):
        return None
    factors = frozenset(row.factors.split())
    return SignedIn(
        id_hash=row.id_hash,
        subject_id=row.subject_id,
        kind=kind,
        factors=factors,
        aal=level_of(factors),
        auth_time=row.auth_time,
        expires_at=row.expires_at,
        assignment_id=row.assignment_id,
        last_seen_at=row.last_seen_at,
        shared=row.shared,
    )


def strengthen(session: Session, signed_in: SignedIn, *, factor: str, settings: Settings, now: datetime) -> str:
    """One more factor was proved: a new token, the old one dead, `auth_time` now. Appends stepup.done.

    The absolute limit still counts from the first factor, so that stepping up cannot prolong a session for ever.

    Raises: Conflict if the session ended meanwhile (signed out elsewhere, or already strengthened).
    """
    old = _take(session, signed_in, now=now)
    proved = signed_in.factors | {factor}
    facts = {name: getattr(old, name) for name in ("device", "created_at", "expires_at", "shared")}
    idle = limits(settings, signed_in.kind, shared=old.shared)[1]
    token = _write(session, proved, idle, now=now, subject_id=signed_in.subject_id, kind=signed_in.kind, **facts)
    _note(session, "stepup.done", signed_in.subject_id, signed_in.kind, proved, now=now)
    return token


def reauthenticated(
    session: Session,
    signed_in: SignedIn,
    *,
    factors: Iterable[str],
    settings: Settings,
    now: datetime,
    shared: bool | None = None,
) -> str:
    """The same person signed in afresh (prompt=login, max_age; OIDC Core 3.1.2.1): only what was proved now counts.

    `shared`: what the person says now of the device; None leaves it as it was.

    Raises: Conflict if the session ended meanwhile.
    """
    old = _take(session, signed_in, now=now)
    return start(
        session,
        subject_id=signed_in.subject_id,
        kind=signed_in.kind,
        factors=factors,
        device=old.device,
        settings=settings,
        now=now,
        shared=old.shared if shared is None else shared,
    )


def end(session: Session, id_hash: str, *, now: datetime, subject_id: UUID | None = None) -> None:
    """End one session at once on every node (ASVS 7.4.1). Ending it again writes nothing. Appends session.ended.

    With `subject_id`, only that person's own. Raises: NotFound for an unknown session or another person's.
    """
    if subject_id is not None:
        owner = session.scalar(select(SignInSession.subject_id).where(SignInSession.id_hash == id_hash))
        if owner != subject_id:
            raise NotFound("There is no such session.", detail=f"{id_hash=}")
    _end_where(session, SignInSession.id_hash == id_hash, now=now)


def end_all(session: Session, subject_id: UUID, *, now: datetime, except_id: str | None = None) -> int:
    """End every session of a person, or all but the one they sit at (ASVS 7.4.3, 7.4.5); how many ended."""
    return _end_where(
        session, SignInSession.subject_id == subject_id, SignInSession.id_hash != (except_id or ""), now=now
    )


def made_since(session: Session, subject_id: UUID, *, since: datetime) -> Sequence[str]:
    """Ids of a person's sessions that have not ended, in which something was proved at `since` or later."""
    return session.scalars(
        select(SignInSession.id_hash).where(
            SignInSession.subject_id == subject_id, SignInSession.auth_time >= since, SignInSession.ended_at.is_(None)
        )
    ).all()


def end_everything(session: Session, *, now: datetime) -> int:
    """End every session of everybody (a backup was restored); how many ended."""
    return _end_where(session, now=now)


def live(session: Session, subject_id: UUID, *, now: datetime) -> list[SignInSession]:
    """The person's sessions that still work, newest first (ASVS 7.5.2). An `id_hash` opens nothing."""
    rows = session.scalars(
        select(SignInSession)
        .where(
            SignInSession.subject_id == subject_id,
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > now,
        )
        .order_by(SignInSession.auth_time.desc(), SignInSession.id_hash)
    )
    return [row for row in rows if now - row.last_seen_at < timedelta(seconds=row.idle_s)]


def touch(session: Session, id_hash: str, *, now: datetime) -> None:
    """The person is still there. Writes at most once a minute."""
    session.execute(TOUCH, {"of": id_hash, "before": now - TOUCH_EVERY, "now": now})


def purge(session: Session, *, now: datetime) -> None:
    """Forget sessions a day after their absolute limit; the log keeps what happened."""
    session.execute(
        delete(SignInSession)
        .where(SignInSession.expires_at < now - KEPT_AFTER_END)
        .execution_options(synchronize_session=False)
    )


def _is_idle(last_seen_at: datetime, idle_s: int, idle: timedelta, *, now: datetime) -> bool:
    """The tighter of the limit it began with and today's: a tightened setting holds at once."""
    return now - last_seen_at >= min(timedelta(seconds=idle_s), idle)


def _write(session: Session, proved: frozenset[str], idle: timedelta, *, now: datetime, **facts: Any) -> str:
    level_of(proved)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"id_hash": hash_of(token), "factors": " ".join(sorted(proved)), "idle_s": int(idle.total_seconds())}
    session.execute(insert(SignInSession).values(**row, auth_time=now, last_seen_at=now, ended_at=None, **facts))
    failures.proved(session, facts["subject_id"], proved)
    return token


def _take(session: Session, signed_in: SignedIn, *, now: datetime) -> Row[*tuple[Any, ...]]:
    """End the row that a stronger one replaces, by one conditional update: of two steps at once, one wins."""
    row = session.execute(
        update(SignInSession)
        .where(
            SignInSession.id_hash == signed_in.id_hash,
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > now,
        )
        .values(ended_at=now)
        .returning(*(_S.device, _S.created_at, _S.expires_at, _S.shared))
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        raise Conflict("You are signed out. Please sign in again.", detail=f"id_hash={signed_in.id_hash}")
    return row


def _end_where(session: Session, *which: ColumnElement[bool], now: datetime) -> int:
    ended = session.execute(
        update(SignInSession)
        .where(SignInSession.ended_at.is_(None), *which)
        .values(ended_at=now)
        .returning(SignInSession.subject_id, SignInSession.kind, SignInSession.factors)
        .execution_options(synchronize_session=False)
    ).all()
    for row in ended:
        _note(session, "session.ended", row.subject_id, row.kind, frozenset(row.factors.split()), now=now)
    return len(ended)


def _note(session: Session, event: str, subject_id: UUID, kind: str, factors: frozenset[str], *, now: datetime) -> None:
    actor = log.Actor.staff(subject_id) if kind == STAFF else log.Actor.citizen(subject_id)
    log.append(
        session, event, now=now, actor=actor, subject_id=subject_id, codes=sorted(factors), acr=level_of(factors).acr
    )
