"""A backup that cannot be restored is none: made, proved, and put back, on both databases."""

import json
import os
import shutil
import sqlite3
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from idp import backup, keys, migrations
from idp.backup import BackupError
from idp.db import make_engine, make_sessions
from idp.login.sessions import SignInSession
from idp.oauth.grants import Grant
from tests.conftest import KEK
from tests.fakes import DAY, HOUR, NOW

pytestmark = pytest.mark.skipif(not shutil.which("pg_dump"), reason="PostgreSQL's client programs are not installed")
SOMEBODY = uuid4()


@pytest.fixture
def filled(sessions, ring):  # noqa: ARG001
    """A database with an open grant, a sign-in and three log entries."""
    with sessions.writing() as session:
        for _ in range(3):
            log.append(session, "token.issued", now=NOW, actor=log.Actor.system("idp"))
        session.add(open_grant())
        session.execute(insert(SignInSession), [sign_in()])
    return sessions


@pytest.fixture
def made(filled, tmp_path):
    """The backup of it."""
    target = tmp_path / "yinyom.backup"
    backup.create(filled.engine, target, now=NOW)
    return target


@pytest.fixture
def empty(filled, tmp_path):
    """A database with nothing in it, of the same kind."""
    if filled.engine.dialect.name == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
        yield engine
        engine.dispose()
        return
    name = f"empty_{os.getpid()}_{uuid4().hex[:6]}"
    admin = filled.engine.execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = make_engine(filled.engine.url.set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def open_grant():
    return Grant(
        subject_id=SOMEBODY,
        client_id="portal",
        recipient_id=uuid4(),
        scopes="{}",
        resource="[]",
        offline_access=True,
        aal="2.1",
        factors="sms pin",
        auth_time=NOW,
        created_at=NOW,
    )


def sign_in():
    columns = {column.name: None for column in SignInSession.__table__.columns}
    return columns | {
        "id_hash": "0" * 64,
        "subject_id": SOMEBODY,
        "kind": "citizen",
        "factors": "sms",
        "auth_time": NOW,
        "created_at": NOW,
        "last_seen_at": NOW,
        "expires_at": NOW + HOUR,
        "idle_s": 600,
        "device": "x",
    }


def events(sessions):
    with sessions.reading() as session:
        return [from_bytes(bytes(leaf)).event for leaf in session.scalars(select(AuditEntry.leaf_bytes))]


def test_a_backup_says_what_it_holds_and_nothing_that_opens_it(made, filled):
    """sha256, schema, rows of consent and audit; no key, no password, readable by its owner only."""
    manifest = json.loads(backup.manifest_of(made).read_text())

    assert manifest["engine"] == filled.engine.dialect.name
    assert manifest["schema"] == migrations.head()
    assert manifest["rows"]["audit_entry"] == 3
    assert all(name.startswith(("consent_", "audit_")) for name in manifest["rows"])
    assert set(manifest) == {"format", "engine", "schema", "made_at", "bytes", "sha256", "rows"}
    assert made.stat().st_mode & 0o077 == 0
    assert not made.with_name("yinyom.backup.part").exists()


def test_the_key_is_not_in_the_backup(made):
    """Without the key file nobody reads it: the leak test's promise holds for backups."""
    raw = made.read_bytes() + backup.manifest_of(made).read_bytes()
    assert KEK not in raw
    assert KEK.hex().encode() not in raw


def test_verify_restores_elsewhere_and_compares(made, filled):
    """The original is not touched; the temporary place is gone afterwards."""
    assert backup.verify(made, server=filled.engine).rows["audit_entry"] == 3
    assert events(filled) == ["token.issued"] * 3


def test_a_backup_of_a_running_database_is_of_one_moment(filled, tmp_path):
    """An open writer does not disturb it, and what it has not committed is not in it."""
    with filled.write() as session, session.begin():
        log.append(session, "token.issued", now=NOW, actor=log.Actor.system("idp"))
        session.flush()
        manifest = backup.create(filled.engine, tmp_path / "b", now=NOW)
    assert manifest.rows["audit_entry"] == 3


def test_x29_a_restore_brings_back_the_rows_and_ends_what_was_open(made, empty, kek):
    """X29: what was revoked since the backup stays dead; consents and log entries are there, keys open."""
    manifest, ended = backup.restore(made, empty, now=NOW + DAY)

    restored = make_sessions(empty)
    assert (manifest.rows["audit_entry"], ended) == (3, 1)
    assert events(restored).count("token.issued") == 3
    assert {"token.revoked", "session.ended", "backup.restored"} <= set(events(restored))
    with restored.reading() as session:
        assert session.scalar(select(Grant.ended_at)) == NOW + DAY
        assert session.scalar(select(SignInSession.ended_at)) == NOW + DAY
        assert keys.load(session, kek, now=NOW + DAY).signer("access_token")


def test_a_restored_database_still_guards_its_log(made, empty):
    """Triggers travel with the backup."""
    backup.restore(made, empty, now=NOW)
    with pytest.raises(Exception, match=r"(?i)audit_entry|append"), Session(empty) as session:  # noqa: PT012
        session.execute(text("DELETE FROM audit_entry"))
        session.commit()


def test_a_restore_never_overwrites(made, filled):
    """A non-empty target is refused, whatever is in it."""
    with pytest.raises(BackupError, match="not empty"):
        backup.restore(made, filled.engine, now=NOW)
    assert events(filled) == ["token.issued"] * 3


def test_a_backup_never_overwrites(made, filled):
    """Neither the file nor its manifest."""
    with pytest.raises(BackupError, match="exists"):
        backup.create(filled.engine, made, now=NOW)


@pytest.mark.parametrize("harm", ["flip", "cut", "manifest", "other", "rows", "gone"])
def test_a_harmed_backup_is_refused_before_anything_is_written(made, empty, harm):
    """Digest, manifest and rows are compared."""
    manifest = backup.manifest_of(made)
    raw = bytearray(made.read_bytes())
    if harm == "flip":
        raw[len(raw) // 2] ^= 1
        made.write_bytes(raw)
    elif harm == "cut":
        made.write_bytes(raw[:-1])
    elif harm == "gone":
        manifest.unlink()
    elif harm == "rows":
        told = json.loads(manifest.read_text())
        told["rows"]["audit_entry"] += 1
        manifest.write_text(json.dumps(told))
    else:
        manifest.write_text("{}" if harm == "manifest" else '{"format": 2}')
    with pytest.raises(BackupError):
        backup.verify(made, server=empty)
    if harm != "rows":
        with pytest.raises(BackupError):
            backup.restore(made, empty, now=NOW)
        with empty.connect() as connection:
            assert not migrations.current(connection.engine)


def test_a_backup_of_the_other_kind_is_refused(made, tmp_path, empty):
    """SQLite into PostgreSQL is a migration, not a restore."""
    manifest = backup.manifest_of(made)
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"engine": other[told["engine"]]}))
    with pytest.raises(BackupError, match="another kind"):
        backup.restore(made, empty, now=NOW + timedelta(seconds=1))
    assert tmp_path.exists()


def test_a_failed_backup_leaves_nothing_behind(tmp_path):
    """No half file that somebody might trust."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database at all" * 100)
    with pytest.raises(BackupError):
        backup.create(make_engine(f"sqlite:///{broken}"), tmp_path / "b", now=NOW)
    with pytest.raises(BackupError, match="no database"):
        backup.create(make_engine(f"sqlite:///{tmp_path / 'none.db'}"), tmp_path / "b", now=NOW)
    assert {path.name for path in tmp_path.iterdir()} <= {"broken.db"}


def test_without_postgresqls_programs_one_sentence_says_so(tmp_path, monkeypatch):
    """And what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="postgresql-client"):
        backup._run("pg_dump", make_engine("postgresql+psycopg://app@127.0.0.1:1/none"))


def test_a_password_is_never_an_argument(tmp_path, monkeypatch):
    """Arguments can be read by every user of the machine."""
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$@" > "$SEEN"; echo "$PGPASSWORD" >> "$SEEN"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))

    backup._run("pg_dump", make_engine("postgresql+psycopg://app:hunter2@127.0.0.1:1/none"))

    arguments, secret = (tmp_path / "seen").read_text().splitlines()
    assert "hunter2" not in arguments
    assert secret == "hunter2"


def test_the_sqlite_backup_is_one_file(tmp_path):
    """No -wal or -shm beside it that one could forget."""
    engine = make_engine(f"sqlite:///{tmp_path / 'one.db'}")
    migrations.upgrade(engine)
    backup.create(engine, tmp_path / "b", now=NOW)
    engine.dispose()
    connection = sqlite3.connect(tmp_path / "b")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
    assert {path.name for path in tmp_path.glob("b*")} == {"b", "b.json"}
