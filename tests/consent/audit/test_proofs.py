"""The badge: what is checked on the fly, and that nothing damaged is called proved."""

import pytest
from sqlalchemy import text, update

from consent.audit import merkle, proofs, seal
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf
from consent.audit.proofs import Prover
from tests.consent.audit.sealing import ORIGIN, LogKey, leaves, sealed, write
from tests.fakes import NOW, SECOND


@pytest.fixture
def key():
    return LogKey()


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Subtrees of eight leaves, so that a short log has many."""
    monkeypatch.setattr(proofs, "TILE", 3)
    monkeypatch.setattr(proofs, "WIDTH", 8)
    monkeypatch.setattr(proofs, "_PAGE", 16)


def as_superuser(session, change):
    """Past the guards."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {name}"))
    session.execute(change)


def looked(sessions, key, prover=None):
    with sessions.reading() as session:
        return (prover or Prover()).standing(session, [key.public])


def marks(sessions, key, ids, prover=None):
    """What is said of each entry, by its number."""
    with sessions.reading() as session:
        held = leaves(session)
        shown = {seq: held[one] for seq, one in enumerate(ids)}
        return (prover or Prover()).included(session, seal.latest(session), shown, [key.public])


def test_a_log_without_entries_is_neither_proved_nor_broken(sessions, key):
    """Nothing is signed, so nothing is claimed."""
    found = looked(sessions, key)

    assert (found.head, found.proved, found.broken, found.waiting, found.waiting_since) == (None, False, False, 0, None)


@pytest.mark.parametrize("batches", [(1,), (3, 1, 5), (8,), (8, 8), (7, 1, 1), (40, 2), (16, 17, 1)])
def test_a_whole_log_is_proved_with_every_entry(sessions, key, batches):
    """Signature, growth since the checkpoint before, and a path for each leaf."""
    ids = sealed(sessions, key, *batches)
    prover = Prover()

    found = looked(sessions, key, prover)

    assert (found.proved, found.broken) == (True, False)
    assert (found.head.size, found.before) == (len(ids), len(ids) - batches[-1] if len(batches) > 1 else 0)
    assert marks(sessions, key, ids, prover) == dict.fromkeys(range(len(ids)), True)


def test_what_waits_is_counted_with_its_age_and_is_not_proved(sessions, key):
    """The backlog of the badge: unsealed, and numbered but not signed."""
    ids = sealed(sessions, key, 2)
    with sessions.writing() as session:
        ids += write(session, 3, now=NOW + 5 * SECOND)
    found = looked(sessions, key)
    assert (found.waiting, found.waiting_since) == (3, NOW + 5 * SECOND)
    assert marks(sessions, key, ids) == {0: True, 1: True}

    with sessions.writing() as session:
        seal.number(session, origin=ORIGIN, limit=2)
    assert looked(sessions, key).waiting == 3


def test_a_log_that_grew_needs_no_fresh_look_at_what_was_read(sessions, key):
    """The cost of a look is that of what is new: nodes are kept."""
    ids = sealed(sessions, key, 30)
    prover = Prover()
    assert looked(sessions, key, prover).read_to == 24
    with sessions.writing() as session:
        ids += write(session, 20, now=NOW + SECOND)
    seal.seal(sessions, key, origin=ORIGIN, now=NOW)

    assert looked(sessions, key, prover).proved
    assert marks(sessions, key, ids, prover) == dict.fromkeys(range(50), True)


def test_a_long_log_is_read_by_several_looks(sessions, key, monkeypatch):
    """Bounded work: nothing is claimed before everything that is needed is read."""
    monkeypatch.setattr(proofs, "MOST_LEAVES", 16)
    ids = sealed(sessions, key, 50)
    prover = Prover()

    states = [looked(sessions, key, prover) for _ in range(4)]

    assert [(one.proved, one.broken, one.read_to) for one in states] == [
        (False, False, 16),
        (False, False, 32),
        (True, False, 48),
        (True, False, 48),
    ]
    assert marks(sessions, key, ids) is None


@pytest.mark.parametrize("where", [0, 9, 41])
def test_a_changed_hash_breaks_the_growth(sessions, key, where):
    """Somebody wrote into the tree."""
    sealed(sessions, key, 20, 22)
    with sessions.writing() as session:
        as_superuser(session, update(AuditLeaf).where(AuditLeaf.seq == where).values(leaf_hash=b"x" * 32))

    found = looked(sessions, key)

    assert (found.signed, found.grew, found.proved, found.broken) == (True, False, False, True)


@pytest.mark.parametrize("where", [0, 9, 41])
def test_a_missing_leaf_breaks_the_growth(sessions, key, where):
    """At the front, in the middle, at the end."""
    sealed(sessions, key, 20, 22)
    with sessions.writing() as session:
        as_superuser(session, AuditLeaf.__table__.delete().where(AuditLeaf.seq == where))

    assert looked(sessions, key).broken


def test_a_changed_entry_is_not_proved_and_its_neighbours_are(sessions, key):
    """The bytes that are shown are the bytes that are hashed."""
    ids = sealed(sessions, key, 12)
    with sessions.writing() as session:
        forged = leaves(session)[ids[3]].replace(b'"ok"', b'"no"')
        as_superuser(session, update(AuditEntry).where(AuditEntry.id == ids[3]).values(leaf_bytes=forged))

    assert marks(sessions, key, ids) == dict.fromkeys(range(12), True) | {3: False}


@pytest.mark.parametrize("change", ["root", "note", "key"])
def test_a_checkpoint_that_we_did_not_sign_proves_nothing(sessions, key, change):
    """Its signature is verified each time, with our keys alone."""
    ids = sealed(sessions, key, 2, 2)
    asked = key
    with sessions.writing() as session:
        note = seal.latest(session).note
        table = AuditCheckpoint.__table__
        if change == "root":
            as_superuser(session, update(table).where(table.c.size == 4).values(root=b"x" * 32))
        elif change == "note":
            as_superuser(session, update(table).where(table.c.size == 4).values(note=note.replace("\n4\n", "\n5\n")))
        else:
            asked = LogKey()

    found = looked(sessions, asked)

    assert (found.signed, found.proved, found.broken) == (False, False, True)
    assert not any(marks(sessions, asked, ids).values())


def test_nodes_of_another_past_are_forgotten_once(sessions, key):
    """The database may have been restored under a running server: no false alarm."""
    ids = sealed(sessions, key, 30)
    prover = Prover()
    assert looked(sessions, key, prover).proved
    prover._levels[0][1] = prover._levels[1][0] = b"x" * 32

    assert looked(sessions, key, prover).proved
    prover._levels[0][1] = prover._levels[1][0] = b"x" * 32
    assert all(marks(sessions, key, ids, prover).values())


def test_a_kept_checkpoint_is_told_from_a_false_one(sessions, key):
    """PAGES: consistency against an outside checkpoint."""
    sealed(sessions, key, 3)
    with sessions.reading() as session:
        first = seal.latest(session).note
    with sessions.writing() as session:
        write(session, 20)
    newest = seal.seal(sessions, key, origin=ORIGIN, now=NOW).note
    other = LogKey()

    def signed(size, root, by=key, origin=ORIGIN):
        signed_text = proofs.checkpoint.text(origin, size, root)
        return proofs.checkpoint.note(origin, signed_text, by.sign(signed_text), by.public)

    said = {
        "beginning": [first, first.replace("\n", "\r\n"), f"\n{first}\n", signed(0, merkle.EMPTY_ROOT)],
        "same": [newest],
        "fork": [signed(3, b"x" * 32), signed(23, b"x" * 32)],
        "ahead": [signed(24, b"x" * 32)],
        "unsigned": [
            signed(3, b"x" * 32, other),
            first.replace("\n3\n", "\n2\n"),
            first[:-30],
            "",
            "x\n\ny",
            "x" * 9000,
        ],
    }
    said["unsigned"].append(signed(3, b"x" * 32, origin="other.example/log"))
    with sessions.reading() as session:
        for outcome, notes in said.items():
            for note in notes:
                assert Prover().holds(session, note, [key.public]) == outcome, note
