"""A PostgreSQL of the test's own, whose processes it may stop, freeze and kill. On loopback, gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from idp.demo.folder import free_port

START_S = 60.0
USER = "postgres"


@dataclass
class Cluster:
    """One cluster. The postmaster is our direct child, so that a killed one is reaped at once."""

    home: Path
    programs: Path
    log: Path = Path(os.devnull)
    port: int = field(default_factory=free_port)
    postmaster: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the database `test`."""
        return f"postgresql://app@127.0.0.1:{self.port}/test"

    def command(self, program: str, *arguments: str) -> list[str]:
        """A program of this cluster as the unprivileged user that PostgreSQL insists on."""
        line = [str(self.programs / program), *arguments]
        who = [f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
        return ["setpriv", *who, *line] if os.geteuid() == 0 else line

    def initialise(self) -> None:
        """Make the files, start, make the database."""
        quiet = ("-A", "trust", "-U", "app", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")
        subprocess.run(  # noqa: S603 -- Debian's program with our own arguments
            self.command("initdb", "-D", str(self.home / "data"), *quiet),
            check=True,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.home)},
        )
        self.start()
        self.new_database("test")

    def new_database(self, name: str) -> str:
        """Another database of this cluster; its address."""
        with psycopg.connect(f"postgresql://app@127.0.0.1:{self.port}/postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        return f"postgresql://app@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start and wait until it takes connections; after a kill -9 it first replays its log."""
        told = ("-D", str(self.home / "data"), "-p", str(self.port), "-k", str(self.home))
        with self.log.open("ab") as log:
            self.postmaster = subprocess.Popen(  # noqa: S603 -- Debian's program with our own arguments
                self.command("postgres", *told, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=on"),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.home)},
                start_new_session=True,
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                psycopg.connect(f"postgresql://app@127.0.0.1:{self.port}/postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("PostgreSQL did not start: " + self.log.read_text(errors="replace")[-1000:])

    def processes(self) -> list[int]:
        """The postmaster and its children."""
        if self.postmaster is None:
            return []
        return [self.postmaster.pid, *children_of(self.postmaster.pid)]

    def send(self, number: signal.Signals) -> None:
        """Send it to the postmaster and all of its children."""
        for pid in self.processes():
            send(pid, number)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast shutdown; SIGKILL takes the whole cluster away without a word."""
        if self.postmaster is None:
            return
        if number is signal.SIGKILL:
            self.send(number)
        else:
            send(self.postmaster.pid, number)
        self.postmaster.wait(timeout=START_S)
        self.postmaster = None

    def freeze(self) -> None:
        """Everything hangs; connections stay open and new ones are not answered."""
        if self.postmaster is None:
            return
        send(self.postmaster.pid, signal.SIGSTOP)  # first, so that nobody is born while the others are told
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on as if nothing had been."""
        self.send(signal.SIGCONT)


@contextmanager
def running(parent: Path | None = None) -> Iterator[Cluster]:
    """A fresh cluster for the length of the block, in a folder that PostgreSQL's user can reach."""
    home = Path(tempfile.mkdtemp(prefix="yinyom-pg.", dir=parent))
    if os.geteuid() == 0:
        shutil.chown(home, USER, USER)
    home.chmod(0o755)
    with tempfile.NamedTemporaryFile(prefix="yinyom-pg-log.") as log:
        cluster = Cluster(home, found_programs(), Path(log.name))
        try:
            cluster.initialise()
            yield cluster
        finally:
            cluster.thaw()
            cluster.stop(signal.SIGKILL)
            shutil.rmtree(home, ignore_errors=True)


def found_programs() -> Path:
    """Debian's newest server programs, or those on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    if debian:
        return debian[-1].parent
    if on_path is None:
        pytest.fail("The faults on PostgreSQL need its server: apt-get install postgresql.", pytrace=False)
    return Path(on_path).parent


def children_of(pid: int) -> list[int]:
    """The direct children that a process has now."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]


def send(pid: int, number: signal.Signals) -> None:
    """A signal to one process, if it is still there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
