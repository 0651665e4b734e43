"""The sealer's memory: one small file outside the database, whole or unchanged, one writer at a time."""

import json
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from consent.audit import log, seal
from consent.audit.log import Actor
from consent.audit.memory import NOTHING, Mark
from consent.audit.seal import SealFault
from consent.errors import Conflict
from idp.seal_memory import SealMemory
from idp.worker import Sealing, Worker
from tests.consent.audit.sealing import ORIGIN, LogKey, write
from tests.fakes import NOW

FIRST, SECOND = Mark(3, b"a" * 32), Mark(7, b"b" * 32)


@pytest.fixture
def memory(tmp_path):
    return SealMemory(tmp_path / "kek.signed")


def test_what_is_remembered_is_there_for_the_next_process(memory):
    """And a file that was never written stands for nothing."""
    assert memory.last() == NOTHING
    memory.remember(FIRST, after=NOTHING)
    memory.remember(SECOND, after=FIRST)

    assert SealMemory(memory.path).last() == SECOND
    assert sorted(path.name for path in memory.path.parent.iterdir()) == ["kek.signed", "kek.signed.lock"]
    assert json.loads(memory.path.read_text())["size"] == 7


def test_a_mark_that_moved_meanwhile_is_not_overwritten(memory):
    """Two sealers of one machine."""
    memory.remember(FIRST, after=NOTHING)

    with pytest.raises(Conflict):
        memory.remember(SECOND, after=NOTHING)

    assert memory.last() == FIRST


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"format": "yinyom-signed/1", "size": -1, "root": ""}', '{"size": 3, "root": "x"}', "\u0e01"],
)
def test_a_damaged_file_is_no_empty_one(memory, content):
    """Forgetting is what an attacker would like."""
    memory.path.write_text(content, encoding="utf-8")

    with pytest.raises(SealFault, match="cannot be read"):
        memory.last()
    assert memory.last_or_none() is None

    memory.replace(FIRST)
    assert memory.last() == FIRST


def test_where_nothing_can_be_kept_nothing_is_signed(tmp_path, sessions):
    """A memory that cannot be written is said so, with the setting that mends it."""
    nowhere = SealMemory(tmp_path / "none" / "kek.signed")
    with sessions.writing() as session:
        write(session, 1)

    with pytest.raises(SealFault, match="YINYOM_SEAL_MEMORY_FILE"):
        seal.seal(sessions, LogKey(), origin=ORIGIN, now=NOW, memory=nowhere)

    with sessions.reading() as session:
        assert seal.latest(session) is None


def test_a_full_disk_leaves_the_old_mark(memory, monkeypatch):
    """All of it or nothing: the name moves only after the bytes are on the disk."""
    memory.remember(FIRST, after=NOTHING)

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SealFault, match="cannot be written"):
        memory.remember(SECOND, after=FIRST)

    assert memory.last() == FIRST


def test_two_sealers_with_one_memory_make_one_log(sessions, memory):
    """Neither loses an entry, and neither is stopped for good."""
    key, done = LogKey(), threading.Event()

    def sealer():
        while not done.is_set():
            with suppress(Conflict):
                seal.seal(sessions, key, origin=ORIGIN, now=NOW, memory=memory, limit=3)

    threads = [threading.Thread(target=sealer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        with sessions.writing() as session:
            write(session, 2)
    done.set()
    for thread in threads:
        thread.join()
    for _ in range(9):
        seal.seal(sessions, key, origin=ORIGIN, now=NOW, memory=memory, limit=3)

    with sessions.reading() as session:
        head = seal.latest(session)
    assert (head.size, memory.last()) == (16, Mark(head.size, head.root))


@pytest.fixture
def worker(settings, sessions, ring, clock):
    class Rings:
        def at(self, _now):
            return ring

    return Worker(settings, sessions, Rings(), None, clock)


def an_entry(sessions, event="signin.done"):
    with sessions.writing() as session:
        log.append(session, event, now=NOW, actor=Actor.system("test"))


def test_the_worker_keeps_its_memory_beside_the_key_and_stops_before_a_shorter_log(worker, sessions, engine, tmp_path):
    """RELIABILITY: a restored backup does not make a fork, also when the worker was started anew."""
    an_entry(sessions)
    assert Sealing()(worker) == 1
    backup = copied(sessions, engine, tmp_path / "backup")
    an_entry(sessions)
    assert Sealing()(worker) == 1
    assert SealMemory(worker.settings.kek_file.with_name("kek.signed")).last().size == 2

    set_back(engine, backup)
    an_entry(sessions, "signin.failed")
    with pytest.raises(SealFault, match="Another log was signed before"):
        Sealing()(worker)
    with sessions.reading() as session:
        assert seal.latest(session).size == 1

    with sessions.reading() as session:
        head = seal.latest(session)
    SealMemory(worker.settings.seal_memory).replace(Mark(head.size, head.root))
    assert Sealing()(worker) == 1


def copied(sessions, engine, place):
    """A copy of the database as it is now."""
    engine.dispose()
    if engine.dialect.name == "sqlite":
        return shutil.copyfile(engine.url.database, place)
    with sessions.reading() as session:
        return {
            table: [dict(row) for row in session.connection().exec_driver_sql(f"SELECT * FROM {table}").mappings()]  # noqa: S608
            for table in ("audit_entry", "audit_unsealed", "audit_leaf", "audit_checkpoint", "audit_tree")
        }


def set_back(engine, backup):
    """The database as it was, whole."""
    if engine.dialect.name == "sqlite":
        engine.dispose()
        for beside in ("-wal", "-shm"):
            Path(engine.url.database + beside).unlink(missing_ok=True)
        shutil.copyfile(backup, engine.url.database)
        return
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table, rows in backup.items():
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
            for row in rows:
                names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
                connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({places})", row)  # noqa: S608
