"""The log: append and read, pseudonyms, details, and what may never stand in it (DECISIONS 19, 20)."""

import hashlib
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from consent.audit import log
from consent.audit.entry import from_bytes, to_bytes
from consent.audit.log import Actor
from consent.audit.models import AuditDetail, AuditEntry, AuditLeaf, AuditPseudonym, AuditUnsealed
from tests.consent.cast import ANOTHER, AUDITOR, CLINIC, PERSON
from tests.fakes import NOW, SECOND


class Box:
    """A sealer that anybody can open: only the calls matter here."""

    def seal(self, plain: str, *, owner: UUID, field: str) -> bytes:  # noqa: D102 -- see the port
        return f"{owner}|{field}|{plain}".encode()[::-1]

    def open(self, sealed: bytes, *, owner: UUID, field: str) -> str:  # noqa: D102 -- see the port
        return sealed[::-1].decode().removeprefix(f"{owner}|{field}|")


def given(session, *, now=NOW, subject_id=PERSON, event="consent.given", **more):
    return log.append(session, event, now=now, actor=Actor.citizen(subject_id), subject_id=subject_id, **more)


def test_an_entry_is_kept_as_its_final_bytes_and_waits_for_the_sealer(session):
    """DECISIONS 19: bytes are final from the first entry."""
    entry_id = given(session, recipient_id=CLINIC, purpose="PHR-SELF", codes=("patient/Patient.r",), move=1)

    row = session.get_one(AuditEntry, entry_id)
    entry = from_bytes(row.leaf_bytes)
    assert to_bytes(entry) == row.leaf_bytes
    assert (entry.id, entry.at, entry.event, entry.move) == (entry_id, NOW, "consent.given", 1)
    assert (entry.recipient_id, entry.purpose, entry.codes) == (CLINIC, "PHR-SELF", ("patient/Patient.r",))
    assert (row.subject, row.actor, row.event, row.at) == (entry.subject, entry.actor, entry.event, entry.at)
    assert session.get(AuditUnsealed, entry_id) is not None


def test_a_person_is_one_pseudonym_for_a_quarter_and_another_for_the_next(session):
    """FORMAT.md, "Pseudonyms"."""
    first = given(session)
    again = given(session, now=datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    later = given(session, now=datetime(2027, 1, 1, tzinfo=UTC))
    other = given(session, subject_id=ANOTHER)

    names = [session.get_one(AuditEntry, one).subject for one in (first, again, later, other)]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert session.get_one(AuditEntry, first).actor == names[0]
    assert str(PERSON).replace("-", "") not in names


def test_erasing_the_mapping_orphans_the_entries_and_leaves_the_bytes(session):
    """DECISIONS 19: erasing a person does not break the log."""
    entry_id = given(session)
    session.execute(delete(AuditPseudonym).where(AuditPseudonym.person_id == PERSON))

    assert log.of_subject(session, PERSON) == []
    assert session.get(AuditEntry, entry_id) is not None


@pytest.mark.parametrize(
    ("actor", "kind", "name"),
    [
        (Actor.client("portal"), "client", "portal"),
        (Actor.system("worker"), "system", "worker"),
        (Actor.staff(ANOTHER), "staff", None),
        (Actor.auditor(AUDITOR), "auditor", None),
    ],
)
def test_people_are_pseudonyms_and_programs_are_names(session, actor, kind, name):
    """FORMAT.md, member `actor`."""
    entry_id = log.append(session, "token.issued", now=NOW, actor=actor, subject_id=PERSON)

    entry = from_bytes(session.get_one(AuditEntry, entry_id).leaf_bytes)
    assert entry.actor_kind == kind
    assert (entry.actor == name) if name else (len(entry.actor) == 32 and entry.actor != entry.subject)


@pytest.mark.parametrize(
    "bad",
    [
        {"event": "consent.invented"},
        {"codes": ("1999000010012",)},
        {"codes": ("fine", "x๑๙๙๙๐๐๐๐๑๐๐๑๒x")},
        {"reason": "asked by 1999000010012"},
        {"reason": "a@b.example"},
        {"codes": ("",)},
        {"reason": "x" * 301},
        {"outcome": "perhaps"},
        {"detail": "x"},
        {"detail": "x", "sealer": Box(), "subject_id": None, "actor": Actor.system("worker")},
        {"actor": Actor("citizen", "somebody")},
    ],
)
def test_what_may_not_be_logged_is_refused_and_writes_nothing(session, bad):
    """FORMAT.md, "Never in an entry"."""
    facts = {"event": "consent.given", "now": NOW, "actor": Actor.citizen(PERSON), "subject_id": PERSON, **bad}

    with pytest.raises(ValueError):  # noqa: PT011 -- the word itself may not be quoted
        log.append(session, facts.pop("event"), **facts)

    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0
    assert session.scalar(select(func.count()).select_from(AuditDetail)) == 0


def test_a_detail_is_sealed_and_only_committed_to(session):
    """FORMAT.md, "Details"."""
    box = Box()
    entry_id = given(session, detail="ตามคำขอ", sealer=box)

    kept = session.get_one(AuditDetail, entry_id)
    salt = bytes.fromhex(box.open(kept.salt, owner=PERSON, field="audit.salt"))
    text = box.open(kept.sealed, owner=PERSON, field="audit.detail")
    entry = from_bytes(session.get_one(AuditEntry, entry_id).leaf_bytes)
    assert entry.detail_c == hashlib.sha256(b"\x02" + salt + text.encode()).hexdigest()
    assert (kept.owner, text, len(salt)) == (PERSON, "ตามคำขอ", 32)


@pytest.mark.parametrize(
    ("request_id", "kept"),
    [("a1-b2_c3", "a1-b2_c3"), ("1999000010012", ""), ("a b", ""), ("x" * 65, ""), (None, "")],
)
def test_an_unusable_request_id_is_left_out(session, request_id, kept):
    """A header of the outside world may not put an ID into the log, nor stop an entry."""
    if request_id is not None:
        session.info["request_id"] = request_id

    entry_id = given(session)

    assert from_bytes(session.get_one(AuditEntry, entry_id).leaf_bytes).request_id == kept


def test_a_citizen_sees_what_is_about_them_page_by_page(session):
    """PDPA s.30: newest first, only their own, only what is for their eyes."""
    mine = [given(session, now=NOW + n * SECOND) for n in range(3)]
    given(session, subject_id=ANOTHER)
    log.append(session, "token.refreshed", now=NOW, actor=Actor.client("portal"), subject_id=PERSON)
    mine.append(given(session, now=datetime(2027, 1, 1, tzinfo=UTC)))

    first = log.of_subject(session, PERSON, limit=3)
    second = log.of_subject(session, PERSON, limit=3, before=first[-1].id)

    assert [entry.id for entry in first + second] == mine[::-1]


@pytest.mark.parametrize("change", [update(AuditEntry).values(event="x"), delete(AuditEntry), delete(AuditLeaf)])
def test_the_database_refuses_to_change_or_drop_an_entry(sessions, change):
    """DECISIONS 19: append-only on both engines, whoever asks."""
    with sessions.writing() as session:
        session.add(AuditLeaf(seq=0, entry_id=given(session), leaf_hash=bytes(32)))

    with sessions.write() as session, pytest.raises(DBAPIError, match="append-only"):
        session.execute(change)


def test_two_writers_of_a_new_person_agree_on_one_pseudonym(sessions):
    """Get or create is safe across processes on both engines."""
    start = threading.Barrier(4)

    def write() -> None:
        start.wait()
        for _ in range(3):
            with sessions.writing() as session:
                given(session)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditPseudonym)) == 1
        assert len(log.of_subject(session, PERSON)) == 12


def test_what_one_request_wrote_is_found_again_in_its_order(session):
    """What the sandbox shows developers: nothing of another request, nothing from before."""
    session.info["request_id"] = "before"
    given(session, now=NOW - SECOND)
    session.info["request_id"] = "mine"
    mine = [given(session), given(session, event="consent.withdrawn")]
    session.info["request_id"] = "other"
    given(session)

    assert [entry.id for entry in log.of_request(session, "mine", since=NOW)] == mine
    assert log.of_request(session, "before", since=NOW) == []


def test_what_happened_at_least_once_is_told_and_nothing_else(session):
    """What the tour ticks off."""
    given(session)
    given(session)

    assert log.happened(session, ("consent.given", "consent.withdrawn")) == {"consent.given"}
