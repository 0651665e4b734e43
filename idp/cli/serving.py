"""`idp serve`: the web server."""

import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from idp.abuse import as_ranges
from idp.cli.house import house
from idp.demo.folder import is_free
from idp.login import security_keys
from idp.settings import Settings


@click.command()
def serve() -> None:
    """Run the web server (granian) with the settings of the environment."""
    with house() as here:
        settings = here.settings
        if not is_free(settings.port):
            raise ValueError(f"Port {settings.port} is in use; choose another with YINYOM_PORT.")
    settings.metrics_token()
    security_keys.read_roots(settings.security_key_roots)
    as_ranges.read(settings.as_ranges_file)
    if settings.metrics_dir is None and settings.workers > 1:  # the workers inherit it, and count there together
        os.environ["YINYOM_METRICS_DIR"] = str(counting_folder(settings.port))
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


def counting_folder(port: int) -> Path:
    """An empty folder where the web processes of this port count together: one at every start, so none is left over.

    Raises: ValueError when somebody else's stands in its place (temporary folders are everybody's).
    """
    folder = Path(tempfile.gettempdir()) / f"yinyom-metrics-{os.getuid()}-{port}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ValueError(f"{folder} is not this user's own folder; name another with YINYOM_METRICS_DIR.")
    for counted in folder.glob("*.db"):
        counted.unlink()
    return folder
