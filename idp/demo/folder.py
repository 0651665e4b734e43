"""The sandbox's folder: its marker, its keys and secrets, its ports. Only a folder with the marker is ever cleared."""

import base64
import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

MARKER = ".yinyom-sandbox"
MARKER_TEXT = "This folder belongs to the Yinyom sandbox; `idp demo --reset` clears it.\n"
HOST = "127.0.0.1"
DEFAULT_PORTS = {
    "port": 8000,
    "portal_port": 8001,
    "holder_port": 8002,
    "clinic_port": 8003,
    "thaid_port": 8004,
    "line_port": 8005,
}


class DemoError(Exception):
    """The sandbox cannot start or go on; the text is one sentence for the terminal."""


@dataclass(frozen=True)
class Ports:
    """Where the servers listen."""

    port: int
    portal_port: int
    holder_port: int
    clinic_port: int = field(default_factory=lambda: free_port())  # noqa: PLW0108 -- defined below
    thaid_port: int = field(default_factory=lambda: free_port())  # noqa: PLW0108
    line_port: int = field(default_factory=lambda: free_port())  # noqa: PLW0108


@dataclass(frozen=True)
class Folder:
    """One sandbox on disk."""

    path: Path

    @property
    def kek_file(self) -> Path:
        """The key-encryption key."""
        return self.path / "kek"

    @property
    def database_url(self) -> str:
        """The SQLite file, as SQLAlchemy wants it."""
        return f"sqlite:///{self.path.resolve() / 'yinyom.db'}"

    def secret_file(self, client_id: str) -> Path:
        """Where a demo service's client secret stands."""
        return self.path / f"{client_id}.secret"

    def log_file(self, child: str) -> Path:
        """Where a child writes."""
        return self.path / "log" / f"{child}.log"

    def prepare(self) -> None:
        """Make what is missing. Raises: DemoError when the folder is somebody else's."""
        if self.path.exists() and not self.path.is_dir():
            raise DemoError(f"{self.path} is not a folder; choose another with --dir.")
        if self.path.is_dir() and any(self.path.iterdir()) and not (self.path / MARKER).is_file():
            raise DemoError(f"{self.path} holds files that are not a sandbox's; choose another folder with --dir.")
        (self.path / "log").mkdir(parents=True, exist_ok=True)
        (self.path / MARKER).write_text(MARKER_TEXT, encoding="ascii")
        write_once(self.kek_file, base64.b64encode(os.urandom(32)).decode())

    def reset(self) -> None:
        """Clear everything that a sandbox made. Raises: DemoError for a folder without our marker."""
        if not self.path.exists():
            return
        if not (self.path / MARKER).is_file():
            raise DemoError(f"{self.path} is not a sandbox folder (no {MARKER} in it); nothing was removed.")
        with self.alone():
            shutil.rmtree(self.path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder for this process. Raises: DemoError while another sandbox runs in it.

        The lock goes with the process, however it ends, so a crash leaves nothing to clear.
        """
        with (self.path / MARKER).open("ab") as marker:
            try:
                fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DemoError(f"A sandbox already runs in {self.path}; stop it, or choose another --dir.") from error
            yield

    def secret(self, client_id: str) -> str:
        """The client secret of a demo service, made at the first call."""
        write_once(self.secret_file(client_id), secrets.token_urlsafe(32))
        return self.secret_file(client_id).read_text(encoding="ascii").strip()

    def ports(self, asked: dict[str, int | None]) -> Ports:
        """Asked ones first (0 picks a free one), then those of the last run, then the defaults; remembered.

        Raises: DemoError naming the port and its option when it is busy.
        """
        known = {**DEFAULT_PORTS, **self._remembered(), **{k: v for k, v in asked.items() if v is not None}}
        chosen = {name: free_port() if known[name] == 0 else known[name] for name in DEFAULT_PORTS}
        if len(set(chosen.values())) != len(chosen):
            raise DemoError("--port, --portal-port, --holder-port and the others must be different ports.")
        for name, port in chosen.items():
            if not is_free(port):
                option = "--" + name.replace("_", "-")
                raise DemoError(f"Port {port} is in use; choose another with {option} (0 picks a free one).")
        (self.path / "ports.json").write_text(json.dumps(chosen), encoding="ascii")
        return Ports(**chosen)

    def _remembered(self) -> dict[str, int]:
        try:
            kept = json.loads((self.path / "ports.json").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return {}
        return {name: kept[name] for name in DEFAULT_PORTS if isinstance(kept.get(name), int)}


def write_once(path: Path, text: str) -> None:
    """Write a secret that only its owner may read; an existing one stays."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")


def is_free(port: int) -> bool:
    """Whether nobody listens there. A server that just left (TIME_WAIT) does not count as listening."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def describe(ports: Ports) -> dict[str, int]:
    """For messages and tests."""
    return asdict(ports)
