"""Taking ways in away: all of them (the account was recovered), or those added lately (it was not the person)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from idp.contact import line_links
from idp.login import held, totp
from idp.login.pin import Pin
from idp.login.recovery_codes import RecoveryCode, RecoverySet
from idp.login.totp import Totp

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def added_since(session: Session, subject_id: UUID, *, since: datetime, now: datetime) -> frozenset[str]:
    """Take away what was added or set at `since` or later; which kinds. A passkey of staff stays: it opens no account.

    Each removal stands in the log as if the person had asked for it, which they have: at a counter, or by a code.
    """
    gone = set()
    for passkey in held.of(session, subject_id):
        if passkey.created_at >= since and held.remove(session, passkey.id, subject_id=subject_id, now=now):
            gone.add("passkey")
    if _after(session, Totp.confirmed_at, Totp.subject_id == subject_id, since):
        totp.remove(session, subject_id, now=now)
        gone.add("totp")
    if _after(session, Pin.set_at, Pin.subject_id == subject_id, since):
        _drop(session, Pin, subject_id)
        gone.add("pin")
    if _after(session, RecoverySet.made_at, RecoverySet.subject_id == subject_id, since):
        _drop(session, RecoveryCode, subject_id)
        _drop(session, RecoverySet, subject_id)
        gone.add("recovery")
    link = line_links.of(session, subject_id)
    if link is not None and link.linked_at >= since and line_links.remove(session, subject_id, now=now):
        gone.add("line")
    return frozenset(gone)


def everything(session: Session, subject_id: UUID, *, now: datetime) -> frozenset[str]:
    """Take every way in away but the phone; which kinds there were."""
    return added_since(session, subject_id, since=EVER, now=now)


def _after(session: Session, moment: InstrumentedAttribute[Any], owned: ColumnElement[bool], since: datetime) -> bool:
    found = session.scalar(select(moment).where(owned))
    return found is not None and found >= since


def _drop(session: Session, what: type[Pin | RecoveryCode | RecoverySet], subject_id: UUID) -> None:
    session.execute(delete(what).where(what.subject_id == subject_id).execution_options(synchronize_session=False))
