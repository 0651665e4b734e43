"""What a command needs: the settings, the database, the outside world, the keys; and every refusal as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import click
from pydantic import ValidationError
from pydantic_settings import SettingsError

from consent.errors import ConsentError
from idp import migrations
from idp.app import wall_clock, wire
from idp.db import DatabaseError, Sessions, check_mode
from idp.demo.folder import DemoError
from idp.keys import KeyRings, check_kek
from idp.ports import Ports
from idp.settings import Settings

FAULTS = (ValueError, ConsentError, DatabaseError, DemoError, OSError)


@dataclass(frozen=True)
class House:
    """What a command needs: the settings, the database, the outside world, the keys."""

    settings: Settings
    sessions: Sessions
    ports: Ports
    rings: KeyRings


class Commands(click.Group):
    """Turns every refusal into one sentence; a stack trace is a bug, not an answer."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, or say in one sentence why not."""
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            raise click.ClickException(sentence(error)) from error
        except SettingsError as error:
            raise click.ClickException(f"The settings cannot be read: {error}.") from error
        except DatabaseError as error:
            raise click.ClickException(f"The database did not answer as it should ({error}).") from error
        except FAULTS as error:
            raise click.ClickException(str(error)) from error


def sentence(error: ValidationError) -> str:
    """All that is wrong with the settings, as one sentence; values are not repeated (they may be secrets)."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        what = str(fault["msg"]).removeprefix("Value error, ")
        name = ".".join(str(part) for part in fault["loc"])
        missing = fault["type"] == "missing"
        faults.append(f"YINYOM_{name.upper()} is missing" if missing else f"{name}: {what}" if name else what)
    return "The settings are refused: " + "; ".join(faults) + "."


def read_settings() -> Settings:
    """Everything from the environment and the file that YINYOM_CONFIG names. Raises: ValidationError."""
    nothing: dict[str, Any] = {}
    return Settings(**nothing)


@contextmanager
def house(*, migrated: bool = True) -> Iterator[House]:
    """Open everything by the settings of the environment. Raises: ValueError: other schema, mode or key."""
    settings = read_settings()
    kek = settings.kek()
    sessions, ports = wire(settings, clock=wall_clock)
    try:
        if migrated:
            check_schema(sessions, settings)
            with sessions.reading() as session:
                check_kek(session, kek)
        yield House(settings, sessions, ports, KeyRings(sessions, kek))
    finally:
        sessions.engine.dispose()


def check_schema(sessions: Sessions, settings: Settings) -> None:
    """Refuse a database of another schema or of the other mode. Raises: ValueError."""
    with sessions.reading():
        found, wanted = migrations.current(sessions.engine), migrations.head()
    if found != wanted:
        raise ValueError(
            f"The database stands at {found or 'nothing'}, this program needs {wanted}: run `idp migrate`."
        )
    with sessions.writing() as session:
        check_mode(session, sandbox=settings.sandbox)


def version() -> str:
    """The installed version; a checkout that is not installed has none."""
    try:
        return metadata.version("yinyom")
    except metadata.PackageNotFoundError:
        return "(checkout)"
