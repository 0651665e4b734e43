"""Search the log: filters, a reason, pages that skip nothing. Each look is an entry, written before anything is read.

A search is bound to the signed tree as it was at its first page (`upto` leaves): that set never changes, and each of
its entries is shown on exactly one page. Entries that came later, whatever their ids, may show as waiting, and are in
the next search. One page reads at most MOST_READ entries; it says how far back it looked.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from consent.audit import entry as entries
from consent.audit import seal
from consent.audit.entry import Entry, EntryError
from consent.audit.events import EVENTS, of_family
from consent.audit.log import Actor, append, refuse_identifiers
from consent.audit.models import AuditEntry, AuditLeaf, AuditPseudonym
from consent.errors import NotAllowed

MOST_READ = 5000
MAX_PAGE = 1000
# As people write it, `1-2345-67890-12-3`. Only for typed words: one UUID in some thousands looks like this, too.
_GAP = r"[\s.\-\u2010-\u2015\u2212]?"
_AS_WRITTEN = re.compile(_GAP.join((r"\d", r"\d{4}", r"\d{5}", r"\d{2}", r"\d")))
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_SELECT = select(AuditEntry.id, AuditEntry.at, AuditEntry.leaf_bytes)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What is looked for; empty means any. `since` is included, `until` is not. `subject` is a pseudonym."""

    event: str = ""
    family: str = ""
    client_id: str = ""
    purpose: str = ""
    recipient_id: UUID | None = None
    outcome: str = ""
    reason: str = ""
    subject: str = ""
    consent_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, one: Entry) -> bool:
        """Whether the bytes of an entry say what is looked for; columns beside the bytes count for nothing."""
        asked = (
            (self.event, one.event),
            (self.client_id, one.client_id),
            (self.purpose, one.purpose),
            (self.recipient_id, one.recipient_id),
            (self.outcome, one.outcome),
            (self.reason, one.reason),
            (self.subject, one.subject),
            (self.consent_id, one.consent_id),
        )
        return (
            all(not wanted or wanted == found for wanted, found in asked)
            and (not self.family or one.event in of_family(self.family))
            and (self.since is None or self.since <= one.at)
            and (self.until is None or one.at < self.until)
        )

    def told(self) -> list[str]:
        """The filters as the entry about this look names them."""
        spelt = {
            "event": self.event,
            "family": self.family,
            "client": self.client_id,
            "purpose": self.purpose,
            "recipient": str(self.recipient_id or ""),
            "outcome": self.outcome,
            "reason": self.reason,
            # In groups: of 32 hex digits, 13 in a row may well be decimal, and such a word is refused.
            "subject": "-".join(self.subject[at : at + 8] for at in range(0, len(self.subject), 8)),
            "consent": str(self.consent_id or ""),
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return [f"{name}:{value}" for name, value in spelt.items() if value]


@dataclass(frozen=True)
class Row:
    """One entry that was found. `entry` is None when its bytes are damaged; `seq` is None while it waits."""

    id: UUID
    at: datetime
    leaf: bytes
    entry: Entry | None
    seq: int | None = None


@dataclass(frozen=True)
class Page:
    """Newest first. `upto`: leaves of the tree that the search is bound to. `before`: where the next page begins."""

    rows: list[Row]
    upto: int
    before: UUID | None
    read: int
    back_to: datetime | None


def search(
    session: Session,
    filters: Filters,
    *,
    auditor_id: UUID,
    reason: str,
    about: UUID | None = None,
    limit: int = 100,
    upto: int | None = None,
    before: UUID | None = None,
    now: datetime,
) -> Page:
    """Entries that fit, newest first. `upto` and `before` come from the page before; the look is an entry, first.

    An entry whose bytes are damaged always fits: nobody can say what it was. `about` is a person whom all that fits is
    known to be about (the person of a consent id), so that only their entries are read.

    Raises: NotAllowed(code="reason") without a usable reason, NotAllowed(code=…) naming a filter that cannot be, or
    `before` for a place that no page gave.
    """
    _check(filters, reason)
    head = seal.latest(session)
    size = head.size if head else 0
    upto = size if upto is None else min(upto, size)
    start = None if before is None else session.execute(_SELECT.where(AuditEntry.id == before)).first()
    if before is not None and start is None:
        raise NotAllowed("There is no such page.", code="before")
    codes = filters.told()
    append(session, "audit.searched", now=now, actor=Actor.auditor(auditor_id), codes=codes, reason=reason)
    found, read, last = [], 0, None
    limit = max(1, min(limit, MAX_PAGE))
    for row in _read(session.execute(_driven(filters, about, start).limit(MOST_READ))):
        read, last = read + 1, row
        if row.entry is None or filters.fits(row.entry):
            found.append(row)
            if len(found) == limit:
                break
    more = last is not None and (len(found) == limit or read == MOST_READ)
    return Page(numbered(session, found), upto, last.id if more and last else None, read, last.at if last else None)


def of_person(session: Session, person_id: UUID, *, limit: int) -> list[Row]:
    """Everything about one person, oldest first, under all the pseudonyms that they have had; damaged entries too."""
    query = _SELECT.where(AuditEntry.subject.in_(_names_of(person_id))).order_by(AuditEntry.id).limit(limit)
    return numbered(session, list(_read(session.execute(query))))


def of_event(session: Session, event: str, *, limit: int) -> list[Row]:
    """Entries of one event, newest first."""
    query = _SELECT.where(AuditEntry.event == event).order_by(AuditEntry.id.desc()).limit(limit)
    return numbered(session, list(_read(session.execute(query))))


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing, or that may name a person. Raises: NotAllowed(code="reason")."""
    try:
        refuse_typed(reason)
    except ValueError as error:
        raise NotAllowed("Leave numbers of people and addresses out of the reason.", code="reason") from error
    if not reason.strip() or len(reason) > entries.MAX_TEXT or not reason.isprintable():
        raise NotAllowed("Say in one line why you look.", code="reason")


def refuse_typed(word: str) -> None:
    """Raise ValueError if a word that a person typed could hold a national ID, however spaced, or an address."""
    refuse_identifiers(_AS_WRITTEN.sub("@", word))


def numbered(session: Session, rows: Sequence[Row]) -> list[Row]:
    """The rows with their numbers in the tree."""
    ids = [row.id for row in rows]
    known: dict[UUID, int] = {}
    for at in range(0, len(ids), MAX_PAGE):
        query = select(AuditLeaf.entry_id, AuditLeaf.seq).where(AuditLeaf.entry_id.in_(ids[at : at + MAX_PAGE]))
        known |= {entry_id: seq for entry_id, seq in session.execute(query)}  # noqa: C416 -- a Row is no pair
    return [replace(row, seq=known.get(row.id)) for row in rows]


def _check(filters: Filters, reason: str) -> None:
    check_reason(reason)
    known = (
        ("event", not filters.event or filters.event in EVENTS),
        ("family", not filters.family or bool(of_family(filters.family))),
        ("outcome", not filters.outcome or filters.outcome in entries.OUTCOMES),
        ("subject", not filters.subject or _PSEUDONYM.fullmatch(filters.subject) is not None),
        ("until", not (filters.since and filters.until) or filters.since < filters.until),
    )
    for name, good in known:
        if not good:
            raise NotAllowed("There is no such thing to look for.", code=name)
    for name in ("client_id", "purpose", "reason"):
        word = getattr(filters, name)
        try:
            refuse_typed(word)
        except ValueError as error:
            raise NotAllowed("A filter may not hold a number of a person.", code=name) from error
        if len(word) > entries.MAX_TEXT - 10 or not word.isprintable():
            raise NotAllowed("There is no such thing to look for.", code=name)


def _driven(filters: Filters, about: UUID | None, start: Any) -> Any:
    """The query along one index, so that reading stops after as many rows as a page may read.

    All others of the filters are asked of the bytes. By time, two entries of one millisecond are told apart by id.
    """
    by_id = [(filters.subject, AuditEntry.subject == filters.subject)]
    if about is not None:
        by_id.append(("about", AuditEntry.subject.in_(_names_of(about))))
    if filters.since is None and filters.until is None:
        by_id.append((filters.event, AuditEntry.event == filters.event))
        by_id.append((filters.client_id, AuditEntry.client_id == filters.client_id))
    for wanted, condition in by_id:
        if wanted:
            query = _SELECT.where(condition).order_by(AuditEntry.id.desc())
            return query if start is None else query.where(AuditEntry.id < start.id)
    query = _SELECT.order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    if filters.since is not None:
        query = query.where(AuditEntry.at >= filters.since)
    if filters.until is not None:
        query = query.where(AuditEntry.at < filters.until)
    if start is None:
        return query
    same = and_(AuditEntry.at == start.at, AuditEntry.id < start.id)
    return query.where(AuditEntry.at <= start.at, or_(AuditEntry.at < start.at, same))


def _names_of(person_id: UUID) -> Any:
    return select(AuditPseudonym.pseudonym).where(AuditPseudonym.person_id == person_id)


def _read(rows: Iterable[Any]) -> Iterator[Row]:
    for entry_id, at, leaf in rows:
        try:
            read: Entry | None = entries.from_bytes(bytes(leaf))
        except EntryError:
            read = None
        yield Row(entry_id, at, bytes(leaf), read)
