"""Read on in the log from where one stopped: by the numbers of the tree, which have no gaps and never change."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent.audit import entry as entries
from consent.audit.entry import Entry, EntryError
from consent.audit.models import AuditEntry, AuditLeaf, AuditPseudonym


@dataclass(frozen=True)
class Followed:
    """One entry and the person whom it is about."""

    entry: Entry
    person_id: UUID


def size(session: Session) -> int:
    """How many entries have a number: the number that the next one gets."""
    last = session.scalar(select(AuditLeaf.seq).order_by(AuditLeaf.seq.desc()).limit(1))
    return 0 if last is None else last + 1


def between(session: Session, since: int, until: int, *, events: Collection[str]) -> list[Followed]:
    """The entries of these events numbered from `since` up to, not including, `until`, in the tree's order.

    Entries about nobody, about people who were erased, and damaged ones are left out.
    """
    rows = session.execute(
        select(AuditEntry.leaf_bytes, AuditPseudonym.person_id)
        .join(AuditLeaf, AuditLeaf.entry_id == AuditEntry.id)
        .join(AuditPseudonym, AuditPseudonym.pseudonym == AuditEntry.subject)
        .where(AuditLeaf.seq >= since, AuditLeaf.seq < until, AuditEntry.event.in_(sorted(events)))
        .order_by(AuditLeaf.seq)
    )
    found = []
    for leaf, person_id in rows:
        try:
            found.append(Followed(entries.from_bytes(bytes(leaf)), person_id))
        except EntryError:
            continue
    return found
