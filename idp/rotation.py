"""Changing a signing key without a single failed verification (RELIABILITY: rotation under load).

A rotation is one write: the new key is published at once and signs from `activates_at`; that moment is also the old
key's `retired_at`, so at every moment exactly one key of a use signs, on every node, with nobody doing anything then.
The old public half stays in the JWKS until the last token under it is dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.errors import Conflict
from idp.keys import KEPT_AFTER, USES, SigningKey, new_signing_key

CACHED = timedelta(minutes=5)  # how long verifiers keep our JWKS: `idp.relying` does, and METADATA_S says so
AHEAD = 2 * CACHED  # published before it signs: one life of a cache, and as much again for nodes, proxies and clocks
USUAL = tuple(use for use in USES if use != "log")  # the log's key is part of its name to witnesses: only when asked


@dataclass(frozen=True)
class Step:
    """One key of the plan: what signs now, what will, and when. `new_kid` is None until the plan is applied."""

    use: str
    alg: str
    old_kid: str
    old_made_at: datetime
    published_at: datetime
    activates_at: datetime
    dropped_at: datetime | None  # when the old key leaves the JWKS; None: never
    new_kid: str | None = None


@dataclass(frozen=True)
class KeyFacts:
    """One key and its state at a moment: next, current, retiring (only published) or gone (needed no more)."""

    kid: str
    use: str
    alg: str
    state: str
    created_at: datetime
    activates_at: datetime


def states(session: Session, *, now: datetime) -> list[KeyFacts]:
    """Every key, oldest first."""
    rows = session.scalars(select(SigningKey).order_by(SigningKey.use, SigningKey.alg, SigningKey.created_at))
    return [KeyFacts(row.kid, row.use, row.alg, state(row, now), row.created_at, row.activates_at) for row in rows]


def state(row: SigningKey, now: datetime) -> str:
    """What a key does at this moment."""
    if row.signs_at(now):
        return "current"
    if row.activates_at > now:
        return "next"
    return "retiring" if row.published_at(now) else "gone"


def plan(session: Session, *, now: datetime, uses: Sequence[str] = USUAL) -> list[Step]:
    """What a rotation would do. Raises: Conflict while one is under way, naming when it ends."""
    waiting = [key for key in states(session, now=now) if key.state == "next" and key.use in uses]
    if waiting:
        when = max(key.activates_at for key in waiting)
        raise Conflict(f"A rotation is under way: the next key signs from {when:%Y-%m-%d %H:%M:%S} UTC.")
    current = [key for key in states(session, now=now) if key.state == "current" and key.use in uses]
    activates_at = now + AHEAD
    return [
        Step(key.use, key.alg, key.kid, key.created_at, now, activates_at, _dropped(key.use, activates_at))
        for key in current
    ]


def apply(session: Session, kek: bytes, *, now: datetime, uses: Sequence[str] = USUAL) -> list[Step]:
    """Carry the plan out in this transaction; of two at once one does. Raises: Conflict."""
    done = []
    for step in plan(session, now=now, uses=uses):
        # Retire first: the database allows one key without an end per use and algorithm.
        taken = session.execute(
            update(SigningKey)
            .where(SigningKey.kid == step.old_kid, SigningKey.retired_at.is_(None))
            .values(retired_at=step.activates_at)
            .returning(SigningKey.kid)
        ).one_or_none()
        if taken is None:
            raise Conflict("Another rotation was faster; look at the plan again.")
        row = new_signing_key(kek, step.use, step.alg, now=now, activates_at=step.activates_at)
        session.add(row)
        session.flush()
        words = (f"use:{step.use}", f"alg:{step.alg}")
        log.append(session, "key.rotated", now=now, actor=log.Actor.system("idp"), codes=words)
        done.append(Step(**{**vars(step), "new_kid": row.kid}))
    return done


def _dropped(use: str, retired_at: datetime) -> datetime | None:
    kept = KEPT_AFTER.get(use)
    return None if kept is None else retired_at + kept
