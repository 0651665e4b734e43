"""What is shipped is enough: the wheel, installed outside the checkout, migrates a database and serves pages."""

import base64
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from contextlib import closing
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("idp", "consent", "templates", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment of its own with nothing of ours but the wheel; the other packages come by a .pth file.

    So no network is needed, and the checkout is on nobody's path.
    """
    if importlib.util.find_spec("hatchling") is None:
        pytest.fail("hatchling is not installed: the environment is older than requirements-dev.txt")
    home = tmp_path_factory.mktemp("wheel")
    wheel = build(home)
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python = home / "venv" / "bin" / "python"
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], cwd=home).strip())
    shutil.unpack_archive(wheel, site, "zip")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python, home


def build(home):
    """The wheel, from a copy of the sources: a build must leave nothing in the checkout."""
    source = home / "source"
    source.mkdir()
    for name in SOURCES:
        found = ROOT / name
        if found.is_dir():
            shutil.copytree(found, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, source)
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(home / "dist")], cwd=source)
    (wheel,) = (home / "dist").glob("yinyom-*.whl")
    return wheel


def run(command, *, cwd, env=None):
    """Standard output of a command that must succeed, with no trace of the checkout in its environment."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "YINYOM_CONFIG")}
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-500:]
    return done.stdout


def settings(home, port):
    (home / "kek").write_text(base64.b64encode(bytes(range(32))).decode())
    return {
        "YINYOM_ISSUER": f"http://localhost:{port}",
        "YINYOM_DATABASE_URL": f"sqlite:///{home / 'wheel.db'}",
        "YINYOM_KEK_FILE": str(home / "kek"),
        "YINYOM_SANDBOX": "true",
        "YINYOM_PORT": str(port),
    }


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_alive(url, process):
    for _ in range(400):
        assert process.poll() is None, "the server ended by itself"
        try:
            return httpx.get(f"{url}/livez", timeout=2).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


def test_the_wheel_carries_everything_and_nothing_of_the_checkout(installed):
    """Templates, static files, catalogue, migrations, sandbox people: package data."""
    python, home = installed

    found = run([python, "-c", "import idp, consent; print(idp.__file__, consent.__file__)"], cwd=home)

    assert str(ROOT) not in found
    site = Path(found.split()[0]).parent
    for name in (
        "_templates/base.html",
        "web/static",
        "web/locale/th.po",
        "migrations/env.py",
        "migrations/versions",
        "demo/people.tsv",
        "directory/provinces.tsv",
        "demo/templates/portal.html",
        "../consent/catalogue/purposes.tsv",
        "../consent/catalogue/data_categories.tsv",
        "../consent/audit/events.tsv",
    ):
        assert (site / name).exists(), name
    assert not (site.parent / "tests").exists()


def test_the_installed_wheel_migrates_and_serves_pages(installed):
    """Issue 2: installed in an empty environment outside the checkout, it serves pages."""
    python, home = installed
    port = free_port()
    env = settings(home, port)
    run([python, "-m", "idp.cli", "migrate"], cwd=home, env=env)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(  # noqa: S603 -- our own interpreter
        [str(python), "-m", "idp.cli", "serve"], cwd=home, env={**clean, **env}, start_new_session=True
    )
    try:
        base = f"http://127.0.0.1:{port}"
        until_alive(base, server)
        page = httpx.get(f"{base}/?lang=th", follow_redirects=True)
        assert page.status_code == 200
        assert '<html lang="th"' in page.text
        for link in ("/.well-known/openid-configuration", "/jwks.json"):
            assert httpx.get(base + link).status_code == 200
        style = re.search(r'href="([^"]+\.css)', page.text)
        assert style is not None
        assert httpx.get(base + style[1]).status_code == 200
    finally:
        server.terminate()
        server.wait(timeout=20)
