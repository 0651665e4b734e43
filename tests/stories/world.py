"""The running system: server with two workers, worker, portal and holder, each a process, on ports of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url, text

from consent import purposes
from idp.db import Sessions, make_engine, make_sessions
from idp.demo import providers, seed, supervisor
from idp.demo.children import Children
from idp.demo.folder import HOST, Folder, Ports, free_port
from idp.directory import seed as directory_seed
from idp.oauth import clients
from idp.settings import Settings
from tests.conftest import URL_VARIABLE
from tests.stories import people
from tests.stories.waiting import eventually

CROWD = 150
WORKERS = 2
SERVICE = "story"
SERVICE_SECRET = "story-secret-story-secret-story-secret"
CALLBACK = "/callback"
ROOT = Path(__file__).parents[2]


@dataclass
class World:
    """Where everything runs. Start it as a context; everything is gone afterwards."""

    folder: Folder
    ports: Ports
    settings: Settings
    crowds: dict[str, Iterator[str]]
    callback: str
    sessions: Sessions
    auditor_link: str = ""
    invitations: dict[str, str] = field(default_factory=dict)
    children: Children = field(default_factory=Children)

    @property
    def seeded(self) -> seed.Seeded:
        """The invitations, as the start page names them."""
        return seed.Seeded(auditor_link=self.auditor_link, invitations=self.invitations)

    @property
    def portal(self) -> str:
        """The portal's address."""
        return f"http://{HOST}:{self.ports.portal_port}"

    @property
    def holder(self) -> str:
        """The record holder's address."""
        return f"http://{HOST}:{self.ports.holder_port}"

    @property
    def temporary(self) -> Path:
        """Where the processes put their temporary files, so that they can be looked at."""
        return self.folder.path / "tmp"

    @property
    def clinic(self) -> str:
        """The clinic system's address; it is started by the first story that needs it."""
        if "clinic" not in self.children.running:
            self.start("clinic")
        return f"http://{HOST}:{self.ports.clinic_port}"

    def provider(self, name: str) -> str:
        """The address of the sandbox's "thaid" or "line", started by the first story that needs it."""
        if name not in self.children.running:
            self.start(name)
        return providers.url(self.ports, name)

    def next_person(self, kind: str) -> str:
        """A national ID that no story has used: alive, unproved, dead, phoneless, young, or unknown to us."""
        return next(self.crowds[kind])

    def start(self, *names: str) -> None:
        """Start processes by their names, all at once, and wait until each answers."""
        self.temporary.mkdir(exist_ok=True)
        known = self.commands()
        for name in names:
            command, env = known[name]
            env = {**env, "TMPDIR": str(self.temporary)}
            self.children.start(name, command, env=env, log=self.folder.log_file(name))
        for name in names:
            if name != "worker":
                eventually(partial(self._alive, name), f"{name} did not start: {self.log_of(name)}", within_s=90)

    def stop(self, name: str) -> None:
        """End one process and everything it started."""
        single = Children(running={name: self.children.running.pop(name)})
        single.__exit__()

    def log_of(self, name: str) -> str:
        """The last words of a process."""
        return self.folder.log_file(name).read_text(encoding="utf-8", errors="replace")[-3000:]

    def _alive(self, name: str) -> bool | None:
        self.children.check()
        clinic = f"http://{HOST}:{self.ports.clinic_port}"
        known = {"web": self.settings.issuer, "portal": self.portal, "holder": self.holder, "clinic": clinic}
        base = known.get(name) or providers.url(self.ports, name)
        return supervisor.is_ready(f"{base}/livez") or None

    def commands(self) -> dict[str, tuple[list[str], dict[str, str]]]:
        """What each process is started as, and with which settings."""
        ours = supervisor.environment(self.settings) | {
            "YINYOM_WORKERS": str(self.settings.workers),
            "YINYOM_SANDBOX_REGISTRY": str(self.settings.sandbox_registry),
            "PYTHONPATH": str(ROOT),
            supervisor.TOUR_VARIABLE: str(supervisor.write_tour(self.folder, self.ports, self.seeded).resolve()),
        }
        issuer = ["--issuer", self.settings.issuer]
        return {
            "web": (["-m", "idp.cli", "serve"], ours),
            "worker": (["-m", "idp.cli", "work"], ours),
            "portal": (
                self._service(seed.PORTAL, self.ports.portal_port) + issuer + ["--holder", self.holder],
                {"PYTHONPATH": str(ROOT)},
            ),
            "clinic": (
                self._service(seed.CLINIC, self.ports.clinic_port) + issuer + ["--holder", self.holder],
                {"PYTHONPATH": str(ROOT)},
            ),
            **{name: self._stand_in(name) for name in providers.NAMES},
            "holder": (
                self._service(seed.HOLDER, self.ports.holder_port) + issuer + ["--audience", seed.HOLDER_IDENTIFIER],
                {"PYTHONPATH": str(ROOT)},
            ),
        }

    def _stand_in(self, name: str) -> tuple[list[str], dict[str, str]]:
        command = list(providers.command(self.folder, self.settings, self.ports, name))
        return command, {"PYTHONPATH": str(ROOT)}

    def _service(self, name: str, port: int) -> list[str]:
        secret = str(self.folder.secret_file(name))
        return ["-m", "idp.demo.services", name, "--port", str(port), "--client-id", name, "--secret-file", secret]


@contextmanager
def running(path: Path) -> Iterator[World]:
    """Prepare a folder and a database, start all four processes, end them all."""
    with database(path) as url:
        world = prepare(path, url)
        try:
            with world.children:
                world.start("web", "worker", "holder", "portal")
                yield world
        finally:
            world.sessions.engine.dispose()


def prepare(path: Path, url: str) -> World:
    """Schema, keys, people, directory, the demo services, and a client for the stories themselves."""
    folder = Folder(path / "sandbox")
    folder.prepare()
    ports = Ports(free_port(), free_port(), free_port())
    registry, alive = path / "people.tsv", people.numbers(people.FIRST_ALIVE, CROWD)
    dead = people.numbers(people.FIRST_DEAD, CROWD // 5)
    unproved = people.numbers(people.FIRST_UNPROVED, CROWD // 5)
    phoneless = people.numbers(people.FIRST_PHONELESS, CROWD // 5)
    young = people.numbers(people.FIRST_YOUNG, CROWD // 5)
    people.write(registry, ROOT / "idp/demo/people.tsv", alive, unproved, dead, phoneless=phoneless, young=young)
    unknown = people.numbers(people.FIRST_UNKNOWN, CROWD // 5)
    facts: dict[str, Any] = {
        "issuer": f"http://localhost:{ports.port}",
        "database_url": url,
        "kek_file": folder.kek_file.resolve(),
        "sandbox": True,
        "port": ports.port,
        "workers": WORKERS,
        **providers.settings_of(folder, ports),
    }
    seeded = supervisor.prepare(folder, Settings(**facts), ports, clock=wall_clock)
    sessions = make_sessions(make_engine(url))
    callback = f"http://{HOST}:{free_port()}{CALLBACK}"
    register_story_client(sessions, callback)
    settings = Settings(**facts, sandbox_registry=registry)
    link = seeded.auditor_link or ""
    crowds = {"alive": iter(alive), "unproved": iter(unproved), "dead": iter(dead), "unknown": iter(unknown)}
    crowds |= {"phoneless": iter(phoneless), "young": iter(young)}
    return World(
        folder, ports, settings, crowds, callback, sessions, auditor_link=link, invitations=dict(seeded.invitations)
    )


def register_story_client(sessions: Sessions, callback: str) -> None:
    """A second client of the same hospital, driven by the tests."""
    with sessions.writing() as session:
        clients.register(
            session,
            client_id=SERVICE,
            name_th="บริการทดสอบ",
            name_en="Story service",
            legal_entity_id=directory_seed.HOSPITAL_ID,
            kind="web",
            purposes={code: purposes.get(code).scopes for code in seed.PORTAL_PURPOSES},
            redirect_uris=(callback,),
            grant_types=("authorization_code", "refresh_token", "client_credentials"),
            default_resource=seed.HOLDER_IDENTIFIER,
            secret=SERVICE_SECRET,
            now=wall_clock(),
        )


@contextmanager
def database(path: Path) -> Iterator[str]:
    """A SQLite file, or a PostgreSQL database of this run alone."""
    if URL_VARIABLE not in os.environ:
        yield f"sqlite:///{path / 'yinyom.db'}"
        return
    server = make_url(os.environ[URL_VARIABLE])
    name = f"stories_{os.getpid()}"
    admin = make_engine(server.render_as_string(hide_password=False)).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def wall_clock() -> datetime:
    """The stories run in real time: processes that are not ours to stop read the wall clock."""
    return datetime.now(UTC)  # noqa: TID251 -- the processes under test read the same clock


def fetch(url: str, token: str) -> httpx.Response:
    """A read with a Bearer token (RFC 6750 section 2.1)."""
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
