"""The sealer: numbers, signatures, crashes between any two steps, and two at once (RELIABILITY X26, X27)."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import event, func, select, text, update

from consent.audit import checkpoint, log, merkle, seal, verify
from consent.audit.memory import NOTHING, Mark
from consent.audit.merkle import Edge
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditTree, AuditUnsealed
from consent.audit.seal import SealFault
from consent.errors import Conflict
from idp.db import DatabaseError
from tests.consent.audit.sealing import ORIGIN, LogKey, exported, judged, leaves, sealed, write
from tests.fakes import NOW, SECOND


@pytest.fixture
def key():
    return LogKey()


@pytest.fixture
def do_seal(sessions, key):
    def do_seal(units=sessions, **facts):
        return seal.seal(units, key, **{"origin": ORIGIN, "now": NOW} | facts)

    return do_seal


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


def whole_and_once(sessions, key, entries):
    """Nothing lost, nothing doubled, everything signed."""
    with sessions.reading() as session:
        assert (count(session, AuditEntry), count(session, AuditLeaf), count(session, AuditUnsealed)) == (
            entries,
            entries,
            0,
        )
        report = judged(session, key)
        assert (report.verdict, report.size) == ("ok", entries)


def test_entries_are_numbered_hashed_and_signed(sessions, key, do_seal):
    """FORMAT.md, "The tree": contiguous from 0, in the order of the ids that were taken together."""
    ids = sealed(sessions, key, 3, 1, 5)

    with sessions.reading() as session:
        bytes_of = leaves(session)
        kept = {row.seq: (row.entry_id, bytes(row.leaf_hash)) for row in session.scalars(select(AuditLeaf))}
        last = seal.latest(session)
        sizes = list(session.scalars(select(AuditCheckpoint.size).order_by(AuditCheckpoint.size)))
        assert not seal.waiting(session)
    hashes = [merkle.leaf_hash(bytes_of[one]) for one in ids]
    assert kept == dict(enumerate(zip(ids, hashes, strict=True)))
    assert (last.origin, last.size, last.root, last.signed_at) == (ORIGIN, 9, merkle.root(hashes), NOW + 2 * SECOND)
    assert sizes == [3, 4, 9]
    assert do_seal() is None
    whole_and_once(sessions, key, 9)


def test_a_checkpoint_is_the_signed_note_of_the_specification(sessions, key):
    """C2SP tlog-checkpoint: origin, size, root; key id and Ed25519 signature over the text."""
    sealed(sessions, key, 2)

    with sessions.reading() as session:
        point = seal.latest(session)
    origin, size, root, empty, line, end = point.note.split("\n")
    dash, name, coded = line.split(" ")
    signed = base64.b64decode(coded)
    assert (origin, size, base64.b64decode(root), empty, end) == (ORIGIN, "2", point.root, "", "")
    assert (dash, name, signed[:4]) == ("—", ORIGIN, checkpoint.key_id(ORIGIN, key.public))
    key.key.public_key().verify(signed[4:], f"{origin}\n{size}\n{root}\n".encode())


def test_nothing_waits_so_nothing_is_signed(sessions, do_seal):
    """A tree of no leaves has no checkpoint."""
    assert do_seal() is None
    with sessions.reading() as session:
        assert seal.latest(session) is None
        assert not seal.waiting(session)


def test_a_backlog_is_taken_in_portions(sessions, key, do_seal):
    """RELIABILITY: at most so many rows in one transaction."""
    with sessions.writing() as session:
        write(session, 7)

    assert [do_seal(limit=3).size for _ in range(3)] == [3, 6, 7]
    whole_and_once(sessions, key, 7)


def test_sealing_reads_only_the_edge_of_what_is_sealed(sessions, key, do_seal):
    """The cost of a second is that second's: old leaves are neither read nor hashed."""
    sealed(sessions, key, 40)
    with sessions.writing() as session:
        write(session, 2)
    seen = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if "FROM audit_leaf" in statement:
            seen.append(parameters)

    event.listen(sessions.engine, "before_cursor_execute", note)
    do_seal()
    event.remove(sessions.engine, "before_cursor_execute", note)

    bounds = [list(one.values()) if isinstance(one, dict) else list(one) for one in seen]
    assert bounds == [[40, 42]]


def test_a_log_keeps_the_name_of_its_first_seal(sessions, key, do_seal):
    """The origin is the log's identity: a server that moves goes on with the same log."""
    sealed(sessions, key, 1)
    with sessions.writing() as session:
        write(session)

    assert do_seal(origin="elsewhere.example/log").origin == ORIGIN


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "x" * 201])
def test_a_name_that_no_note_can_carry_is_refused(sessions, do_seal, origin):
    """C2SP signed-note: no spaces, no plus."""
    with sessions.writing() as session:
        write(session)

    with pytest.raises(ValueError, match="origin"):
        do_seal(origin=origin)

    with sessions.reading() as session:
        assert count(session, AuditUnsealed) == 1


# --- crash points


class Stop(Exception):  # noqa: N818 -- it stands for a crash
    """The process ends here."""


class Crashing:
    """Units of work of which number `at` fails as it ends: `kept` or not."""

    def __init__(self, sessions, at, *, kept):
        self._sessions, self._left, self._kept = sessions, at, kept

    def _unit(self, unit):
        @contextmanager
        def opened():
            with unit() as session:
                yield session
                self._left -= 1
                if self._left == 0 and not self._kept:
                    raise Stop
            if self._left == 0:
                raise Stop

        return opened()

    def writing(self):
        """See `seal.Units`."""
        return self._unit(self._sessions.writing)

    def reading(self):
        """See `seal.Units`."""
        return self._unit(self._sessions.reading)


@pytest.mark.parametrize("kept", [False, True], ids=["not kept", "kept"])
@pytest.mark.parametrize("at", [1, 2, 3], ids=["number", "rehash", "keep"])
def test_a_crash_between_steps_loses_nothing_and_repeats_nothing(sessions, key, do_seal, at, kept):
    """X27: each write "failed" and "failed but persisted"."""
    sealed(sessions, key, 3)
    with sessions.writing() as session:
        write(session, 4)

    with pytest.raises(Stop):
        do_seal(Crashing(sessions, at, kept=kept))
    with sessions.writing() as session:
        write(session, 2)
    do_seal()

    whole_and_once(sessions, key, 9)


def test_a_crash_at_any_statement_loses_nothing_and_repeats_nothing(sessions, key, do_seal):
    """X27: whatever the database was just told."""
    entries = statements = 0
    while True:
        with sessions.writing() as session:
            entries += len(write(session, 2))
        left = [statements]

        def stop(_connection, _cursor, _statement, _parameters, _context, _many, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise Stop

        event.listen(sessions.engine, "before_cursor_execute", stop)
        try:
            do_seal()
            break
        except Stop:
            statements += 1
        finally:
            event.remove(sessions.engine, "before_cursor_execute", stop)

    assert statements > 8
    whole_and_once(sessions, key, entries)


def test_a_signature_that_fails_is_made_by_the_next(sessions, key, do_seal):
    """The key is away: what is numbered waits, and gives the same tree."""
    with sessions.writing() as session:
        write(session, 3)
    key.fail = True

    with pytest.raises(OSError, match="away"):
        do_seal()
    with sessions.reading() as session:
        assert seal.waiting(session)

    assert do_seal().size == 3
    whole_and_once(sessions, key, 3)


# --- two at once


def test_two_sealers_and_two_writers_at_once(sessions, key):
    """X27: no fork, no loss, no double number; who comes too late changes nothing."""
    start, done = threading.Barrier(4), threading.Event()

    def writer():
        start.wait()
        for _ in range(12):
            with sessions.writing() as session:
                write(session, 2)

    def sealer():
        start.wait()
        while not done.is_set():
            with suppress(Conflict):
                seal.seal(sessions, key, origin=ORIGIN, now=NOW, limit=3)

    with ThreadPoolExecutor(4) as pool:
        writers, sealers = ([pool.submit(work) for _ in range(2)] for work in (writer, sealer))
        wait(writers)
        done.set()
        for ended in writers + sealers:
            ended.result()

    while seal.seal(sessions, key, origin=ORIGIN, now=NOW):
        pass
    whole_and_once(sessions, key, 48)


def test_a_sealer_that_signed_too_late_drops_its_signature(sessions, key, do_seal):
    """The swap, alone: between its look and its write another has signed."""
    with sessions.writing() as session:
        write(session, 2)
        seal.number(session, origin=ORIGIN, limit=9)
    with sessions.reading() as session:
        mine = seal.rehash(session)
    theirs = do_seal()

    with pytest.raises(Conflict), sessions.writing() as session:
        seal.keep(session, mine, theirs)

    whole_and_once(sessions, key, 2)


def test_a_sealer_that_numbered_from_an_old_edge_changes_nothing(sessions, key, monkeypatch):
    """The swap, alone: what it read of the tree is no longer true."""
    sealed(sessions, key, 2)
    with sessions.writing() as session:
        old = seal._tree(session, ORIGIN)
        session.expunge(old)
        write(session, 1)
    sealed_more = seal.seal(sessions, key, origin=ORIGIN, now=NOW)
    with sessions.writing() as session:
        write(session, 1)
    monkeypatch.setattr(seal, "_tree", lambda _session, _origin: old)

    with pytest.raises(Conflict), sessions.writing() as session:
        seal.number(session, origin=ORIGIN, limit=9)

    monkeypatch.undo()
    assert seal.seal(sessions, key, origin=ORIGIN, now=NOW).size == sealed_more.size + 1
    whole_and_once(sessions, key, 4)


def test_an_entry_of_a_long_transaction_is_not_lost(sessions, key, do_seal, monkeypatch):
    """RELIABILITY: never "all above the last". Its id is low, its commit late."""
    sealed(sessions, key, 1)  # the person has a pseudonym: writers of the same one would wait for each other
    early = log.new_id()

    def slowly(session):
        with monkeypatch.context() as patched:
            patched.setattr(log, "new_id", lambda: early)
            write(session)

    def quickly():
        for _ in range(2):
            with sessions.writing() as session:
                write(session)
            do_seal()

    with sessions.write() as slow, slow.begin():
        if sessions.engine.dialect.name == "postgresql":
            slowly(slow)
            quickly()
    if sessions.engine.dialect.name == "sqlite":  # one writer at a time: the same ids, committed in the same order
        quickly()
        with sessions.writing() as session:
            slowly(session)

    assert do_seal().size == 4
    with sessions.reading() as session:
        assert session.scalar(select(AuditLeaf.seq).where(AuditLeaf.entry_id == early)) == 3
    whole_and_once(sessions, key, 4)


# --- what is never signed


def unguarded(session):
    """As the superuser of the database: guards do not hold."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        return
    for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session.execute(text(f"DROP TRIGGER {name}"))


def numbered(sessions, key, entries=3):
    """A log with two signed entries and some that are numbered only."""
    ids = sealed(sessions, key, 2)
    with sessions.writing() as session:
        ids += write(session, entries)
        seal.number(session, origin=ORIGIN, limit=99)
    return ids


@pytest.mark.parametrize("table", ["entry", "leaf", "tree", "gone"])
def test_what_changed_after_it_was_numbered_is_not_signed(sessions, key, do_seal, table):
    """One flipped bit that is signed can never be mended: the bytes are hashed again first."""
    ids = numbered(sessions, key)
    with sessions.writing() as session:
        unguarded(session)
        entry = AuditEntry.__table__.update().where(AuditEntry.id == ids[3])
        change = {
            "entry": entry.values(leaf_bytes=leaves(session)[ids[2]]),
            "leaf": update(AuditLeaf).where(AuditLeaf.seq == 3).values(leaf_hash=b"x" * 32),
            "tree": update(AuditTree).values(edge=Edge().grow([b"x" * 32] * 5).to_bytes()),
            "gone": AuditEntry.__table__.delete().where(AuditEntry.id == ids[4]),
        }[table]
        session.execute(change)

    with pytest.raises(SealFault):
        do_seal()

    with sessions.reading() as session:
        assert seal.latest(session).size == 2


@pytest.mark.parametrize("change", ["damaged", "gone", "exchanged"])
def test_an_entry_that_is_none_is_not_numbered(sessions, key, do_seal, change):
    """What waits must still be an entry, and that one."""
    sealed(sessions, key, 1)
    with sessions.writing() as session:
        first, second = write(session, 2)
        unguarded(session)
        table, held = AuditEntry.__table__, leaves(session)
        mine = table.c.id == second
        session.execute(
            {
                "damaged": table.update().where(mine).values(leaf_bytes=held[second][:-1]),
                "gone": table.delete().where(mine),
                "exchanged": table.update().where(mine).values(leaf_bytes=held[first]),
            }[change]
        )

    with pytest.raises(SealFault):
        do_seal()

    with sessions.reading() as session:
        assert (seal.latest(session).size, count(session, AuditUnsealed)) == (1, 2)


def test_a_smaller_tree_is_never_signed(sessions, key, do_seal):
    """X29: set back to an older state, with its newer checkpoints still there."""
    sealed(sessions, key, 2, 3)
    with sessions.writing() as session:
        older = session.scalars(select(AuditLeaf.leaf_hash).order_by(AuditLeaf.seq)).all()[:2]
        edge = Edge().grow(map(bytes, older))
        unguarded(session)
        session.execute(AuditLeaf.__table__.delete().where(AuditLeaf.seq >= 2))
        session.execute(
            update(AuditTree).values(size=2, signed_size=2, edge=edge.to_bytes(), signed_edge=edge.to_bytes())
        )
        write(session, 1)

    with pytest.raises(SealFault, match="longer"):
        do_seal()


class Kept:
    """A memory that outlives its database, in a test's own hands."""

    def __init__(self, mark=NOTHING):
        self.mark = mark

    def last(self):
        """See `memory.Memory`."""
        return self.mark

    def remember(self, mark, *, after):
        """See `memory.Memory`."""
        if after != self.mark:
            raise Conflict("Another sealer was faster.")
        self.mark = mark


def mark_of(point):
    return Mark(point.size, point.root)


def test_what_is_signed_is_remembered_before_it_is_signed(sessions, key, do_seal):
    """A witness keeps first and answers then: of a signature that exists, the memory always knows."""
    memory = Kept()
    with sessions.writing() as session:
        write(session, 2)
    key.fail = True
    with pytest.raises(OSError, match="away"):
        do_seal(memory=memory)
    assert memory.mark.size == 2

    with sessions.writing() as session:
        write(session, 1)
    assert mark_of(do_seal(memory=memory)) == memory.mark
    whole_and_once(sessions, key, 3)


def test_a_database_set_back_whole_is_known_by_who_remembers(sessions, key, do_seal):
    """X29: a smaller tree than was signed before, with nothing in the database that shows it."""
    sealed(sessions, key, 2)
    with sessions.writing() as session:
        write(session, 1)

    with pytest.raises(SealFault, match="longer"):
        do_seal(memory=Kept(Mark(9, b"x" * 32)))

    with sessions.reading() as session:
        assert seal.latest(session).size == 2


@pytest.mark.parametrize("size", [2, 3, 5], ids=["signed", "numbered before", "the next"])
def test_another_log_of_the_same_size_is_not_signed(sessions, key, do_seal, size):
    """X29: a database that was set back and went another way has grown past the mark."""
    numbered(sessions, key)

    with pytest.raises(SealFault, match="Another log"):
        do_seal(memory=Kept(Mark(size, b"x" * 32)))

    with sessions.reading() as session:
        assert seal.latest(session).size == 2


def test_a_mark_of_this_log_is_no_hindrance_wherever_it_lies(sessions, key, do_seal):
    """A node that has not sealed for a while, and one that crashed between keeping the mark and the checkpoint."""
    ids = sealed(sessions, key, 3, 4)
    with sessions.writing() as session:
        bytes_of = leaves(session)
        hashes = [merkle.leaf_hash(bytes_of[one]) for one in ids]
        write(session, 2)
        seal.number(session, origin=ORIGIN, limit=9)

    for size in (0, 2, 3, 7):
        with sessions.reading() as session:
            draft = seal.rehash(session, seen=Mark(size, merkle.root(hashes[:size])))
        assert draft.edge.size == 9
    whole = Mark(9, draft.edge.root())
    assert mark_of(do_seal(memory=Kept(whole))) == whole


def test_a_mark_that_another_sealer_moved_meanwhile_changes_nothing(sessions, key, do_seal):
    """Two on one machine: who drafted from an older mark comes again."""
    with sessions.writing() as session:
        write(session, 2)
    memory = Kept()
    memory.last = lambda: Mark(0, merkle.EMPTY_ROOT)
    memory.mark = Mark(1, b"y" * 32)

    with pytest.raises(Conflict):
        do_seal(memory=memory)

    assert do_seal().size == 2
    whole_and_once(sessions, key, 2)


def test_a_signed_edge_that_is_not_the_last_checkpoint_is_not_built_upon(sessions, key, do_seal):
    """Somebody wrote into the one row that moves."""
    sealed(sessions, key, 2)
    with sessions.writing() as session:
        write(session, 1)
        forged = Edge().grow([b"x" * 32] * 2).to_bytes()
        session.execute(update(AuditTree).values(edge=forged, signed_edge=forged))

    with pytest.raises(SealFault, match="edge"):
        do_seal()


def test_a_tree_that_is_gone_is_not_begun_again(sessions, key, do_seal):
    """A second tree of the same name would be a fork."""
    sealed(sessions, key, 2)
    with sessions.writing() as session:
        session.execute(AuditTree.__table__.delete())

    with pytest.raises(SealFault, match="longer"):
        do_seal()
    with sessions.writing() as session:
        write(session, 1)
    with pytest.raises((SealFault, DatabaseError)):
        do_seal()


def test_what_is_numbered_and_not_signed_is_not_in_a_file(sessions, key):
    """A file ends at its checkpoint."""
    numbered(sessions, key)

    with sessions.reading() as session:
        assert verify.check(exported(session, key)).size == 2
        assert judged(session, key).verdict == "ok"
