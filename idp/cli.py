"""`idp …`: the operator's commands. Every refusal is one sentence on standard error and exit code 1."""

import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import click
from pydantic import ValidationError
from pydantic_settings import SettingsError

from consent import notices, purposes
from consent.errors import ConsentError
from idp import directory, keys, migrations, subjects, worker
from idp.app import wall_clock, wire
from idp.db import DatabaseError, Sessions, check_mode, translated
from idp.demo import supervisor
from idp.demo.children import Stop, stop_on_signals
from idp.demo.folder import DemoError, is_free
from idp.directory.models import ROLES
from idp.keys import KeyRings
from idp.login import invitations
from idp.oauth import clients
from idp.oauth.registration import AUTH_METHODS, KINDS
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
    """Open everything by the settings of the environment. Raises: ValueError when the schema is not today's."""
    settings = read_settings()
    kek = settings.kek()
    sessions, ports = wire(settings, clock=wall_clock)
    try:
        if migrated:
            check_schema(sessions, settings)
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


@click.group(cls=Commands)
@click.version_option(version())
def main() -> None:
    """Yinyom: identity proofing and consent authorization."""


@main.command()
def serve() -> None:
    """Run the web server (granian) with the settings of the environment."""
    with house() as here:
        settings = here.settings
        if not is_free(settings.port):
            raise ValueError(f"Port {settings.port} is in use; choose another with YINYOM_PORT.")
    sys.stdout.flush()
    # exec: the server is this process, so that signals and supervisors meet it directly.
    os.execv(sys.executable, [sys.executable, *granian(settings)])  # noqa: S606 -- our own interpreter


def granian(settings: Settings) -> Sequence[str]:
    """The server's arguments: few threads a worker (measured: more only lengthen the tail), HTTP/1, no WebSockets."""
    return (
        *("-m", "granian", "--interface", "wsgi", "--no-ws", "--http", "1", "--log-level", "warning"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.workers), "--blocking-threads", "2", "--respawn-failed-workers"),
        "idp.wsgi:app",
    )


@main.command()
def work() -> None:
    """Run the worker: resolve challenges, deliver messages and events, sweep what has expired."""
    with house() as here:
        stop = Event()
        stop_on_signals()
        try:
            worker.run(worker.Worker(here.settings, here.sessions, here.rings, here.ports, wall_clock), stop)
        except Stop:
            stop.set()


@main.command()
def migrate() -> None:
    """Bring the database to today's schema, make missing keys, publish the notices. Safe to repeat."""
    with house(migrated=False) as here:
        with translated():
            migrations.upgrade(here.sessions.engine)
        now = wall_clock()
        with here.sessions.writing() as session:
            check_mode(session, sandbox=here.settings.sandbox)
            keys.ensure(session, here.settings.kek(), now=now)
            notices.publish_catalogue(session, now=now)
    click.echo(f"The database stands at {migrations.head()}.")


@main.command()
@click.option("--dir", "directory_", type=click.Path(path_type=Path), default=Path("sandbox"), show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), help="Server (0 picks a free one).")
@click.option("--portal-port", type=click.IntRange(0, 65535), help="Demo portal.")
@click.option("--holder-port", type=click.IntRange(0, 65535), help="Demo record holder.")
@click.option("--fixed-code", help="One six-digit code that always works, for automated browsers.")
@click.option("--reset", is_flag=True, help="Clear the folder first.")
def demo(directory_: Path, fixed_code: str | None, reset: bool, **ports: int | None) -> None:  # noqa: FBT001 -- click
    """Run the sandbox: server, worker and demo services, with made-up people."""
    asked = supervisor.Asked(directory=directory_, ports=ports, fixed_code=fixed_code, reset=reset)
    supervisor.run(asked, clock=wall_clock, say=partial(print, flush=True))


@main.group()
def config() -> None:
    """The settings."""


@config.command()
def check() -> None:
    """Say whether the settings are safe to start with; nothing is opened but the key file."""
    settings = read_settings()
    settings.kek()
    click.echo(f"The settings are good: {'sandbox' if settings.sandbox else 'production'} at {settings.issuer}.")


@main.group()
def staff() -> None:
    """People who work here."""


@staff.command("add")
@click.option("--national-id", required=True, type=click.Choice(["-"]), help="- : typed on standard input, unseen.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--hcode", help="Facility, for clerks and practitioners.")
def staff_add(national_id: str, role: str, hcode: str | None) -> None:  # noqa: ARG001 -- "-" says where it comes from
    """Give a person a role and print an invitation to set up their passkey, good once within 24 hours."""
    number = subjects.parse_national_id(sys.stdin.readline())
    now = wall_clock()
    with house() as here:
        if not here.ports.id_policy.allows(number):
            raise ValueError("This installation does not serve that kind of number.")
        person = here.ports.registry.look_up(number)
        ring = here.rings.at(now)
        with here.sessions.writing() as session:
            subject = subjects.find_by_national_id(session, ring, number)
            if subject is None and (person is None or person.status != "alive"):
                raise ValueError("Nobody is known under that number.")
            if subject is None and person is not None:
                subject = subjects.create(session, ring, number, person, now=now)
            assert subject is not None  # noqa: S101 -- the two branches above
            directory.assign(session, subject_id=subject.id, role=role, granted_by=None, hcode=hcode, now=now)
            code = invitations.create(session, subject.id, now=now)
    click.echo(f"Open {here.settings.issuer}/staff/enrol and enter this code (once, within 24 hours):\n{code}")


@main.group()
def client() -> None:
    """Registered services."""


@client.command("add")
@click.option("--id", "client_id", help="Default: a random one.")
@click.option("--name-th", required=True)
@click.option("--name-en", required=True)
@click.option("--entity", required=True, type=click.UUID, help="The legal entity that answers for it.")
@click.option("--kind", type=click.Choice(KINDS), default="web", show_default=True)
@click.option("--auth-method", type=click.Choice(AUTH_METHODS), default="client_secret_basic", show_default=True)
@click.option("--redirect", "redirect_uris", multiple=True, help="Exact redirect URI; may be given several times.")
@click.option("--purpose", "codes", multiple=True, required=True, help="Purpose code; may be given several times.")
@click.option("--resource", "default_resource", help="Identifier of the data holder that its tokens are for.")
@click.option("--events", "event_endpoint", help="Where withdrawals are posted (https).")
def client_add(client_id: str | None, entity: UUID, codes: Sequence[str], **facts: Any) -> None:
    """Register a service and print its id and secret; the secret is shown this once."""
    asked = {code: purposes.get(code).scopes for code in codes}
    with house() as here, here.sessions.writing() as session:
        made, secret = clients.register(
            session,
            client_id=client_id or f"svc-{secrets.token_hex(6)}",
            legal_entity_id=entity,
            purposes=asked,
            now=wall_clock(),
            **facts,
        )
        found = made.id
    click.echo(f"client_id      {found}\nclient_secret  {secret or '(none: a public client)'}")


@client.command("list")
def client_list() -> None:
    """All services, one a line: id, status, kind, name."""
    with house() as here, here.sessions.reading() as session:
        for one in clients.everyone(session):
            click.echo(f"{one.id}\t{one.status}\t{one.kind}\t{one.name_en}")


@client.command("suspend")
@click.argument("client_id")
def client_suspend(client_id: str) -> None:
    """Take a service out of use; all its grants end at once."""
    with house() as here, here.sessions.writing() as session:
        clients.suspend(session, client_id, now=wall_clock())
    click.echo(f"{client_id} is suspended.")


if __name__ == "__main__":
    main()
