"""The system under faults: web (two workers) and worker as processes that may be killed, citizens who are signed in.

Only the sign-in is skipped: sessions are written as `idp.login.sessions` writes them. Everything after that goes over
HTTP through the running server.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from idp import subjects
from idp.db import Sessions, make_engine, make_sessions
from idp.demo import seed, supervisor
from idp.demo.folder import HOST, Folder, Ports, free_port
from idp.directory import seed as directory_seed
from idp.keys import KeyRing, load
from idp.login import sessions as sign_ins
from idp.oauth import clients
from idp.ports import RegistryPerson
from idp.settings import Settings
from tests.faults.cluster import children_of, send
from tests.stories import people
from tests.stories.waiting import eventually
from tests.stories.world import CALLBACK, ROOT, register_story_client, wall_clock

READY_S = 120.0  # a machine may be busy; how long it took is measured, not asserted
WEB_WORKERS = 2
FIRST_PERSON = 80001
SERVE = ("-m", "idp.cli", "serve")
HOLDER_SECRET = "holder-secret-holder-secret-holder-secret"
WORK = ("-m", "idp.cli", "work")


@dataclass
class Child:
    """One process group of ours and how it is started again."""

    command: list[str]
    env: dict[str, str]
    log: Path
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """In a group of its own, its words in a file."""
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(  # noqa: S603 -- our own interpreter and our own modules
                self.command,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether its leader runs."""
        return self.popen is not None and self.popen.poll() is None

    @property
    def pid(self) -> int:
        """Of the leader."""
        assert self.popen is not None
        return self.popen.pid

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """The whole group, and wait until it is gone."""
        if self.popen is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)
        self.popen.wait(timeout=10)
        self.popen = None


@dataclass
class Scene:
    """Where everything runs."""

    settings: Settings
    sessions: Sessions
    ring: KeyRing
    callback: str
    folder: Folder
    web: Child
    worker: Child
    made: int = 0
    opened: list[Callable[[], None]] = field(default_factory=list)

    def hang_up(self) -> None:
        """Close every connection that a client of this system has left open."""
        while self.opened:
            self.opened.pop()()

    @property
    def children(self) -> tuple[Child, Child]:
        """All of them."""
        return self.web, self.worker

    @property
    def engine(self) -> str:
        """The name of the engine: sqlite or postgresql."""
        return self.sessions.engine.dialect.name

    def bring_up(self) -> None:
        """Start what does not run, and wait until traffic may come."""
        for child in self.children:
            if not child.alive:
                child.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> float:
        """Until /readyz says yes; how many seconds that took."""
        began = time.monotonic()
        eventually(self.is_ready, f"the web server is not ready: {self.words()}", within_s=READY_S)
        return time.monotonic() - began

    def is_ready(self) -> bool:
        """Whether traffic may come."""
        try:
            return httpx.get(f"{self.settings.issuer}/readyz", timeout=5.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def web_workers(self) -> list[int]:
        """The processes that answer requests: children of granian's main process that are not its helpers."""
        return [pid for pid in children_of(self.web.pid) if "resource_tracker" not in command_line(pid)]

    def words(self) -> str:
        """The last words of the processes."""
        return " | ".join(child.log.read_text(encoding="utf-8", errors="replace")[-800:] for child in self.children)

    def kill_a_web_worker(self, pick: int) -> None:
        """SIGKILL for one process that answers; its parent starts another."""
        found = self.web_workers()
        if found:
            send(found[pick % len(found)], signal.SIGKILL)

    def somebody(self) -> tuple[str, str, str]:
        """Somebody new with a proved account: (national ID, phone, account id)."""
        self.made += 1
        number, told = people.national_id(FIRST_PERSON + self.made), person(self.made)
        with self.sessions.writing() as session:
            who = subjects.create(session, self.ring, number, told, now=wall_clock())
        return number, subjects.e164(told.phone), str(who.id)

    def signed_in(self) -> tuple[str, str]:
        """Somebody new with a session at AAL2.1: (the session's cookie, account id)."""
        who, now = UUID(self.somebody()[2]), wall_clock()
        with self.sessions.writing() as session:
            token = sign_ins.start(
                session,
                subject_id=who,
                kind="citizen",
                factors={"sms", "pin"},
                device="fault",
                settings=self.settings,
                now=now,
            )
        return token, str(who)

    def access_token(self) -> str:
        """A token of this server for its own UserInfo, as the token endpoint signs it."""
        now = int(wall_clock().timestamp())
        issuer = self.settings.issuer
        told = {"iss": issuer, "aud": issuer, "sub": "s", "client_id": "c", "jti": "j", "iat": now, "exp": now + 300}
        return self.ring.signer("access_token", "ES256").sign_jwt(told | {"scope": "openid"}, typ="at+jwt")

    def record_holder(self) -> str:
        """A new resource server that may introspect; its client id."""
        self.made += 1
        name = f"holder-{self.made}"
        with self.sessions.writing() as session:
            clients.register(
                session,
                client_id=name,
                name_th="ผู้เก็บข้อมูลทดสอบ",
                name_en="Test record holder",
                legal_entity_id=directory_seed.HOLDER_ID,
                kind="resource_server",
                purposes={},
                grant_types=(),
                secret=HOLDER_SECRET,
                now=wall_clock(),
            )
        return name


@contextmanager
def playing(path: Path, url: str, **told: Any) -> Iterator[Scene]:
    """A system for the length of the block, up and ready."""
    made = prepared(path, url, **told)
    try:
        made.bring_up()
        yield made
    finally:
        close(made)


def close(scene: Scene) -> None:
    """End everything."""
    scene.hang_up()
    for child in scene.children:
        child.end()
    scene.sessions.engine.dispose()


def prepared(path: Path, url: str, *, serve: tuple[str, ...] = SERVE) -> Scene:
    """Schema, keys, directory, services; nothing runs yet."""
    folder = Folder(path / "sandbox")
    folder.prepare()
    ports = Ports(free_port(), free_port(), free_port())
    settings = Settings(
        issuer=f"http://{HOST}:{ports.port}",
        database_url=url,
        kek_file=folder.kek_file.resolve(),
        sandbox=True,
        port=ports.port,
        workers=WEB_WORKERS,
    )
    supervisor.prepare(folder, settings, ports, clock=wall_clock)
    sessions = make_sessions(make_engine(url))
    callback = f"http://{HOST}:{free_port()}{CALLBACK}"
    register_story_client(sessions, callback)
    with sessions.reading() as session:
        ring = load(session, settings.kek(), now=wall_clock())
    counting = Path(tempfile.mkdtemp(prefix="counting.", dir=path))
    env = supervisor.environment(settings) | {
        "YINYOM_WORKERS": str(WEB_WORKERS),
        "YINYOM_METRICS_DIR": str(counting),
        "PYTHONPATH": str(ROOT),
    }
    web = Child([sys.executable, *serve], env, folder.log_file("web"))
    worker = Child([sys.executable, *WORK], env, folder.log_file("worker"))
    return Scene(settings, sessions, ring, callback, folder, web, worker)


def person(serial: int) -> RegistryPerson:
    """Somebody made up, as if their card had been checked at a counter."""
    return RegistryPerson(
        title_th="นางสาว",
        given_name_th="มานี",
        family_name_th="ทดสอบสุข",
        title_en="Miss",
        given_name_en="Manee",
        family_name_en="Thotsopsuk",
        birth_date="1985-02-14",
        gender="female",
        phone=f"010-001-{serial:04}",
        attested_ial=seed.SEEDED_IAL,
    )


def command_line(pid: int) -> str:
    """How a process was called; nothing when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
