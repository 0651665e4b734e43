"""What a person may look back on: one line for each of their standings, and all records behind one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.orm import Session

from consent.models import ConsentRecord, ConsentRefusal, ConsentStanding, ConsentUse, ConsentWithdrawal
from consent.standings import Key

_OF_SUBJECT = (
    select(
        ConsentStanding.state,
        ConsentStanding.purpose,
        ConsentStanding.recipient_id,
        ConsentStanding.expires_at,
        ConsentStanding.max_uses,
        ConsentRecord,
        ConsentRefusal,
        ConsentWithdrawal.withdrawn_at,
        select(func.count()).where(ConsentUse.record_id == ConsentStanding.record_id).scalar_subquery().label("used"),
    )
    .outerjoin(ConsentRecord, ConsentRecord.id == ConsentStanding.record_id)
    .outerjoin(ConsentRefusal, ConsentRefusal.id == ConsentStanding.refusal_id)
    .outerjoin(ConsentWithdrawal, ConsentWithdrawal.record_id == ConsentStanding.record_id)
    .where(ConsentStanding.subject_id == bindparam("subject"))
    .order_by(ConsentStanding.moved_at.desc(), ConsentStanding.purpose)
)


@dataclass(frozen=True)
class ConsentView:
    """One line of "my consents". `record_id` is None for a refusal that took nothing back."""

    state: str
    purpose: str
    recipient_id: UUID
    client_id: str
    record_id: UUID | None
    record: ConsentRecord | None
    given_at: datetime | None
    expires_at: datetime | None
    withdrawn_at: datetime | None
    refused_at: datetime | None


@dataclass(frozen=True)
class RecordView:
    """One record and what became of it; `state` as in `for_subject`, or `replaced` by a newer answer under its key."""

    record: ConsentRecord
    withdrawal: ConsentWithdrawal | None
    state: str


def for_subject(session: Session, subject_id: UUID, *, now: datetime) -> list[ConsentView]:
    """One line per standing of this person, latest move first.

    `state`: `active`, `ended` (time or uses), `withdrawn`, `refused`, `noticed` (told, not asked, and still running).
    """
    return [_view(row, now) for row in session.execute(_OF_SUBJECT, {"subject": subject_id})]


def of_key(session: Session, key: Key) -> list[ConsentRecord]:
    """Every record ever made under the key, oldest first: what stands and what it replaced."""
    return list(
        session.scalars(
            select(ConsentRecord)
            .where(
                ConsentRecord.subject_id == key.subject_id,
                ConsentRecord.recipient_id == key.recipient_id,
                ConsentRecord.holder == key.holder,
                ConsentRecord.purpose == key.purpose,
            )
            .order_by(ConsentRecord.id)
        )
    )


def of_record(session: Session, record_id: UUID, *, now: datetime) -> RecordView | None:
    """One record, whoever's it is: for who proves by other means that they may know. None if there is none."""
    record = session.get(ConsentRecord, record_id)
    if record is None:
        return None
    withdrawal = session.get(ConsentWithdrawal, record_id)
    standing = session.get(
        ConsentStanding, (record.subject_id, record.recipient_id, record.holder, record.purpose), populate_existing=True
    )
    if withdrawal is not None:
        return RecordView(record, withdrawal, "withdrawn")
    used = select(func.count()).where(ConsentUse.record_id == record_id)
    spent = record.max_uses is not None and (session.scalar(used) or 0) >= record.max_uses
    if spent or not record.runs_at(now):
        return RecordView(record, None, "ended")
    if standing is None or standing.record_id != record_id:
        return RecordView(record, None, "replaced")
    return RecordView(record, None, "noticed" if standing.state == "noticed" else "active")


def _view(row: Row[Any], now: datetime) -> ConsentView:
    record, refusal = row.ConsentRecord, row.ConsentRefusal
    state = row.state
    if state in ("given", "noticed"):
        spent = row.max_uses is not None and row.used >= row.max_uses
        running = now < row.expires_at and not spent
        state = {"given": "active"}.get(state, state) if running else "ended"
    act = refusal or record
    return ConsentView(
        state=state,
        purpose=row.purpose,
        recipient_id=row.recipient_id,
        client_id=act.client_id,
        record_id=None if record is None else record.id,
        record=record,
        given_at=None if record is None else record.given_at,
        expires_at=None if record is None else record.expires_at,
        withdrawn_at=row.withdrawn_at,
        refused_at=None if refusal is None else refusal.refused_at,
    )
