"""A backup is one file and its manifest; it is only as good as its last `verify`.

SQLite by the online backup API, PostgreSQL by pg_dump under the snapshot that the rows were counted in. The manifest
says what was copied (digest, schema, rows of consent and audit), never how to open it: the key-encryption key is a
file apart and is not part of any backup. After a restore everything that was open is ended, because what was revoked
since the backup would otherwise come back to life.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, Connection, Engine, inspect, text

from consent.audit import log
from idp import migrations
from idp.db import DatabaseError, Sessions, make_engine, make_sessions, translated, unhurried
from idp.login import sessions as sign_ins
from idp.oauth import grants

FORMAT = 1
COUNTED = ("consent_", "audit_")


class BackupError(ValueError):
    """The backup was not made, is not whole, or may not be put there; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Manifest:
    """What stands beside a backup, in `FILE.json`."""

    format: int
    engine: str
    schema: str
    made_at: str
    bytes: int
    sha256: str
    rows: dict[str, int]


def create(engine: Engine, target: Path, *, now: datetime) -> Manifest:
    """Copy a running database into one new file. Nothing is left behind when it fails. Raises: BackupError."""
    if target.exists() or manifest_of(target).exists():
        raise BackupError(f"{target} exists already; a backup is never overwritten.")
    part = target.with_name(f"{target.name}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        schema, rows = _copy_sqlite(engine, part) if _is_sqlite(engine) else _dump_postgresql(engine, part)
        size, digest = part.stat().st_size, _digest(part)
        manifest = Manifest(FORMAT, engine.dialect.name, schema, now.isoformat(), size, digest, rows)
        _to_disk(part)
        part.rename(target)
        # The manifest comes last: a backup without one was not finished, and `read` refuses it.
        manifest_of(target).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
        _to_disk(manifest_of(target))
    finally:
        part.unlink(missing_ok=True)
    return manifest


def read(source: Path) -> Manifest:
    """The manifest, after the file's digest was compared with it. Raises: BackupError."""
    try:
        manifest = Manifest(**json.loads(manifest_of(source).read_text(encoding="utf-8")))
        digest = _digest(source)
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{source} or its manifest cannot be read.") from error
    if manifest.format != FORMAT or digest != manifest.sha256:
        raise BackupError(f"{source} is not the file that its manifest describes.")
    return manifest


def verify(source: Path, *, server: Engine) -> Manifest:
    """Restore into a temporary place (on `server`, for PostgreSQL) and compare. Raises: BackupError."""
    manifest = read(source)
    if manifest.engine != "sqlite" and _is_sqlite(server):
        raise BackupError("This backup is from PostgreSQL: point YINYOM_DATABASE_URL at a PostgreSQL server.")
    with _temporary(server, sqlite=manifest.engine == "sqlite") as engine:
        _fill(source, manifest, engine)
    return manifest


def restore(source: Path, engine: Engine, *, now: datetime) -> tuple[Manifest, int]:
    """Fill an empty database, bring it to today's schema, end what was open. How many grants were ended.

    Raises: BackupError when the target holds anything or the backup is not whole.
    """
    manifest = read(source)
    if manifest.engine != engine.dialect.name:
        raise BackupError(f"This backup is from {manifest.engine}, and YINYOM_DATABASE_URL names another kind.")
    with translated():
        if inspect(engine).get_table_names():
            raise BackupError("The database is not empty: a restore never overwrites. Name a new one.")
    _fill(source, manifest, engine)
    with translated():
        migrations.upgrade(engine)
    return manifest, _end_what_was_open(make_sessions(engine), now=now)


def manifest_of(target: Path) -> Path:
    """Where the manifest of a backup stands."""
    return target.with_name(f"{target.name}.json")


def _end_what_was_open(sessions: Sessions, *, now: datetime) -> int:
    with sessions.writing() as session:
        ended = grants.end_everything(session, now=now, reason="restored")
        sign_ins.end_everything(session, now=now)
        codes = (f"grants:{ended}",)
        log.append(session, "backup.restored", now=now, actor=log.Actor.system("idp"), codes=codes)
    return ended


def _fill(source: Path, manifest: Manifest, engine: Engine) -> None:
    if _is_sqlite(engine):
        engine.dispose()
        shutil.copyfile(source, _sqlite_path(engine))
        _check_whole(_sqlite_path(engine))
    else:
        options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
        _run("pg_restore", engine, *options, str(source))
    with translated(), engine.connect() as connection:
        found = _counts(connection)
    if migrations.current(engine) != manifest.schema or found != manifest.rows:
        raise BackupError(f"{source} does not hold what its manifest says.")


def _copy_sqlite(engine: Engine, part: Path) -> tuple[str, dict[str, int]]:
    source = _sqlite_path(engine)
    if not source.is_file():
        raise BackupError(f"There is no database at {source}.")
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        _check_whole(part)
        with tempfile.TemporaryDirectory(prefix="yinyom-count-") as folder:
            counted = Path(folder) / "copy.db"  # our engine would turn the backup itself back to WAL
            shutil.copyfile(part, counted)
            return _facts(make_engine(f"sqlite:///{counted}"))
    except sqlite3.Error as error:
        raise BackupError(f"The database could not be copied ({type(error).__name__}).") from error


def _facts(copy: Engine) -> tuple[str, dict[str, int]]:
    try:
        with translated(), copy.connect() as connection:
            rows = _counts(connection)
        return migrations.current(copy) or "", rows
    finally:
        copy.dispose()


def _dump_postgresql(engine: Engine, part: Path) -> tuple[str, dict[str, int]]:
    with translated(), engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        rows = _counts(connection)
        schema = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={part}")
        _run("pg_dump", engine, *options)
    return schema, rows


def _run(program: str, engine: Engine, *options: str) -> None:
    """One of PostgreSQL's own programs; the password travels in the environment, where no other user can read it."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed: install PostgreSQL's client programs (postgresql-client).")
    url = engine.url
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    where = bare.render_as_string(hide_password=False)
    secret = {"PGPASSWORD": url.password} if url.password else {}
    command: Sequence[str] = (found, "--no-password", f"--dbname={where}", *options)
    done = subprocess.run(command, env=os.environ | secret, capture_output=True, check=False)  # noqa: S603 -- no shell
    if done.returncode != 0:
        first = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise BackupError(f"{program} refused: {first}")


@contextmanager
def _temporary(server: Engine, *, sqlite: bool) -> Iterator[Engine]:
    """A database that is gone afterwards."""
    if sqlite:
        with tempfile.TemporaryDirectory(prefix="yinyom-verify-") as folder:
            engine = make_engine(f"sqlite:///{Path(folder) / 'copy.db'}")
            try:
                yield engine
            finally:
                engine.dispose()
        return
    name = f"yinyom_verify_{uuid4().hex[:12]}"
    admin = server.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translated(), admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except DatabaseError as error:
        raise BackupError("Verifying needs a role that may create a database (CREATEDB).") from error
    engine = make_engine(server.url.set(database=name).render_as_string(hide_password=False))
    try:
        yield engine
    finally:
        engine.dispose()
        with translated(), admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _counts(connection: Connection) -> dict[str, int]:
    unhurried(connection)
    names = sorted(name for name in inspect(connection).get_table_names() if name.startswith(COUNTED))
    return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in names}  # noqa: S608 -- ours


def _check_whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise BackupError("The copy is damaged (integrity_check).")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _sqlite_path(engine: Engine) -> Path:
    return Path(engine.url.database or "")
