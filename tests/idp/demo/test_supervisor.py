"""`idp demo` as a newcomer meets it: it starts, says where, keeps its data, and leaves nobody behind."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
SERVICES = ("port", "portal-port", "holder-port", "clinic-port", "thaid-port", "line-port")
NEW_PORTS = tuple(word for name in SERVICES for word in (f"--{name}", "0"))

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]


@contextmanager
def sandbox(folder, *options):
    """A running `idp demo`; whatever happens, it and its children are gone afterwards."""
    said = folder.parent / f"{folder.name}.out"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with said.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter
            [sys.executable, "-m", "idp.cli", "demo", "--dir", str(folder), *options],
            env={name: value for name, value in env.items() if not name.startswith("YINYOM_")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=30)


def welcome(process, said):
    """What it prints once everything answers."""
    for _ in range(1200):
        text = said.read_text()
        if "Ctrl-C" in text:
            return text
        assert process.poll() is None, text
        time.sleep(0.1)
    raise AssertionError(said.read_text())


def beside(text, *arguments):
    """What an `idp` command answers, called beside the running sandbox as the welcome text says."""
    assignment, *program = shlex.split(re.search(r"YINYOM_CONFIG=.*(?= client add)", text)[0])
    env = {**os.environ, "PYTHONPATH": str(ROOT), **dict([assignment.split("=", 1)])}
    return subprocess.run([*program, *arguments], env=env, capture_output=True, text=True, check=True).stdout  # noqa: S603 -- ours


def children_of(pid):
    """The process ids of the direct children (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_ctrl_c_ends_all_a_second_run_keeps_the_data_and_a_dead_child_ends_it(tmp_path):
    """Issue 2: addresses, three people to try, no child left, data kept, one sentence. One test: starting is slow."""
    folder = tmp_path / "sandbox"
    with sandbox(folder, *NEW_PORTS) as (process, said):
        text = welcome(process, said)
        server = re.search(r"http://localhost:\d+", text)[0]
        portal, holder = re.findall(r"http://127\.0\.0\.1:\d+", text)[:2]
        for words in ("3999000010035", "1999000010021", "1999000010161", "/sandbox/inbox", "/staff/enrol"):
            assert words in text
        for base in (server, portal, holder):
            assert httpx.get(f"{base}/livez", timeout=10).status_code == 200
        tour = httpx.get(f"{server}/?lang=en", timeout=10).text
        for words in (portal, "Somchai", "code-auditor", "code-clerk", "code-doctor", "/dev/last"):
            assert words in tour
        keys = httpx.get(f"{server}/jwks.json", timeout=10).json()
        children = children_of(process.pid)
        assert len(children) == 7
        assert "portal\tactive\tweb" in beside(text, "client", "list")
        kept = (folder, *folder.rglob("*.db"), *folder.rglob("*.log"))
        assert not [path for path in kept if path.stat().st_mode & 0o077], "only its owner reads a sandbox"

        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=30) == 0
        assert not [child for child in children if alive(child)]

    with sandbox(folder) as (process, said):
        assert re.search(r"http://localhost:\d+", welcome(process, said))[0] == server
        assert httpx.get(f"{server}/jwks.json", timeout=10).json() == keys
        children = children_of(process.pid)

        os.kill(children[1], signal.SIGKILL)

        assert process.wait(timeout=30) == 1
        assert re.search(r"Error: The worker process ended by itself .*worker\.log", said.read_text())
        assert "Traceback" not in said.read_text()
        assert not [child for child in children if alive(child)]
