"""`idp demo`: prepare the folder, then run the server, the worker and the demo services until Ctrl-C.

One direct child a service; each readiness is asked over HTTP; one that dies ends the sandbox with one sentence.
"""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import httpx

from idp import keys, migrations
from idp.app import wire
from idp.db import check_mode, translated
from idp.demo import crowd, providers, seed
from idp.demo.children import Children, Stop, stop_on_signals
from idp.demo.folder import HOST, DemoError, Folder, Ports
from idp.settings import Settings

READY_S = 60.0
POLL_S = 0.15
OK = 200
TOUR_VARIABLE = "YINYOM_DEMO_TOUR"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What the command line said; None means not said."""

    directory: Path
    ports: dict[str, int | None]
    fixed_code: str | None
    reset: bool
    people: int = 0


def run(asked: Asked, *, clock: Callable[[], datetime], say: Say) -> None:
    """Start everything, print the addresses, wait. Returns after Ctrl-C or SIGTERM; all children are gone then.

    Raises: DemoError, one sentence.
    """
    os.umask(0o077)  # the database, its keys and its logs are their owner's alone
    folder = Folder(asked.directory)
    if asked.reset:
        folder.reset()
    folder.prepare()
    with folder.alone():
        ports = folder.ports(asked.ports)
        settings = settings_for(folder, ports, fixed_code=asked.fixed_code)
        seeded = prepare(folder, settings, ports, clock=clock)
        if asked.people:
            gather(settings, asked.people, clock=clock, say=say)
        watch(folder, settings, ports, seeded, say=say)


def watch(folder: Folder, settings: Settings, ports: Ports, seeded: seed.Seeded, *, say: Say) -> None:
    """Run the children and look after them until somebody wishes to stop. Raises: DemoError."""
    config = write_settings(folder, settings)
    try:
        stop_on_signals()
        with Children() as children:
            start(children, folder, settings, ports, seeded)
            wait_until_ready(children, settings, ports)
            say(welcome(settings, ports, seeded, own_service=command_line(config)))
            while True:
                children.check()
                time.sleep(0.5)
    except Stop:
        say("\nSandbox stopped; its data stays in " + str(folder.path))


def settings_for(folder: Folder, ports: Ports, *, fixed_code: str | None) -> Settings:
    """The sandbox's settings: the issuer is `localhost`, the services are `127.0.0.1` (DECISIONS 26)."""
    return Settings(
        issuer=f"http://localhost:{ports.port}",
        database_url=folder.database_url,
        kek_file=folder.kek_file.resolve(),
        sandbox=True,
        sandbox_fixed_code=fixed_code,
        port=ports.port,
        **providers.settings_of(folder, ports),
    )


def prepare(folder: Folder, settings: Settings, ports: Ports, *, clock: Callable[[], datetime]) -> seed.Seeded:
    """Schema, keys, notices, people, directory, clients; safe at every start. Raises: DemoError."""
    sessions, _ = wire(settings, clock=clock)
    now = clock()
    try:
        with translated():
            migrations.upgrade(sessions.engine)
        with sessions.writing() as session:
            check_mode(session, sandbox=True)
            keys.ensure(session, settings.kek(), now=now)
        return seed.seed(sessions, settings, folder, ports, now=now)
    except ValueError as error:
        raise DemoError(f"{error}; `idp demo --reset` starts afresh.") from error
    finally:
        sessions.engine.dispose()


def gather(settings: Settings, people: int, *, clock: Callable[[], datetime], say: Say) -> None:
    """Accounts for a crowd, before anything runs; started again it goes on where it stopped. Raises: DemoError."""
    sessions, _ = wire(settings, clock=clock)
    try:
        with sessions.reading() as session:
            ring = keys.load(session, settings.kek())
        crowd.seed(sessions, ring, people, now=clock(), say=say)
    except ValueError as error:
        raise DemoError(str(error)) from error
    finally:
        sessions.engine.dispose()


def start(children: Children, folder: Folder, settings: Settings, ports: Ports, seeded: seed.Seeded) -> None:
    """Server, worker, holder, portal, clinic: separate processes."""
    ours = environment(settings)
    shown = {**ours, TOUR_VARIABLE: str(write_tour(folder, ports, seeded).resolve())}
    children.start("server", ("-m", "idp.cli", "serve"), env=shown, log=folder.log_file("server"))
    children.start("worker", ("-m", "idp.cli", "work"), env=ours, log=folder.log_file("worker"))
    for name, port, more in (
        (seed.HOLDER, ports.holder_port, ("--audience", seed.HOLDER_IDENTIFIER)),
        (seed.PORTAL, ports.portal_port, ("--holder", f"http://{HOST}:{ports.holder_port}")),
        (seed.CLINIC, ports.clinic_port, ("--holder", f"http://{HOST}:{ports.holder_port}")),
    ):
        told = ("--issuer", settings.issuer, "--client-id", name, "--secret-file", str(folder.secret_file(name)))
        arguments = ("-m", "idp.demo.services", name, "--port", str(port), *told, *more)
        children.start(name, arguments, env={}, log=folder.log_file(name))
    for name in providers.NAMES:
        children.start(name, providers.command(folder, settings, ports, name), env={}, log=folder.log_file(name))


def write_tour(folder: Folder, ports: Ports, seeded: seed.Seeded) -> Path:
    """What the server's start page shows: people to try, services to visit, invitations of staff.

    It knows of us by this file alone.
    """
    hospital = {
        "id": seed.PORTAL,
        "url": f"http://{HOST}:{ports.portal_port}/",
        "name": "โรงพยาบาลตัวอย่าง",
        "name_en": "Example Hospital",
        "text": "เว็บผู้ป่วยที่ขอดูประวัติจากที่อื่น",
        "text_en": "a patient portal that asks for records from elsewhere",
    }
    clinic = {
        "id": seed.CLINIC,
        "url": f"http://{HOST}:{ports.clinic_port}/",
        "name": "ระบบของแพทย์",
        "name_en": "The doctor's system",
    }
    file = folder.path / "tour.json"
    tour = {
        "people": [asdict(person) for person in seed.TO_TRY],
        "services": [hospital, clinic],
        "staff": [invitation(role, line) for role, line in invited(seeded).items()],
    }
    file.write_text(json.dumps(tour, ensure_ascii=False), encoding="utf-8")
    return file


def invited(seeded: seed.Seeded) -> dict[str, str]:
    """Role -> `url  code: …` of everybody whose passkey is not set up yet."""
    auditor = {"auditor": seeded.auditor_link} if seeded.auditor_link else {}
    return {**auditor, **seeded.invitations}


def invitation(role: str, line: str) -> dict[str, str]:
    """The address and the code of one line."""
    url, _, code = line.partition("code:")
    return {"role": role, "url": url.strip(), "code": code.strip()}


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the children read them."""
    given = {
        "ISSUER": settings.issuer,
        "DATABASE_URL": settings.database_url,
        "KEK_FILE": str(settings.kek_file),
        "SANDBOX": "true",
        "PORT": str(settings.port),
        "SANDBOX_FIXED_CODE": settings.sandbox_fixed_code,
    }
    given |= {name.upper(): providers.told(settings, name) for name in providers.SETTINGS}
    return {f"YINYOM_{name}": value for name, value in given.items() if value is not None}


def write_settings(folder: Folder, settings: Settings) -> Path:
    """The same settings as a file, so that `idp client add` and the others reach the sandbox while it runs."""
    file = folder.path / "settings.toml"
    names = ("issuer", "database_url", "kek_file", "port", "sandbox_fixed_code", *providers.SETTINGS)
    given = {name: getattr(settings, name) for name in names}
    # A JSON string or number is a TOML one, too.
    lines = [
        f"{name} = {json.dumps(v if isinstance(v, int) else str(v))}" for name, v in given.items() if v is not None
    ]
    file.write_text("\n".join([*lines, "sandbox = true", ""]), encoding="utf-8")
    return file


def command_line(config: Path) -> str:
    """How to call `idp` from where the sandbox was started: the installed script, else this interpreter."""
    here, script = Path.cwd(), Path(sys.executable).with_name("idp")
    program = script if script.exists() else Path(sys.executable)
    shown = [str(path.relative_to(here)) if path.is_relative_to(here) else str(path) for path in (config, program)]
    shown = [shlex.quote(path) for path in shown]
    return f"YINYOM_CONFIG={shown[0]} {shown[1]}{'' if program == script else ' -m idp.cli'}"


def wait_until_ready(children: Children, settings: Settings, ports: Ports) -> None:
    """Until all of them answer /livez. Raises: DemoError when one dies or takes longer than 60 s."""
    waiting = {
        "server": f"http://{HOST}:{settings.port}/livez",
        "portal": f"http://{HOST}:{ports.portal_port}/livez",
        "holder": f"http://{HOST}:{ports.holder_port}/livez",
        "clinic": f"http://{HOST}:{ports.clinic_port}/livez",
        **{name: f"{providers.url(ports, name)}/livez" for name in providers.NAMES},
    }
    until = time.monotonic() + READY_S
    while waiting:
        children.check()
        waiting = {name: url for name, url in waiting.items() if not is_ready(url)}
        if waiting and time.monotonic() > until:
            name = next(iter(waiting))
            raise DemoError(f"The {name} process did not answer within {READY_S:.0f} s; see {children.logs[name]}.")
        time.sleep(POLL_S)


def is_ready(url: str) -> bool:
    """Whether it answers 200."""
    try:
        return httpx.get(url, timeout=2.0).status_code == OK
    except httpx.HTTPError:
        return False


def welcome(settings: Settings, ports: Ports, seeded: seed.Seeded, *, own_service: str) -> str:
    """Addresses, three people to try, where to read the messages, how to connect a service. Thai first."""
    people = "\n".join(
        f"    {p.national_id}  {p.name} / {p.name_en}\n                   {p.note}\n                   {p.note_en}"
        for p in seed.TO_TRY
    )
    enrolled = f"{settings.issuer}/staff/sign-in  (passkey already set up)"
    auditor = seeded.auditor_link or enrolled
    clerk, doctor = (seeded.invitations.get(role, enrolled) for role in ("clerk", "doctor"))
    return f"""
Yinyom sandbox · ยินยอม (ระบบทดลอง คนและข้อมูลสมมติทั้งหมด / everyone and everything is made up)

  เริ่มที่นี่ / start here   {settings.issuer}/           a tour in seven steps
  โรงพยาบาล / hospital      http://{HOST}:{ports.portal_port}/          its portal: sign in, share, fetch, withdraw
  ตัวคุณ / yourself        {settings.issuer}/me         consents, who looked, security
  กล่องข้อความ / SMS inbox  {settings.issuer}/sandbox/inbox
  ผู้ตรวจสอบ / auditor      {auditor}
  ผู้เก็บข้อมูล / holder      http://{HOST}:{ports.holder_port}/          a record holder (answers only to tokens)
  จุดบริการ / counter clerk  {clerk}
  แพทย์ / doctor           {doctor}

  ลองเป็นสามคนนี้ / three people to try
{people}

  ต่อบริการของคุณ / connect your own service, in another terminal, while this runs
    {own_service} client add --demo my-service --redirect http://{HOST}:5000/callback
    {settings.issuer}/dev/last         what then goes over the wire, request by request

  Ctrl-C ends everything; the data stays. Start with --reset (make run ARGS="--reset") to clear it.
"""
