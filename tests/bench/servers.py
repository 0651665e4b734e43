"""The three servers that are measured, each alone on its core: ours as shipped, ours without log and disk, the peer."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from idp.app import wall_clock, wire
from idp.cli.serving import granian
from idp.demo.folder import free_port
from tests.bench import launch, load, stage

ROOT = Path(__file__).parents[2]
PEER = Path(__file__).with_name("peer_oidc_provider.mjs")
NODE = ROOT / ".venv" / "bin" / "node"
READY_S = 180


@dataclass(frozen=True)
class Server:
    """A running server: where, and the files of requests for it."""

    name: str
    port: int
    lines: Path


@contextmanager
def started(name: str, command: Sequence[str], *, port: int, lines: Path, env: Mapping[str, str]) -> Iterator[Server]:
    """The server on its own core until the block ends. Raises: RuntimeError when it does not answer."""
    log = lines.with_name(f"{lines.name}.log")
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 -- our own arguments
            ["/usr/bin/env", "taskset", "-c", load.SERVER_CORE, *command],
            env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the peer's node is the child of a small launcher: both go together
        )
        try:
            wait(child, port, log)
            yield Server(name, port, lines)
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(30)


def wait(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until metadata is served."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and child.poll() is None:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/.well-known/openid-configuration", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start: {log.read_text(encoding='utf-8', errors='replace')[-600:]}")


@contextmanager
def ours(
    folder: Path, size: stage.Size, *, stripped: bool = False, database_url: str | None = None
) -> Iterator[Server]:
    """`idp serve` with one worker; `stripped` is the same server without log and disk (`launch.app`)."""
    folder.mkdir(parents=True)
    port, lines = free_port(), folder / "lines"
    settings = launch.settings_in(folder, port=port, database_url=database_url)
    sessions, _ = wire(settings, clock=wall_clock)
    stage.build(sessions, settings, size, now=wall_clock()).write(lines)
    sessions.engine.dispose()
    env = launch.environment(settings)
    command: Sequence[str] = launch.SERVER
    if stripped:
        command = (sys.executable, *granian(settings)[:-1], "tests.bench.launch:app")
        env |= {"YINYOM_LOG_LEVEL": "error"}
    name = "same work" if stripped else "durable" if database_url is None else "durable, PostgreSQL"
    with started(name, command, port=port, lines=lines, env=env) as server:
        yield server


@contextmanager
def peer(folder: Path, size: stage.Size) -> Iterator[Server]:
    """oidc-provider from npm, in memory, with as many live things."""
    lines, port = folder / "lines", free_port()
    lines.mkdir(parents=True)
    counts = {
        "PEOPLE": size.people,
        "TOKENS": size.tokens,
        "SESSIONS": size.sessions,
        "CODES": size.codes,
        "REFRESHES": size.refreshes,
    }
    env = {**{name: str(count) for name, count in counts.items()}, "NODE_ENV": "production"}
    command = (str(NODE), "--max-old-space-size=4096", str(PEER), str(port), str(lines))
    with started("peer", command, port=port, lines=lines, env=env) as server:
        yield server
