"""The server as in production: behind a TLS proxy, under a path, two web processes, a worker, services by the console.

One thing differs, since only made-up people may sign in here: it is a sandbox, which takes synthetic numbers.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from consent import purposes
from idp import cli
from idp.demo.children import Children
from idp.demo.folder import free_port
from tests.peers import tls
from tests.stories import people, world
from tests.stories.browser import Browser
from tests.stories.citizen import Citizen
from tests.stories.pages import Page
from tests.stories.waiting import eventually

CROWD = 60
PATH = "/id"
HOSPITAL = "Peers' hospital"
HOLDER = "https://records.example.test"
PURPOSES = ("SIGNIN", "CONTACT")
SCOPE = "openid profile email offline_access"
ITEM = re.compile(r"consent-[0-9a-f-]{36}")
BACK = "https://localhost:{port}/callback"  # nobody listens: a test takes over where the browser would go


@dataclass(frozen=True)
class Registered:
    """What the console printed."""

    client_id: str
    secret: str


@dataclass
class Peers:
    """The running server as a foreign client meets it."""

    folder: Path
    issuer: str
    callback: str
    pages: str
    authority: tls.Authority
    crowd: Iterator[str]
    children: Children = field(default_factory=Children)
    opened: list[Browser] = field(default_factory=list)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def idp(self, *arguments: str) -> dict[str, str]:
        """One command of the console, and what it printed, by name."""
        told = CliRunner().invoke(cli.main, arguments, env=self.environment)
        assert told.exit_code == 0, told.output or repr(told.exception)
        return dict(line.split(maxsplit=1) for line in told.output.splitlines() if len(line.split(maxsplit=1)) > 1)

    def register(self, *arguments: str, purposes: Sequence[str] = PURPOSES, redirect: str | None = "") -> Registered:
        """A service of the hospital, by `idp client add`; `redirect` None for one that nobody comes back to."""
        where = () if redirect is None else ("--redirect", redirect or self.callback)
        wished = [word for code in purposes for word in ("--purpose", code)]
        names = ("--name-th", "บริการต่างถิ่น", "--name-en", "Foreign service", "--entity", HOSPITAL)
        printed = self.idp("client", "add", *names, *where, *wished, *arguments)
        return Registered(printed["client_id"], printed["client_secret"])

    def keys_file(self, *public: Mapping[str, Any]) -> str:
        """A JWKS file for `--jwks`."""
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".json", delete=False) as file:
            json.dump({"keys": public}, file)
        return file.name

    @property
    def environment(self) -> dict[str, str | None]:
        """What the processes of the server are told: where their settings are, and nothing else."""
        foreign = {name: None for name in os.environ if name.startswith("YINYOM_")}
        return {**foreign, "YINYOM_CONFIG": str(self.folder / "settings.toml")}

    def citizen(self, number: str | None = None, *, stops: tuple[str, ...] = (), **likes: Any) -> Citizen:
        """Somebody new with a browser that stops where the service takes over."""
        browser = Browser(stops=stops or (self.callback,))
        self.opened.append(browser)
        return Citizen(self.issuer, number or next(self.crowd), browser, **likes)

    def answer(self, citizen: Citizen, url: str) -> str:
        """The citizen follows an authorization request wherever it leads; the address that the service gets."""
        page = citizen.walk(citizen.browser.get(url))
        assert page.status == 0, f"{page.name} {page.status} {page.url}\n{page.text[:400]}"
        return page.url

    def turn_back(self, citizen: Citizen, url: str) -> Page:
        """The citizen opens an authorization request and goes back at the first page; where that leads."""
        page = citizen.browser.get(url)
        cancel = next(name for name, form in page.forms.items() if form.action.endswith("/cancel"))
        return citizen.browser.submit(page, cancel)

    def withdraw(self, citizen: Citizen, code: str) -> None:
        """The citizen's own pages: the newest consent for this purpose, two taps."""
        name = purposes.get(code).name.in_("th")
        listed = citizen.open("/me/consents").texts.items()
        found = [key for key, words in listed if ITEM.fullmatch(key) and name in words]
        record = max(found).removeprefix("consent-")
        page = citizen.browser.get(f"{self.issuer}/me/consents/{record}")
        done = citizen.browser.submit(citizen.browser.click(page, "withdraw"), "withdraw-form", "confirm")
        assert done.name == "withdrawn", f"{done.name}: {done.text[:300]}"

    def run(self, name: str, command: Sequence[str], *, url: str, env: Mapping[str, str] | None = None) -> None:
        """Start a foreign server as a direct child; it is there when something answers at `url`."""
        with (self.folder / f"{name}.out").open("ab") as output:
            child = subprocess.Popen(  # noqa: S603 -- a program that the test named
                command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.started.append(child)

        def there() -> bool | None:
            words = (self.folder / f"{name}.out").read_text(encoding="utf-8", errors="replace")
            assert child.poll() is None, f"{name} ended by itself: {words[-2000:]}"
            try:
                httpx.get(url, timeout=2)
            except httpx.HTTPError:
                return None
            return True

        eventually(there, f"{name} never answered at {url}", within_s=20)

    def close(self) -> None:
        """End what `run` started."""
        for child in self.started:
            child.terminate()
            try:
                child.wait(timeout=8)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def running(url: str, path: str = PATH) -> Iterator[Peers]:
    """Prepare everything in a folder of its own, start it, end it. The folder may be read by servers of other users."""
    folder = Path(tempfile.mkdtemp(prefix="yinyom-peers-"))
    folder.chmod(0o755)
    port, server, pages, back = (free_port() for _ in range(4))
    authority = tls.Authority(folder)
    authority.make()
    alive = people.numbers(people.FIRST_ALIVE, CROWD)
    peers = Peers(
        folder,
        f"https://localhost:{port}{path}",
        BACK.format(port=back),
        f"https://127.0.0.1:{pages}",
        authority,
        iter(alive),
    )
    try:
        prepare(peers, url, server, alive)
        with trusting(authority), peers.children:
            peers.run("nginx", tls.front(authority, port=port, server=server, pages=pages), url=peers.pages)
            start(peers)
            yield peers
    finally:
        peers.close()
        shutil.rmtree(folder)


def prepare(peers: Peers, url: str, server: int, alive: Sequence[str]) -> None:
    """Settings, schema, the registry of made-up people, one hospital and one holder of records."""
    kek, registry = peers.folder / "kek", peers.folder / "people.tsv"
    kek.write_text(base64.b64encode(os.urandom(32)).decode(), encoding="ascii")
    kek.chmod(0o600)
    people.write(registry, world.ROOT / "idp/demo/people.tsv", list(alive), [], [])
    given = {"issuer": peers.issuer, "database_url": url, "kek_file": str(kek), "sandbox_registry": str(registry)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    numbers = ["sandbox = true", f"port = {server}", "workers = 2", "proxies = 1", ""]
    (peers.folder / "settings.toml").write_text("\n".join(lines + numbers), encoding="ascii")
    peers.idp("migrate")
    contacts = ("--controller-contact", "010-000-0900", "--dpo-contact", "dpo@example.test")
    facility = ("--kind", "hospital", "--hcode", "99123", "--province", "แพร่", "--licence-until", "2099-12-31")
    peers.idp("entity", "add", "--name-th", "โรงพยาบาลต่างถิ่น", "--name-en", HOSPITAL, *contacts, *facility)


def start(peers: Peers) -> None:
    """Web and worker, as an operator starts them."""
    env = {name: value for name, value in peers.environment.items() if value is not None}
    env["PYTHONPATH"] = str(world.ROOT)
    for name in ("serve", "work"):
        peers.children.start(name, ("-m", "idp.cli", name), env=env, log=peers.folder / f"{name}.log")

    def ready() -> bool | None:
        peers.children.check()
        return httpx.get(peers.issuer + "/readyz").status_code == httpx.codes.OK or None

    eventually(ready, "the server never was ready", within_s=80)


@contextmanager
def trusting(authority: tls.Authority) -> Iterator[None]:
    """Let the clients of this process, and those that it starts, trust the authority."""
    before = {name: os.environ.get(name) for name in tls.TRUSTED_BY}
    os.environ.update(authority.environment())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
