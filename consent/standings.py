"""Where each key stands: one row per key, moved by compare-and-swap, and the uses that are counted.

Reads are Core statements built once: they run at every introspection. Only `records` and `withdrawal` move a standing;
each of its moves has a number and an entry in the log.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from consent.db import InsertOnce, rows_of, table_of
from consent.decision import Standing
from consent.errors import Conflict
from consent.models import (
    ConsentObjection,
    ConsentObjectionLift,
    ConsentRecord,
    ConsentRestriction,
    ConsentStanding,
    ConsentUse,
)

ATTEMPTS = 3
ANY_HOLDER = "any"


@dataclass(frozen=True)
class Key:
    """Whose consent, to which legal entity, about data at which holder ("any" listed one), for what."""

    subject_id: UUID
    recipient_id: UUID
    holder: str
    purpose: str

    @property
    def named_holder(self) -> str:
        """The holder as the log writes it: nothing for any listed one."""
        return "" if self.holder == ANY_HOLDER else self.holder


@dataclass(frozen=True)
class Here:
    """Where a move starts from; `version` is what the compare-and-swap compares."""

    state: str
    basis: str
    record_id: UUID | None
    version: int


_STANDING, _RECORD = table_of(ConsentStanding), table_of(ConsentRecord)
_AT, _OF, _USE = _STANDING.c, _RECORD.c, table_of(ConsentUse).c
_NO, _LIFT = table_of(ConsentObjection).c, table_of(ConsentObjectionLift).c
_AT_KEY = (
    _AT.subject_id == bindparam("at_subject"),
    _AT.recipient_id == bindparam("at_recipient"),
    _AT.holder == bindparam("at_holder"),
)
_AT_PURPOSE = _AT.purpose == bindparam("at_purpose")
_USED = select(func.count()).where(_USE.record_id == _AT.record_id).scalar_subquery()
# Whether this person refuses anything in general: who never did costs no statement more.
_REFUSES = (
    select(_NO.id)
    .where(_NO.subject_id == _AT.subject_id, ~select(_LIFT.objection_id).where(_LIFT.objection_id == _NO.id).exists())
    .exists()
)
_PAUSE = table_of(ConsentRestriction).c
_RESTRICTED_UNTIL = (
    select(func.max(_PAUSE.until))
    .where(
        _PAUSE.subject_id == _AT.subject_id,
        or_(_PAUSE.purpose == "", _PAUSE.purpose == _AT.purpose),
        or_(_PAUSE.recipient_id.is_(None), _PAUSE.recipient_id == _AT.recipient_id),
    )
    .scalar_subquery()
)
# All purposes of the key: they are few, and a list in the statement costs more than the rows that are left aside.
_STANDINGS = (
    select(
        *(_AT.purpose, _AT.state, _AT.basis, _AT.record_id, _AT.expires_at, _AT.moved_at, _AT.max_uses, _AT.version),
        *(_OF.given_at, _OF.capacity, _OF.guardianship_id, _OF.co_signed_at, _OF.visit_id, _OF.data_from),
        *(_OF.data_until, _OF.categories, _OF.scopes, _OF.notice_version, _OF.values_mac, _OF.proofing_at),
        _OF.channel,
        _USED.label("used"),
        _REFUSES.label("refuses"),
        _RESTRICTED_UNTIL.label("restricted_until"),
    )
    .select_from(_STANDING.outerjoin(_RECORD, _OF.id == _AT.record_id))
    .where(*_AT_KEY)
)
_LOOK = select(_AT.state, _AT.basis, _AT.record_id, _AT.version).where(*_AT_KEY, _AT_PURPOSE)
_first_move = InsertOnce(ConsentStanding)
_NEXT_MOVE = update(table_of(ConsentStanding)).where(*_AT_KEY, _AT_PURPOSE, _AT.version == bindparam("from_version"))
_USES = select(func.count()).where(_USE.record_id == bindparam("of_record"))
_count_use = InsertOnce(ConsentUse)


def standing(session: Session, key: Key) -> Standing | None:
    """Where the key stands, or None if it was never moved."""
    found = standings(
        session,
        subject_id=key.subject_id,
        recipient_id=key.recipient_id,
        purposes=[key.purpose],
        holder=key.holder,
    )
    return found.get(key.purpose)


def standings(
    session: Session, *, subject_id: UUID, recipient_id: UUID, purposes: Sequence[str], holder: str = ANY_HOLDER
) -> dict[str, Standing]:
    """Where several purposes stand for one recipient, in one read; those never moved are absent."""
    rows = session.execute(
        _STANDINGS,
        {
            "at_subject": subject_id,
            "at_recipient": recipient_id,
            "at_holder": holder,
        },
    )
    return {row.purpose: _as_standing(row) for row in rows if row.purpose in purposes}


def _as_standing(row: Row[*tuple[Any, ...]]) -> Standing:
    return Standing(
        state=row.state,
        record_id=row.record_id,
        expires_at=row.expires_at,
        moved_at=row.moved_at,
        uses_left=None if row.max_uses is None else row.max_uses - row.used,
        move=row.version,
        basis=row.basis,
        given_at=row.given_at,
        capacity=row.capacity or "self",
        guardianship_id=row.guardianship_id,
        cosigned=row.co_signed_at is not None,
        visit_id=row.visit_id,
        data_from=row.data_from,
        data_until=row.data_until,
        categories=tuple((row.categories or "").split()),
        scopes=tuple((row.scopes or "").split()),
        notice_version=row.notice_version,
        values_mac=row.values_mac,
        proofing_at=row.proofing_at,
        channel=row.channel or "",
        refuses=row.refuses,
        restricted_until=row.restricted_until,
    )


def use(session: Session, record_id: UUID, *, client_id: str, most: int, now: datetime) -> bool:
    """Count one use of a record of at most `most` uses. False: they are spent, also when another was just faster."""
    for _ in range(most):
        used = session.scalar(_USES, {"of_record": record_id}) or 0
        if used >= most:
            return False
        row = {"record_id": record_id, "n": used + 1, "client_id": client_id, "used_at": now}
        if _count_use(session, row):
            return True
    return False


def look(session: Session, key: Key) -> Here | None:
    """The standing as it is in the database now (never from the session's memory)."""
    row = session.execute(_LOOK, _bound(key)).first()
    return None if row is None else Here(row.state, row.basis, row.record_id, row.version)


def move(
    session: Session,
    key: Key,
    here: Here | None,
    *,
    state: str,
    basis: str,
    record_id: UUID | None = None,
    refusal_id: UUID | None = None,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
    now: datetime,
) -> bool:
    """Move the standing from exactly `here`. False: somebody else moved it first, and nothing was written."""
    facts: dict[str, Any] = {
        "state": state,
        "basis": basis,
        "record_id": record_id,
        "refusal_id": refusal_id,
        "expires_at": expires_at,
        "max_uses": max_uses,
        "moved_at": now,
        "version": number(here),
    }
    if here is None:
        return _first_move(session, {**facts, **asdict(key)})
    return rows_of(session.execute(_NEXT_MOVE.values(facts), {**_bound(key), "from_version": here.version})) == 1


def lost_the_race(key: Key) -> Conflict:
    """The refusal of an act whose key others moved `ATTEMPTS` times meanwhile."""
    return Conflict("This consent is being changed elsewhere. Please try again.", detail=f"{key.purpose=}")


def number(here: Here | None) -> int:
    """The number of the move that starts from `here`."""
    return 1 if here is None else here.version + 1


def _bound(key: Key) -> dict[str, Any]:
    return {
        "at_subject": key.subject_id,
        "at_recipient": key.recipient_id,
        "at_holder": key.holder,
        "at_purpose": key.purpose,
    }
