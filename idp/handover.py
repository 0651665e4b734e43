"""From the counter's screen to the person's own phone: a QR code, a place, two digits that must match (RFC 10027).

Cross-device flows are phished by code that somebody else started or somebody else scans. Here the person who starts it
is signed in and has just compared a face (authenticated flow); the code is random, lives five minutes and is taken by
one browser; opening its address changes nothing, so a preview spends nothing; the phone says which facility asks; and
two digits that only the phone shows are typed by the clerk, who sees in whose hand it lies (proximity). One wrong try
ends it. What it opens is one thing: adding a passkey to the account of the person in front of the counter.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import segno
from sqlalchemy import CheckConstraint, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain
from consent.errors import NotFound
from idp.readings import Desk

LIFETIME = timedelta(minutes=5)
TOKEN_BYTES = 32
NUMBERS = 100


class Handover(Base):
    """One hand-over, by the hash of its code. Taken, confirmed and used once each, by conditional UPDATEs."""

    __tablename__ = "handover"
    __table_args__ = (
        CheckConstraint("(taken_at IS NULL) = (browser_hash IS NULL)", name="taken"),
        CheckConstraint("confirmed_at IS NULL OR taken_at IS NOT NULL", name="confirmed"),
        CheckConstraint("used_at IS NULL OR confirmed_at IS NOT NULL", name="used"),
    )

    token_hash: Mapped[Plain] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    subject_id: Mapped[UUID]
    hcode: Mapped[Plain]
    digits: Mapped[Plain]
    browser_hash: Mapped[Plain | None]
    begun_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    taken_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Handed:
    """Where a hand-over stands: new, taken, confirmed, used or over. `digits` are for the phone's page alone."""

    state: str
    hcode: str
    subject_id: UUID
    case_id: UUID
    digits: str
    expires_at: datetime


def begin(session: Session, case_id: UUID, *, subject_id: UUID, desk: Desk, now: datetime) -> str:
    """A new code for the QR, seen this once. An earlier one of the same case ends."""
    end(session, case_id, now=now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        Handover(
            token_hash=_hash(token),
            case_id=case_id,
            subject_id=subject_id,
            hcode=desk.place.hcode,
            digits=f"{secrets.randbelow(NUMBERS):02}",
            begun_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return token


def look(session: Session, token: str, *, browser: str, now: datetime) -> Handed:
    """What the phone may know. Nobody else's browser learns anything once it was taken.

    Raises: NotFound when unknown, or taken by another browser.
    """
    row = session.scalar(select(Handover).where(Handover.token_hash == _hash(token)))
    if row is None or (row.browser_hash is not None and not hmac.compare_digest(row.browser_hash, _hash(browser))):
        raise NotFound("This code cannot be used. Please ask at the counter for a new one.", detail="handover")
    return _handed(row, now)


def of_case(session: Session, case_id: UUID, *, now: datetime) -> Handed | None:
    """The newest hand-over of a case, as the desk may know it: without the digits."""
    newest = select(Handover).where(Handover.case_id == case_id).order_by(Handover.begun_at.desc())
    row = session.scalars(newest.execution_options(populate_existing=True)).first()
    if row is None:
        return None
    found = _handed(row, now)
    return Handed(found.state, found.hcode, found.subject_id, found.case_id, "", found.expires_at)


_RUNS = (Handover.ended_at.is_(None), Handover.expires_at > bindparam("now"))
_TAKE = (
    update(Handover)
    .where(Handover.token_hash == bindparam("of"), Handover.taken_at.is_(None), *_RUNS)
    .values(taken_at=bindparam("now"), browser_hash=bindparam("browser"))
    .execution_options(synchronize_session=False)
)
_CONFIRM = (
    update(Handover)
    .where(
        Handover.case_id == bindparam("case"),
        Handover.taken_at.is_not(None),
        Handover.confirmed_at.is_(None),
        Handover.digits == bindparam("typed"),
        *_RUNS,
    )
    .values(confirmed_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)
_USE = (
    update(Handover)
    .where(
        Handover.token_hash == bindparam("of"),
        Handover.browser_hash == bindparam("browser"),
        Handover.confirmed_at.is_not(None),
        Handover.used_at.is_(None),
        *_RUNS,
    )
    .values(used_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)
_END = (
    update(Handover)
    .where(Handover.case_id == bindparam("case"), Handover.ended_at.is_(None), Handover.used_at.is_(None))
    .values(ended_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def take(session: Session, token: str, *, browser: str, now: datetime) -> bool:
    """This browser goes on with it: the first one that asks. True for exactly one."""
    return _done(session, _TAKE, {"of": _hash(token), "browser": _hash(browser), "now": now})


def confirm(session: Session, case_id: UUID, typed: str, *, now: datetime) -> bool:
    """The clerk typed the digits of the phone in the person's hand. A wrong number ends the hand-over."""
    right = _done(session, _CONFIRM, {"case": case_id, "typed": typed, "now": now})
    if not right:
        end(session, case_id, now=now)
    return right


def use(session: Session, token: str, *, browser: str, now: datetime) -> bool:
    """Spend it on a passkey, once, in the browser that took it, after the digits matched."""
    return _done(session, _USE, {"of": _hash(token), "browser": _hash(browser), "now": now})


def end(session: Session, case_id: UUID, *, now: datetime) -> None:
    """Nobody goes on with it; what was used stays used."""
    session.execute(_END, {"case": case_id, "now": now})


def purge(session: Session, *, now: datetime) -> int:
    """Forget hand-overs that are over; how many."""
    gone: Any = session.execute(delete(Handover).where(Handover.expires_at < now))
    return int(gone.rowcount)


def qr_svg(address: str) -> str:
    """The QR code of an address as inline SVG, dark on light in every colour scheme."""
    svg: str = segno.make(address, error="m").svg_inline(omitsize=True, border=4, dark="#000", light="#fff")
    return svg


def _handed(row: Handover, now: datetime) -> Handed:
    over = row.ended_at is not None or now >= row.expires_at
    marks = (("used", row.used_at is not None), ("over", over), ("confirmed", row.confirmed_at is not None))
    state = next((name for name, true in marks if true), "taken" if row.taken_at is not None else "new")
    return Handed(state, row.hcode, row.subject_id, row.case_id, row.digits, row.expires_at)


def _done(session: Session, statement: Any, values: dict[str, Any]) -> bool:
    done: Any = session.execute(statement, values)
    return bool(done.rowcount == 1)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
