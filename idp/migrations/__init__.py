"""One line of schema changes for both packages and both databases.

`upgrade(engine)` brings any database to today's schema and is safe to run at every start and by two processes at once.
`models` lists every module that maps a table. A revision expands before it contracts: yesterday's code must run on
today's schema. There is no way down: a mistake is mended by the next revision.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

__all__ = ["config", "current", "head", "upgrade"]

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
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        connection.commit()


def current(engine: Engine) -> str | None:
    """The revision that a database stands at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(config()).get_current_head()
