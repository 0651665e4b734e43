"""A consent that two people sign (PDPA s.20): the first yes waits, and is nothing, until the other one says yes too.

The two are the ward and one who stands beside them; two parents are no pair. A no of either is a no at once, and both
sign the same words for the same data: whoever is asked for something else begins anew.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.orm import Session

from consent import notices, purposes, records
from consent.db import InsertOnce, new_id, table_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.family.models import ConsentProposal
from consent.models import ConsentNotice, ConsentRecord
from consent.notices import Notice
from consent.records import Choice
from consent.standings import Key

WAITS = timedelta(days=30)
SELF = "self"
MORE = ("visit_id", "values_mac", "proofing_at", "xb_country", "xb_safeguard")


@dataclass(frozen=True)
class Proposal:
    """What one of two has signed."""

    id: UUID
    ward_id: UUID
    signed_by: UUID
    capacity: str
    guardianship_id: UUID | None
    recipient_id: UUID
    holder: str
    purpose: str
    client_id: str
    scopes: tuple[str, ...]
    categories: tuple[str, ...]
    basis: str
    notice_id: UUID
    notice_version: int
    notice_sha256: str
    locale: str
    aal: str
    ial: str
    lives_for_s: int | None
    more: str
    proposed_at: datetime
    expires_at: datetime

    @property
    def key(self) -> Key:
        """What it would stand under."""
        return Key(self.ward_id, self.recipient_id, self.holder, self.purpose)

    @property
    def lives_for(self) -> timedelta | None:
        """The life that the first one chose."""
        return None if self.lives_for_s is None else timedelta(seconds=self.lives_for_s)

    def notice(self, words: str) -> Notice:
        """What the first one read, with its words as they were kept."""
        return Notice(self.notice_id, self.purpose, self.notice_version, self.locale, words, self.notice_sha256)

    def completed_by(self, choice: Choice) -> bool:
        """PURE: whether this yes is the missing one: the ward and one beside them, over the same words and data."""
        pair = (self.capacity == SELF) != (choice.capacity == SELF) and self.signed_by != choice.actor_id
        same = (self.notice_sha256, self.scopes, self.categories, self.basis)
        return pair and same == (choice.notice.sha256, choice.scopes, choice.categories, choice.basis)


_TABLE = table_of(ConsentProposal)
_P = _TABLE.c
_COLUMNS = tuple(_TABLE.c[name] for name in Proposal.__dataclass_fields__)
_OPEN = (_P.settled_at.is_(None), _P.expires_at > bindparam("now"))
_ONE = select(*_COLUMNS).where(_P.id == bindparam("proposal"), *_OPEN)
_OF_WARD = select(*_COLUMNS).where(_P.ward_id == bindparam("ward"), *_OPEN).order_by(_P.id)
_OF_KEY = (_P.ward_id == bindparam("ward"), _P.recipient_id == bindparam("recipient"), _P.holder == bindparam("at"))
_AT_KEY = select(*_COLUMNS).where(*_OF_KEY, _P.purpose == bindparam("of_purpose"), *_OPEN)
_write_once = InsertOnce(ConsentProposal)


def sign(session: Session, choice: Choice, *, until: datetime, now: datetime) -> ConsentRecord | Proposal:
    """One of two says yes: the consent, if it was the missing signature; else the proposal that waits for it.

    `until`: the end of the power of whoever stands beside the ward. Appends consent.proposed, or what `records.give`
    does and consent.co_signed. Raises: NotAllowed as `records.give`; Conflict when both signed at this moment.
    """
    _check_levels(choice)
    waiting = open_at(session, choice.key, now=now)
    if waiting is not None and waiting.completed_by(choice):
        return complete(session, waiting, choice, now=now)
    _settle_key(session, choice.key, by=choice.actor_id, now=now)
    facts = _facts(choice, until=until, now=now)
    if not _write_once(session, facts):
        raise Conflict("This consent is being changed elsewhere. Please try again.", detail="proposal")
    notices.keep(session, choice.notice)
    records.write_down(session, choice, "consent.proposed", now=now)
    return find(session, facts["id"], now=now)


def complete(session: Session, waiting: Proposal, choice: Choice, *, now: datetime) -> ConsentRecord:
    """The missing signature: one record with both, which ends with the power that it rests on (`choice.not_after`).

    The levels are the weaker of both sign-ins. Appends what `records.give` does, and consent.co_signed.
    Raises: NotAllowed(code="capacity") when this is not the missing one; Conflict when somebody was faster.
    """
    if not waiting.completed_by(choice):
        raise NotAllowed("This is not the signature that is missing.", detail="proposal", code="capacity")
    _check_levels(choice)
    whole = replace(
        choice,
        **_facts_more(waiting),
        client_id=waiting.client_id,
        actor_id=waiting.signed_by,
        capacity=waiting.capacity,
        co_actor_id=choice.actor_id,
        co_capacity=choice.capacity,
        co_signed_at=now,
        guardianship_id=choice.guardianship_id or waiting.guardianship_id,
        lives_for=waiting.lives_for,
        aal=_weaker(waiting.aal, choice.aal),
        ial=_weaker(waiting.ial, choice.ial),
    )
    _settle(session, waiting.id, outcome="signed", by=choice.actor_id, now=now)
    record = records.give(session, whole, now=now)
    session.execute(update(_TABLE).where(_P.id == waiting.id).values(record_id=record.id))
    records.write_down(session, choice, "consent.co_signed", now=now, consent_id=record.id)
    return record


def decline(session: Session, waiting: Proposal, *, by: UUID, taken_back: bool = False, now: datetime) -> None:
    """It waits no longer: the other said no (the caller records that no), or the first one takes it back."""
    _settle(session, waiting.id, outcome="taken_back" if taken_back else "refused", by=by, now=now)


def outdate(session: Session, waiting: Proposal, *, by: UUID, now: datetime) -> None:
    """The words have changed since the first one signed: nobody can sign them any more."""
    _settle(session, waiting.id, outcome="outdated", by=by, now=now)


def find(session: Session, proposal_id: UUID, *, now: datetime) -> Proposal:
    """One that still waits. Raises: NotFound when unknown, settled or too old."""
    row = session.execute(_ONE, {"proposal": proposal_id, "now": now}).one_or_none()
    if row is None:
        raise NotFound("We could not find that.", detail="proposal")
    return _value(row)


def of_ward(session: Session, ward_id: UUID, *, now: datetime) -> list[Proposal]:
    """What waits for a second signature about this person, oldest first."""
    return [_value(row) for row in session.execute(_OF_WARD, {"ward": ward_id, "now": now})]


def open_at(session: Session, key: Key, *, now: datetime) -> Proposal | None:
    """What waits under this key."""
    row = session.execute(_AT_KEY, {**_bound(key), "now": now}).one_or_none()
    return None if row is None else _value(row)


def words(session: Session, waiting: Proposal) -> Notice | None:
    """The words that the first one signed; None when a newer version is out, which nobody has read yet."""
    newest = select(func.max(ConsentNotice.version)).where(
        ConsentNotice.purpose == waiting.purpose, ConsentNotice.locale == waiting.locale
    )
    if session.scalar(newest) != waiting.notice_version:
        return None
    return waiting.notice(notices.shown(session, waiting.notice_sha256))


def end_of_power(session: Session, ward_id: UUID, *, by: UUID | None, now: datetime) -> int:
    """Nobody stands beside the ward any more: what waits for a second signature waits no longer; how many."""
    done: Any = session.execute(
        update(_TABLE)
        .where(_P.ward_id == ward_id, _P.settled_at.is_(None))
        .values(settled_at=now, settled_by=by, outcome="outdated")
    )
    return int(done.rowcount)


def _value(row: Row[Any]) -> Proposal:
    facts = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public way to a mapping of a row
    return Proposal(
        **{**facts, "scopes": tuple(facts["scopes"].split()), "categories": tuple(facts["categories"].split())}
    )


def _facts(choice: Choice, *, until: datetime, now: datetime) -> dict[str, Any]:
    key, life = choice.key, choice.lives_for
    return {
        "id": new_id(),
        "ward_id": key.subject_id,
        "signed_by": choice.actor_id,
        "capacity": choice.capacity,
        "guardianship_id": choice.guardianship_id,
        "recipient_id": key.recipient_id,
        "holder": key.holder,
        "purpose": key.purpose,
        "client_id": choice.client_id,
        "scopes": " ".join(choice.scopes),
        "categories": " ".join(choice.categories),
        "basis": choice.basis,
        "notice_id": choice.notice.id,
        "notice_version": choice.notice.version,
        "notice_sha256": choice.notice.sha256,
        "locale": choice.notice.locale,
        "aal": choice.aal,
        "ial": choice.ial,
        "lives_for_s": None if life is None else int(life.total_seconds()),
        "more": _more(choice),
        "proposed_at": now,
        "expires_at": min(now + WAITS, until),
    }


def _more(choice: Choice) -> str:
    said = {name: getattr(choice, name) for name in MORE}
    return json.dumps({name: str(value) for name, value in said.items() if value is not None}, sort_keys=True)


def _facts_more(waiting: Proposal) -> dict[str, Any]:
    """What the first one's page showed besides, as the record says it."""
    said: dict[str, Any] = json.loads(waiting.more)
    read: Mapping[str, Callable[[str], Any]] = {"visit_id": UUID, "proofing_at": datetime.fromisoformat}
    return {name: read.get(name, str)(said[name]) if name in said else None for name in MORE}


def _settle(session: Session, proposal_id: UUID, *, outcome: str, by: UUID, now: datetime) -> None:
    done: Any = session.execute(
        update(_TABLE)
        .where(_P.id == proposal_id, _P.settled_at.is_(None), _P.expires_at > now)
        .values(settled_at=now, settled_by=by, outcome=outcome)
    )
    if done.rowcount != 1:
        raise Conflict("This was just answered elsewhere. Please look again.", detail="proposal")


def _settle_key(session: Session, key: Key, *, by: UUID, now: datetime) -> None:
    """A newer first signature replaces what waited under the key, also what is too old."""
    session.execute(
        update(_TABLE)
        .where(*_OF_KEY, _P.purpose == bindparam("of_purpose"), _P.settled_at.is_(None))
        .values(settled_at=now, settled_by=by, outcome="replaced"),
        _bound(key),
    )


def _check_levels(choice: Choice) -> None:
    """Each signature is one: both reach the levels of the row, and have an act of their own. Raises: NotAllowed."""
    purpose = purposes.get(choice.key.purpose)
    against = (
        ("kind", not purpose.asks),
        ("explicit", choice.basis == "C26" and not choice.explicit),
        ("ial_too_low", not purposes.reaches(choice.ial, purpose.citizen_ial)),
        ("aal_too_low", not purposes.reaches(choice.aal, purpose.citizen_aal)),
    )
    why = next((code for code, true in against if true), None)
    if why is not None:
        raise NotAllowed("This cannot be signed here.", detail=f"{purpose.code=} {why=}", code=why)


def _weaker(one: str, other: str) -> str:
    """The level that both reach."""
    return one if purposes.reaches(other, one) else other


def _bound(key: Key) -> Mapping[str, Any]:
    return {
        "ward": key.subject_id,
        "recipient": key.recipient_id,
        "at": key.holder,
        "of_purpose": key.purpose,
    }
