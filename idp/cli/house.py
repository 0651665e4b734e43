"""What a command needs: the settings, the database, the outside world, the keys."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from idp import migrations
from idp.cli.config import read_settings
from idp.db import Sessions, check_mode
from idp.keys import KeyRings, check_kek
from idp.ports import Ports
from idp.settings import Settings
from idp.wiring import wall_clock, wire


@dataclass(frozen=True)
class House:
    """What a command needs: the settings, the database, the outside world, the keys."""

    settings: Settings
    sessions: Sessions
    ports: Ports
    rings: KeyRings


@contextmanager
def house(*, migrated: bool = True) -> Iterator[House]:
    """Open everything by the settings of the environment. Raises: ValueError: other schema, mode or key."""
    os.umask(0o077)  # what a command writes (a database that is a file, a backup) is its owner's alone
    settings = read_settings()
    kek = settings.kek()
    if migrated:
        check_there(settings)
    sessions, ports = wire(settings, clock=wall_clock)
    try:
        if migrated:
            check_schema(sessions, settings)
            with sessions.reading() as session:
                check_kek(session, kek)
        yield House(settings, sessions, ports, KeyRings(sessions, kek))
    finally:
        sessions.engine.dispose()


def check_there(settings: Settings) -> None:
    """Refuse a database that is a file and is not there: opening it would make an empty one. Raises: ValueError."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        raise ValueError(f"There is no database {file}: run `idp migrate`, or mend YINYOM_DATABASE_URL.")


def check_schema(sessions: Sessions, settings: Settings) -> None:
    """Refuse a database of another schema or of the other mode. Raises: ValueError."""
    with sessions.reading():
        fault = migrations.fault(migrations.current(sessions.engine))
    if fault is not None:
        raise ValueError(f"The database {fault}.")
    with sessions.writing() as session:
        check_mode(session, sandbox=settings.sandbox)
