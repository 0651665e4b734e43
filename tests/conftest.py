"""One database per test on either engine, keys made once, and a guard that no test may leak a person."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, event, insert, make_url, select, text

from consent import db as guards
from idp import keys, migrations
from idp.db import Session, Sessions, make_engine, make_sessions
from idp.keys import KeyRing
from idp.migrations.models import metadata
from idp.settings import Settings
from tests import leaks, once
from tests.fakes import NOW, Clock

KEK = bytes(range(32))
STORAGE = {"session", "sessions", "ring"}
PEERS = Path(__file__).parent / "peers"
URL_VARIABLE = "YINYOM_TEST_DATABASE_URL"
TEMPLATES_VARIABLE = "YINYOM_TEST_TEMPLATES"  # a folder that outlives the run: `make prove` starts hundreds
once.for_all_tests()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names that folder opens it (`make peers`): what it imports is not installed for anybody else."""
    wanted = any(Path(told).resolve() == PEERS or PEERS in Path(told).resolve().parents for told in config.args)
    return True if collection_path == PEERS and not wanted else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the database, so that `-m storage` is complete by construction."""
    for item in items:
        if STORAGE & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.storage)


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A database that every test copies, migrated once; and what is compiled for one is compiled for all."""
    folder = Path(os.environ.get(TEMPLATES_VARIABLE) or tmp_path_factory.mktemp("template"))
    path = folder / f"{_schema()}.db"
    if not path.exists():
        made = folder / f"{os.getpid()}.db"
        migrated = make_engine(f"sqlite:///{made}")
        migrations.upgrade(migrated)
        migrated.dispose()
        made.replace(path)
    engine = make_engine(f"sqlite:///{path}")
    engine.connect().close()  # the dialect learns which SQLite this is
    engine.dispose()
    return engine.execution_options(compiled_cache={})


def _schema() -> str:
    """What the schema follows from: the revisions, and the triggers that they make."""
    revisions = sorted(Path(str(migrations.__file__)).parent.rglob("*.py"))
    sources = [path.read_bytes() for path in (*revisions, Path(str(guards.__file__)))]
    return hashlib.sha256(b"".join(sources)).hexdigest()


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[Engine]:
    """A database of this process alone, migrated once, dropped at the end."""
    server = make_url(os.environ[URL_VARIABLE])
    name = f"test_{os.getpid()}"
    admin = make_engine(server.render_as_string(hide_password=False)).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = make_engine(server.set(database=name).render_as_string(hide_password=False))
    migrations.upgrade(engine)
    yield engine.execution_options(compiled_cache={})
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def empty(engine: Engine) -> None:
    """Delete every row of a PostgreSQL test database, past its guards: only a superuser can, never the server."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {_every_row()}")


@cache
def _every_row() -> str:
    return "; ".join(str(delete(table)) for table in reversed(metadata().sorted_tables))


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database at today's schema."""
    if URL_VARIABLE in os.environ:
        shared: Engine = request.getfixturevalue("_postgresql")
        yield shared.execution_options()  # another name for its pool: what a process remembers by engine starts empty
        empty(shared)
        return
    template: Engine = request.getfixturevalue("_sqlite")
    path = tmp_path / "yinyom.db"
    shutil.copyfile(str(template.url.database), path)
    own = make_engine(f"sqlite:///{path}")
    event.listen(own, "connect", _hurry)
    own.dialect = template.dialect
    yield own.execution_options(**template.get_execution_options())
    own.dispose()


def _hurry(dbapi: sqlite3.Connection, _record: object) -> None:
    """No machine fails here; `make faults` pulls plugs, and there nobody hurries."""
    dbapi.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def sessions(engine: Engine) -> Iterator[Sessions]:
    """Where units of work come from. What a test committed is searched for leaks when it ends."""
    made = make_sessions(engine)
    yield made
    with made.reading() as session:
        refuse_leaks_in_the_log(session)


@pytest.fixture
def session(sessions: Sessions, ring: KeyRing) -> Iterator[Session]:  # noqa: ARG001 -- keys are written before we lock
    """An open write transaction, rolled back at the end. On SQLite nobody else can write meanwhile."""
    with sessions.write() as opened, opened.begin() as transaction:
        yield opened
        if opened.is_active:
            opened.flush()
            refuse_leaks_in_the_log(opened)
        transaction.rollback()


@pytest.fixture
def kek() -> bytes:
    """The key-encryption key of the tests."""
    return KEK


_made: dict[str, list[dict[str, object]]] = {}
_known: list[KeyRing] = []


@pytest.fixture
def ring(sessions: Sessions) -> KeyRing:
    """All keys, present in the database. RSA keys are slow to make, so one set serves the whole run."""
    with sessions.writing() as session:
        if not _made:
            keys.ensure(session, KEK, now=NOW)
            for model in (keys.SigningKey, keys.SecretKey):
                table = model.__table__
                _made[table.name] = [dict(row) for row in session.execute(select(table)).mappings()]
        else:
            for model in (keys.SigningKey, keys.SecretKey):
                session.execute(insert(model), _made[model.__tablename__])
    with sessions.reading() as session:
        loaded = keys.load(session, KEK, known=_known[0] if _known else None)
    _known[:] = [loaded]
    return loaded


@pytest.fixture
def clock() -> Clock:
    """Stands at NOW."""
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A sandbox on loopback; nothing reads its database URL unless the test does."""
    kek_file = tmp_path / "kek"
    kek_file.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", encoding="ascii")
    return Settings(
        issuer="http://localhost:8000",
        database_url=f"sqlite:///{tmp_path / 'yinyom.db'}",
        kek_file=kek_file,
        sandbox=True,
    )


def refuse_leaks_in_the_log(session: Session) -> None:
    """No persona's name, phone or national ID stands in an audit entry (DECISIONS 19)."""
    entries = metadata().tables["audit_entry"]
    for (leaf,) in session.execute(select(entries.c.leaf_bytes)):
        assert not leaks.found_in(bytes(leaf).decode("utf-8", "replace")), "an audit entry names a person"


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: no persona's name, phone or national ID in what was logged."""
    yield
    logged = leaks.log_lines(request.node._report_sections)
    assert not leaks.found_in(logged), "a log line names a person"
