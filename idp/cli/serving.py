"""Starting things: the web server, the worker, the schema, the sandbox; and whether the settings are safe to."""

import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event

import click

from consent import notices
from idp import keys, metrics, migrations, observe, worker
from idp.app import wall_clock
from idp.cli.house import house, read_settings
from idp.db import check_mode, translated
from idp.demo import supervisor
from idp.demo.children import Stop, stop_on_signals
from idp.demo.folder import is_free
from idp.settings import Settings


@click.command()
def serve() -> None:
    """Run the web server (granian) with the settings of the environment."""
    with house() as here:
        settings = here.settings
        if not is_free(settings.port):
            raise ValueError(f"Port {settings.port} is in use; choose another with YINYOM_PORT.")
    settings.metrics_token()
    if settings.metrics_dir is None and settings.workers > 1:  # the workers inherit it, and count there together
        os.environ["YINYOM_METRICS_DIR"] = tempfile.mkdtemp(prefix="yinyom-metrics-")
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


@click.command()
def work() -> None:
    """Run the worker: resolve challenges, deliver messages and events, sweep what has expired."""
    with house() as here:
        observe.configure(here.settings.log_level)
        stop = Event()
        stop_on_signals()
        if here.settings.metrics_dir is not None:  # /metrics of the web processes tells the worker's events too
            metrics.listen(here.sessions, metrics.Counters(here.settings.metrics_dir))
        try:
            worker.run(worker.Worker(here.settings, here.sessions, here.rings, here.ports, wall_clock), stop)
        except Stop:
            stop.set()


@click.command()
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


@click.command()
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


@click.group()
def config() -> None:
    """The settings."""


@config.command()
def check() -> None:
    """Say whether the settings are safe to start with; nothing is opened but the key file."""
    settings = read_settings()
    settings.kek()
    click.echo(f"The settings are good: {'sandbox' if settings.sandbox else 'production'} at {settings.issuer}.")


COMMANDS = (serve, work, migrate, demo, config)
