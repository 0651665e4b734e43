"""A real PC/SC reader without hardware: pcscd with its virtual driver (Debian's pcscd and vsmartcard-vpcd), as root.

The driver listens on every address of its network, so pcscd runs in a network of its own; cards dial in from there,
and who reads them reaches pcscd by its socket /run/pcscd, of which a machine has one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.id_card import IdCard, Slot, memory_of
from tests.stories.waiting import eventually

SOCKET = Path("/run/pcscd/pcscd.comm")
ROOT = Path(__file__).parents[2]
DAEMON = ("pcscd", "--foreground", "--error", "--config", "/etc/reader.conf.d")
READY = "import sys; from smartcard.System import readers; sys.exit(not readers())"


def interpreter() -> list[str]:
    """A Python that has pyscard: this one, or Debian's with python3-pyscard and our packages."""
    for python in (sys.executable, "/usr/bin/python3"):
        if _run([python, "-c", "import smartcard"]):
            return [python]
    raise AssertionError("pyscard is missing: apt-get install python3-pyscard")


def environment() -> dict[str, str]:
    """Our packages behind that interpreter's own."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *packages])}


@contextmanager
def reader() -> Iterator["Pcsc"]:
    """An empty reader for the length of the block."""
    inside = f"ip link set lo up && exec {' '.join(DAEMON)}"
    words = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # it complains of every card that is taken out
    daemon = subprocess.Popen(["/usr/bin/unshare", "-n", "sh", "-c", inside], **words)  # noqa: S603 -- our own words
    try:
        eventually(lambda: _answers(daemon), "pcscd did not start", within_s=30)
        yield Pcsc(daemon.pid)
    finally:
        daemon.terminate()
        daemon.wait(10)


def _answers(daemon: subprocess.Popen[bytes]) -> bool | None:
    assert daemon.poll() is None, "pcscd ended at once: another one runs, or its packages are missing"
    asked = [*interpreter(), "-c", READY]
    return (SOCKET.exists() and _run(asked)) or None


def _run(command: list[str]) -> bool:
    """Whether it ended well."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 -- our own words


class Pcsc:
    """The reader."""

    def __init__(self, daemon: int) -> None:
        self._daemon = daemon

    @contextmanager
    def holding(self, facts: Mapping[str, Any]) -> Iterator[None]:
        """A card with these facts (`memory_of`, and `is_id_card`) is in it for the length of the block."""
        asked = [
            "/usr/bin/nsenter",
            "-t",
            str(self._daemon),
            "-n",
            sys.executable,
            "-m",
            "tests.browser.pcsc",
            json.dumps(facts),
        ]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        card = subprocess.Popen(asked, cwd=ROOT, **pipes)  # noqa: S603 -- our own words
        try:
            assert card.stdout is not None
            assert card.stdout.readline() == b"in\n"
            yield
        finally:
            card.communicate(b"out\n", timeout=10)


@contextmanager
def agent(issuer: str, key: Path, port: int, *more: str) -> Iterator[str]:
    """`idp agent run` as a counter runs it; its address."""
    told = ("-m", "idp.cli", "agent", "run", "--issuer", issuer, "--key", str(key), "--port", str(port), *more)
    ours = {"env": environment(), "cwd": ROOT, "stdout": subprocess.PIPE}
    running = subprocess.Popen([*interpreter(), *told], **ours)  # noqa: S603 -- our own words
    try:
        assert running.stdout is not None
        assert b"Cards are read for" in running.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.communicate(timeout=10)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    slot = Slot(IdCard(is_id_card=told.pop("is_id_card", True), memory=memory_of(**told)))
    print("in", flush=True)  # noqa: T201 -- the card is in the reader
    sys.stdin.readline()
    slot.take_out()
