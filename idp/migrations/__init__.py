"""One line of schema changes for both packages and both databases.

`upgrade(engine)` brings any database to today's schema and is safe to run at every start and by two processes at once.
`models` lists every module that maps a table. A revision expands before it contracts: yesterday's code must run on
today's schema. There is no way down: a mistake is mended by the next revision.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from idp.db import unhurried

__all__ = ["config", "current", "fault", "head", "is_newer", "known", "upgrade"]

LOCK = 0x59696E796F6D  # "Yinyom": the advisory lock under which PostgreSQL migrates


def config() -> Config:
    """Alembic's configuration, from the package itself: no ini file is needed."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision in one transaction; whoever comes second finds it done."""
    settings = config()
    with engine.connect() as connection:
        unhurried(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        connection.commit()


def current(engine: Engine) -> str | None:
    """The revision that a database stands at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def known() -> tuple[str, ...]:
    """The revisions that this code knows, newest first. Read once: code does not change under a process."""
    return tuple(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def head() -> str | None:
    """The newest revision that this code knows."""
    return next(iter(known()), None)


def is_newer(revision: str | None) -> bool:
    """Whether a database stands at a revision of some later day, which a server that runs already may go on serving."""
    return revision is not None and revision not in known()


def fault(revision: str | None) -> str | None:
    """Why this code must not start on a database that stands there, and what to do; None when it may."""
    if is_newer(revision):
        return f"stands at {revision}, newer than this program ({head()}): start the newer version"
    if revision is None:
        return "is empty: run `idp migrate`, and check its address if it should not be"
    return None if revision == head() else f"stands at {revision}, this program needs {head()}: run `idp migrate`"
