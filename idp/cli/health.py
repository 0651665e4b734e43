"""`idp health`: for an orchestrator that looks at one container. Loads neither the database nor the web."""

import http.client
from contextlib import closing
from datetime import UTC, datetime, timedelta

import click

from idp.cli.config import read_settings
from idp.settings import Settings

LONGEST_SILENCE = timedelta(minutes=2)
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- nothing is bound here
TIMEOUT_S = 5.0


@click.command()
def health() -> None:
    """Say whether the server or the worker of this container lives. Exit code 1 when it does not.

    The worker touches the pulse file (YINYOM_PULSE_FILE) each round; where there is none, the server is asked /livez.
    """
    settings = read_settings()
    beat = pulse(settings)
    if beat is None:
        status = livez(settings)
        if status != http.client.OK:
            raise ValueError(f"The server on port {settings.port} answered {status} at /livez.")
        click.echo("The server lives.")
        return
    silence = datetime.now(UTC) - beat  # noqa: TID251 -- beside the file system's own clock
    if silence > LONGEST_SILENCE:
        raise ValueError(f"The worker has been silent for {silence.total_seconds():.0f} s: restart it.")
    click.echo("The worker lives.")


def pulse(settings: Settings) -> datetime | None:
    """When the worker last said that it lives; None where no worker has."""
    try:
        return datetime.fromtimestamp(settings.pulse_file.stat().st_mtime, UTC) if settings.pulse_file else None
    except FileNotFoundError:
        return None


def livez(settings: Settings) -> int:
    """The server's status. Raises: ValueError when it does not answer."""
    host = ANYWHERE.get(settings.host, settings.host)
    with closing(http.client.HTTPConnection(host, settings.port, timeout=TIMEOUT_S)) as connection:
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise ValueError(f"Nobody answers at {host}:{settings.port} ({type(error).__name__}).") from error
