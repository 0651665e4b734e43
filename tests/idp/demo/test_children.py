"""Children end with their parent, and a dead one is noticed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idp.demo.children import Children
from idp.demo.folder import DemoError

SLEEP = ("-c", "import time; print('up', flush=True); time.sleep(60)")
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
kid = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(kid.pid, flush=True)
time.sleep(60)
"""

SUPERVISOR = """
import sys, time
from pathlib import Path
from idp.demo.children import Children
with Children() as children:
    children.start("child", ("-c", sys.argv[2]), env={}, log=Path(sys.argv[1]))
    time.sleep(60)
"""


def first_line(log):
    for _ in range(200):
        if log.exists() and log.read_text().endswith("\n"):
            return log.read_text().split()[0]
        time.sleep(0.05)
    raise AssertionError("the child said nothing")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().split()[2] == "Z")  # dead, and only not yet reaped by pid 1


def test_leaving_ends_every_child(tmp_path):
    """Ctrl-C ends all."""
    with Children() as children:
        for name in ("one", "two"):
            children.start(name, SLEEP, env={}, log=tmp_path / name)
        first_line(tmp_path / "two")
        children.check()

    assert all(child.returncode is not None for child in children.running.values())


def test_a_stubborn_child_and_its_own_child_are_killed_after_the_grace(tmp_path, monkeypatch):
    """No orphan worker keeps a port."""
    monkeypatch.setattr("idp.demo.children.GRACE_S", 0.3)
    with Children() as children:
        children.start("stubborn", ("-c", STUBBORN), env={}, log=tmp_path / "log")
        grandchild = int(first_line(tmp_path / "log"))

    for _ in range(100):
        if not alive(grandchild):
            break
        time.sleep(0.05)
    assert not alive(grandchild)
    assert children.running["stubborn"].returncode == -9


def test_a_dead_child_is_named_in_one_sentence(tmp_path):
    """With where its last words are."""
    with Children() as children:
        children.start("portal", ("-c", "raise SystemExit(3)"), env={}, log=tmp_path / "portal.log")
        children.running["portal"].wait()

        with pytest.raises(DemoError, match=r"The portal process ended by itself \(exit 3\).*portal\.log"):
            children.check()


def test_the_interpreter_is_our_own(tmp_path):
    """The environment's Python, not whatever stands first on PATH."""
    with Children() as children:
        children.start("who", ("-c", "import sys; print(sys.executable)"), env={}, log=tmp_path / "log")
        assert first_line(tmp_path / "log") == sys.executable


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel tells a child that its parent is gone")
def test_children_of_a_supervisor_that_was_killed_end_by_themselves(tmp_path):
    """Killed outright, it has no time to end anybody."""
    said_pid = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path / "log"), said_pid]
    supervisor = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.getcwd()})  # noqa: S603, PTH109
    child = int(first_line(tmp_path / "log"))
    assert alive(child)

    supervisor.kill()
    supervisor.wait()

    for _ in range(100):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)
