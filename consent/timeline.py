"""One consent as one line of time: from the notice, over the answer and every use, to the refusal after its end.

Most of its entries name the record. A few that belong to it cannot (the notice was published before there was a
record; a grant names its purposes); they are joined by what they do name, and each says how it was joined.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent import history, receipts, standings
from consent.audit import log, search
from consent.audit.entry import Entry
from consent.audit.log import Actor
from consent.audit.search import Row
from consent.errors import NotFound
from consent.history import RecordView
from consent.models import ConsentNotice, ConsentRecord

MOST = 20_000
BEFORE = timedelta(hours=1)  # how long before the answer its request may have begun


class Joined(Enum):
    """Why an entry stands in the line."""

    RECORD = "record"  # it names the consent
    KEY = "key"  # same person, service and purpose, while this consent was the newest of its key
    NOTICE = "notice"  # the publication of the words that were answered
    DAMAGED = "damaged"  # about this person, and nobody can read it any more


@dataclass(frozen=True)
class Moment:
    """One entry of the line, and why it is there."""

    row: Row
    joined: Joined


@dataclass(frozen=True)
class Line:
    """A consent and what happened to it, oldest first.

    `others`: more records of the same key. `cut`: the person has more entries than one look may read.
    """

    found: RecordView
    moments: list[Moment]
    others: list[UUID]
    cut: bool


def record_id_of(text: str) -> UUID | None:
    """The record that somebody names: by its id, or by the number of one of its receipts. None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        parsed = receipts.parse_number(text)
    return parsed[0] if parsed else None


def person_of(session: Session, record_id: UUID) -> UUID:
    """Whose consent this is. Raises: NotFound."""
    return _found(session, record_id).subject_id


def of_consent(session: Session, record_id: UUID, *, auditor_id: UUID, reason: str, now: datetime) -> Line:
    """The line of a record, whoever's it is; the look is an entry first, about that person and that consent.

    Raises: NotAllowed(code="reason") without a usable reason; NotFound.
    """
    search.check_reason(reason)
    record = _found(session, record_id)
    log.append(
        session,
        "audit.searched",
        now=now,
        actor=Actor.auditor(auditor_id),
        subject_id=record.subject_id,
        client_id=record.client_id,
        recipient_id=record.recipient_id,
        purpose=record.purpose,
        consent_id=record.id,
        codes=[f"consent:{record.id}"],
        reason=reason,
    )
    of_key = history.of_key(
        session, standings.Key(record.subject_id, record.recipient_id, record.holder, record.purpose)
    )
    later = [other.given_at for other in of_key if other.id > record.id]
    span = (record.given_at - BEFORE, min(later, default=None))
    rows = search.of_person(session, record.subject_id, limit=MOST)
    about = [Moment(row, how) for row in rows if (how := _how(row, record, span))]
    moments = sorted([*_published(session, record), *about], key=lambda moment: (moment.row.at, moment.row.id))
    view = history.of_record(session, record_id, now=now)
    if view is None:
        raise NotFound("We could not find that consent.", detail=f"{record_id=}")
    return Line(view, moments, [other.id for other in of_key if other.id != record.id], cut=len(rows) == MOST)


def _found(session: Session, record_id: UUID) -> ConsentRecord:
    record = session.get(ConsentRecord, record_id)
    if record is None:
        raise NotFound("We could not find that consent.", detail=f"{record_id=}")
    return record


def _how(row: Row, record: ConsentRecord, span: tuple[datetime, datetime | None]) -> Joined | None:
    one = row.entry
    if one is None:
        return Joined.DAMAGED
    if one.consent_id is not None:
        return Joined.RECORD if one.consent_id == record.id else None
    since, until = span
    in_time = since <= one.at and (until is None or one.at < until)
    return Joined.KEY if in_time and _same_key(one, record) else None


def _same_key(one: Entry, record: ConsentRecord) -> bool:
    """A grant or a refusal names its purposes among its codes, or nothing but the service that asked."""
    same_receiver = one.recipient_id == record.recipient_id or (
        one.recipient_id is None and one.client_id == record.client_id
    )
    named = one.purpose == record.purpose or record.purpose in one.codes
    return same_receiver and (named or (one.event == "authz.denied" and not one.purpose))


def _published(session: Session, record: ConsentRecord) -> list[Moment]:
    """The publication of the notice that was answered."""
    notice = session.scalar(select(ConsentNotice).where(ConsentNotice.id == record.notice_id))
    if notice is None:
        return []
    codes = (f"locale:{notice.locale}", f"version:{notice.version}")
    return [
        Moment(row, Joined.NOTICE)
        for row in search.of_event(session, "notice.published", limit=MOST)
        if row.entry is not None and row.entry.purpose == record.purpose and row.entry.codes == codes
    ]
