"""Write the log. `append` is part of the caller's transaction: no entry, no act, and the reverse.

People appear only as pseudonyms (one per person and quarter, erasable); details only as salted commitments.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from consent.audit import entry as entries
from consent.audit.entry import Entry
from consent.audit.events import EVENTS, FOR_CITIZENS
from consent.audit.models import AuditDetail, AuditEntry, AuditPseudonym, AuditUnsealed
from consent.db import InsertOnce, Sealer, new_id, rows_of, table_of

MAX_PAGE = 1000

# Thai and full-width digits count as digits here. Dashed UUIDs never match: their longest group is 12.
_NUMBER_OF_A_PERSON = re.compile(r"\d{13}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Actor:
    """Who did it. People are known here by their id, and by a pseudonym in the entry."""

    kind: str
    id: UUID | str

    @classmethod
    def citizen(cls, person_id: UUID) -> Self:
        """A citizen, acting for themselves or as somebody's guardian."""
        return cls("citizen", person_id)

    @classmethod
    def staff(cls, person_id: UUID) -> Self:
        """A staff member or an administrator."""
        return cls("staff", person_id)

    @classmethod
    def auditor(cls, person_id: UUID) -> Self:
        """A person who reads the log: their look-ups are entries too."""
        return cls("auditor", person_id)

    @classmethod
    def client(cls, client_id: str) -> Self:
        """A registered client."""
        return cls("client", client_id)

    @classmethod
    def system(cls, name: str) -> Self:
        """A part of this server that acts by itself, such as `worker`."""
        return cls("system", name)


def append(
    session: Session,
    event: str,
    *,
    now: datetime,
    actor: Actor,
    subject_id: UUID | None = None,
    client_id: str = "",
    recipient_id: UUID | None = None,
    holder: str = "",
    purpose: str = "",
    basis: str = "",
    consent_id: UUID | None = None,
    move: int = 0,
    codes: Sequence[str] = (),
    acr: str = "",
    ial: str = "",
    outcome: str = "ok",
    reason: str = "",
    detail: str | None = None,
    sealer: Sealer | None = None,
    named: dict[UUID, str] | None = None,
) -> UUID:
    """Write one entry into this transaction and return its id.

    `codes` and `reason` are words of programs, not of people. `detail` is sealed for the subject and only committed
    to. `move` is the number of the standing's move, so that a missing one shows. The request's id comes from
    `session.info["request_id"]`; an unusable one is left out, because no entry may be lost over it. `named` is for
    entries in a row at the same `now`, with no savepoint between them: their people are looked up once.

    Raises: ValueError for an unknown event, for words with a 13-digit number or an @ (defence in depth against IDs
    and addresses), for a detail without subject or sealer, and for whatever FORMAT.md does not allow.
    """
    if event not in EVENTS:
        raise ValueError(f"not in events.tsv: {event}")
    for word in (reason, *codes):
        refuse_identifiers(word)
    entry_id, salt = new_id(), os.urandom(entries.SALT_BYTES)
    if detail is not None:
        _keep_detail(session, entry_id, owner=subject_id, salt=salt, detail=detail, sealer=sealer)
    entry = Entry(
        id=entry_id,
        at=entries.to_the_millisecond(now),
        event=event,
        actor_kind=actor.kind,
        client_id=client_id,
        recipient_id=recipient_id,
        holder=holder,
        purpose=purpose,
        basis=basis,
        consent_id=consent_id,
        move=move,
        codes=tuple(codes),
        acr=acr,
        ial=ial,
        outcome=outcome,
        reason=reason,
        request_id=_request_id(session),
        detail_c="" if detail is None else entries.commitment(salt, detail),
        **_names(session, actor, subject_id, entries.shard_of(now), {} if named is None else named),
    )
    _write(session, entry)
    session.info.setdefault("appended", []).append((event, outcome, reason))  # counted once it is kept
    return entry_id


def of_subject(session: Session, subject_id: UUID, *, limit: int = 50, before: UUID | None = None) -> list[Entry]:
    """What happened about this person, newest first: the events that are for citizens' eyes (THAI 1c).

    `before` is the id of the last entry of the previous page.
    """
    query = (
        select(AuditEntry.leaf_bytes)
        .join(AuditPseudonym, AuditPseudonym.pseudonym == AuditEntry.subject)
        .where(AuditPseudonym.person_id == subject_id, AuditEntry.event.in_(FOR_CITIZENS))
    )
    return _page(session, query, limit, before)


def about(session: Session, entry_id: UUID, *, subject_id: UUID) -> Entry | None:
    """This entry, if it is about this person and for citizens' eyes; None for another's as for an unknown one."""
    query = (
        select(AuditEntry.leaf_bytes)
        .join(AuditPseudonym, AuditPseudonym.pseudonym == AuditEntry.subject)
        .where(AuditPseudonym.person_id == subject_id, AuditEntry.event.in_(FOR_CITIZENS), AuditEntry.id == entry_id)
    )
    leaf = session.scalar(query)
    return None if leaf is None else entries.from_bytes(bytes(leaf))


def staff_behind(session: Session, entry: Entry) -> UUID | None:
    """The member of staff who acted, for a rule to remember; pages show where they worked and not who they are."""
    if entry.actor_kind != "staff":
        return None
    return session.scalar(select(AuditPseudonym.person_id).where(AuditPseudonym.pseudonym == entry.actor))


def names_of(session: Session, person_id: UUID) -> frozenset[str]:
    """The pseudonyms that a person has, for a rule that asks by whose hand something was done; no page shows them."""
    return frozenset(session.scalars(select(AuditPseudonym.pseudonym).where(AuditPseudonym.person_id == person_id)))


def about_nobody(session: Session, event: str, *, since: datetime, most: int = MAX_PAGE) -> list[tuple[UUID, Entry]]:
    """Entries of one event that name no subject, newest first, with who acted: for a rule that counts attempts."""
    query = (
        select(AuditPseudonym.person_id, AuditEntry.leaf_bytes)
        .join(AuditPseudonym, AuditPseudonym.pseudonym == AuditEntry.actor)
        .where(AuditEntry.event == event, AuditEntry.subject == "", AuditEntry.at >= entries.to_the_millisecond(since))
        .order_by(AuditEntry.id.desc())
        .limit(most)
    )
    return [(person, entries.from_bytes(bytes(leaf))) for person, leaf in session.execute(query)]


def of_request(session: Session, request_id: str, *, since: datetime) -> list[Entry]:
    """What one request of this moment wrote, oldest first: what the sandbox shows developers. No person is in it."""
    recent = select(AuditEntry.leaf_bytes).where(AuditEntry.at >= entries.to_the_millisecond(since))
    return [entry for entry in reversed(_page(session, recent, MAX_PAGE, None)) if entry.request_id == request_id]


def happened(session: Session, events: Iterable[str]) -> frozenset[str]:
    """Which of these events the log holds at least once: what the sandbox's tour ticks off."""
    return frozenset(event for event in events if session.scalar(_ANY_OF, {"name": event}) is not None)


def forget(session: Session, person_id: UUID) -> None:
    """Erase who the pseudonyms of a person stood for, and every detail that was kept for them (PDPA s.33).

    Entries and tree stay as they are and verify as before; nobody can tell any more whom those entries are about.
    """
    session.execute(delete(table_of(AuditDetail)).where(AuditDetail.owner == person_id))
    session.execute(delete(table_of(AuditPseudonym)).where(AuditPseudonym.person_id == person_id))


def forget_before(session: Session, moment: datetime) -> int:
    """The same for everybody, of the quarters that were over before `moment`; how many pseudonyms went."""
    old = delete(table_of(AuditPseudonym)).where(AuditPseudonym.shard < entries.shard_of(moment))
    return rows_of(session.execute(old))


def refuse_identifiers(word: str) -> None:
    """Raise ValueError if the word could hold a national ID or an e-mail address. The word is not quoted."""
    if "@" in word or _NUMBER_OF_A_PERSON.search(word):
        raise ValueError("an entry may not hold a 13-digit number or an @")


def _request_id(session: Session) -> str:
    given = str(session.info.get("request_id", ""))
    usable = _REQUEST_ID.fullmatch(given) and not _NUMBER_OF_A_PERSON.search(given)
    return given if usable else ""


_ANY_OF = select(AuditEntry.id).where(AuditEntry.event == bindparam("name")).limit(1)
_P = table_of(AuditPseudonym).c
_PSEUDONYM = select(_P.pseudonym).where(_P.person_id == bindparam("person"), _P.shard == bindparam("in_shard"))
_name_once = InsertOnce(AuditPseudonym)


def _names(
    session: Session, actor: Actor, subject_id: UUID | None, shard: str, known: dict[UUID, str]
) -> dict[str, str]:
    people = {subject_id} if subject_id is not None else set()
    if actor.kind in entries.PEOPLE:
        if not isinstance(actor.id, UUID):
            raise ValueError("people are given by their id")
        people.add(actor.id)
    known |= _pseudonyms(session, people - known.keys(), shard)
    return {
        "actor": known[actor.id] if isinstance(actor.id, UUID) else actor.id,
        "subject": "" if subject_id is None else known[subject_id],
    }


def _pseudonyms(session: Session, people: set[UUID], shard: str) -> dict[UUID, str]:
    """Get or create, safe against another process that creates the same: whoever comes second reads the first's."""
    if not people:
        return {}
    known = _read_pseudonyms(session, people, shard)
    missing = sorted(people - known.keys())
    if not missing:
        return known
    # Sorted, so that two writers of the same two people wait for each other in one order and cannot deadlock.
    for person in missing:
        _name_once(session, {"person_id": person, "shard": shard, "pseudonym": os.urandom(16).hex()})
    return _read_pseudonyms(session, people, shard)


def _read_pseudonyms(session: Session, people: set[UUID], shard: str) -> dict[UUID, str]:
    found = {person: session.scalar(_PSEUDONYM, {"person": person, "in_shard": shard}) for person in people}
    return {person: pseudonym for person, pseudonym in found.items() if pseudonym is not None}


_INSERT_ENTRY = insert(table_of(AuditEntry))
_INSERT_UNSEALED = insert(table_of(AuditUnsealed))


def _write(session: Session, entry: Entry) -> None:
    found_by = {name: getattr(entry, name) for name in ("id", "at", "event", "subject", "actor", "client_id")}
    session.execute(_INSERT_ENTRY, {**found_by, "leaf_bytes": entries.to_bytes(entry)})
    session.execute(_INSERT_UNSEALED, {"entry_id": entry.id})


def _keep_detail(
    session: Session, entry_id: UUID, *, owner: UUID | None, salt: bytes, detail: str, sealer: Sealer | None
) -> None:
    if owner is None or sealer is None:
        raise ValueError("a detail needs a subject and a sealer")
    # The salt is sealed too: with it in the clear, a short text could be guessed after its key is gone.
    row = {
        "entry_id": entry_id,
        "owner": owner,
        "salt": sealer.seal(salt.hex(), owner=owner, field="audit.salt"),
        "sealed": sealer.seal(detail, owner=owner, field="audit.detail"),
    }
    session.execute(insert(table_of(AuditDetail)), row)


def _page(session: Session, query: Any, limit: int, before: UUID | None) -> list[Entry]:
    if before is not None:
        query = query.where(AuditEntry.id < before)
    newest_first = query.order_by(AuditEntry.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    return [entries.from_bytes(bytes(leaf)) for leaf in session.scalars(newest_first)]
