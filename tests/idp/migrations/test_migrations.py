import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, make_url, text

from idp import migrations
from idp.db import make_engine
from idp.migrations import models
from tests.conftest import URL_VARIABLE

ROOT = Path(migrations.__file__).parents[2]


@pytest.fixture
def fresh(tmp_path):
    """An empty database that nobody has migrated."""
    if URL_VARIABLE not in os.environ:
        engine = make_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
        yield engine
        engine.dispose()
        return
    server = make_url(os.environ[URL_VARIABLE])
    admin = make_engine(server.render_as_string(hide_password=False)).execution_options(isolation_level="AUTOCOMMIT")
    name = f"fresh_{os.getpid()}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = make_engine(server.set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_migrations_match_the_models(fresh):
    """ARCHITECTURE: the schema that runs is the schema that is written down, on both engines."""
    migrations.upgrade(fresh)

    with fresh.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.metadata()) == []


def test_migrating_twice_changes_nothing(fresh):
    """`idp migrate` is safe at every start."""
    migrations.upgrade(fresh)
    before = inspect(fresh).get_table_names()

    migrations.upgrade(fresh)

    assert inspect(fresh).get_table_names() == before
    assert migrations.current(fresh) == migrations.head()


def test_two_processes_that_migrate_at_once_do_it_once(fresh):
    """Web and worker may start together on an empty database."""
    url = fresh.url.render_as_string(hide_password=False)
    program = f"from idp import db, migrations; migrations.upgrade(db.make_engine({url!r}))"
    both = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(2)]  # noqa: S603

    assert [process.wait(60) for process in both] == [0, 0]
    assert migrations.current(fresh) == migrations.head()


def test_an_empty_database_stands_at_no_revision(fresh):
    """What `idp config check` tells an operator before the first start."""
    assert migrations.current(fresh) is None
    assert migrations.head() is not None


def test_check_constraints_survive_the_migration(fresh):
    """Alembic's comparison does not look at checks: count them by hand."""
    migrations.upgrade(fresh)
    looked_at = inspect(fresh)

    for table in models.metadata().sorted_tables:
        named = {check.name for check in table.constraints if check.__visit_name__ == "check_constraint"}
        assert len(looked_at.get_check_constraints(table.name)) >= len(named), table.name


def test_revisions_name_no_type_of_ours():
    """A frozen revision must run long after our own column kinds have changed."""
    for path in (Path(migrations.__file__).parent / "versions").glob("*.py"):
        words = path.read_text(encoding="utf-8")
        assert "PlainText" not in words
        assert "SealedBytes" not in words
