"""RELIABILITY X6: the database's disk is full. It is a small tmpfs that nobody but the test's processes ever sees."""

import os
import subprocess
import sys

import pytest

from tests.stories.world import ROOT

WITHIN_S = 400
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_full_disk_refuses_writes_and_loses_nothing(engine, figure):
    """Writes 503 with Retry-After, reads go on, nothing acknowledged is lost, room again is enough: no restart."""
    if os.geteuid() != 0:
        pytest.fail("A full disk is a small tmpfs, and only root may mount one: run this as root.", pytrace=False)
    command = [*APART, sys.executable, "-m", "tests.faults.full_disk", engine]

    done = subprocess.run(  # noqa: S603 -- our own module in namespaces of its own
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )

    for line in done.stdout.splitlines():
        figure(line)
    assert done.returncode == 0, done.stderr[-3000:]
