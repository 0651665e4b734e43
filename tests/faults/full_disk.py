"""The disk under the database fills up: `python -m tests.faults.full_disk ENGINE`, in namespaces of its own.

Mounts and processes are gone with this program, however it ends. Prints the figures; whatever does not hold raises.
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from tests.faults import checker, cluster, load, scene
from tests.faults.load import Citizen
from tests.faults.scene import Scene
from tests.stories.waiting import eventually

FULL_S = 3.0
ROOM = {"sqlite": "24m", "postgresql": "160m"}
FOR_EVERYBODY = ("/.well-known/openid-configuration", "/jwks.json", "/livez", "/")
FOR_THE_PERSON = ("/me", "/me/consents", "/me/access")


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A tmpfs of that size."""
    with tempfile.TemporaryDirectory(prefix="yinyom-disk.", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's user must get in
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder]
        subprocess.run(mount, check=True)  # noqa: S603 -- a mount in our own namespace
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607 -- the same


def fill(disk: Path) -> None:
    """Until not one byte more fits."""
    with (disk / "filler").open("ab", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"\0" * 4096)


def reads(system: Scene, person: Citizen) -> dict[str, int]:
    """What needs no write: by path, what was answered."""
    issuer = system.settings.issuer
    found = {path: httpx.get(issuer + path, timeout=20).status_code for path in FOR_EVERYBODY}
    return found | {path: person.get(path).status for path in FOR_THE_PERSON}


def run(system: Scene, disk: Path) -> None:
    """Fill the disk under load, look, make room, compare."""
    crowd, person = load.prepared(system, people=3, askers=1), load.prepared(system, people=1).citizens[0]
    crowd.start()
    eventually(lambda: crowd.acknowledged() >= 40, "the load does not begin", within_s=120)
    pids = system.web_workers(), system.worker.pid

    fill(disk)
    eventually(lambda: bool(crowd.refused()), "nothing was refused", within_s=90)
    fill(disk)  # what a write gave back that was undone
    threading.Event().wait(FULL_S)
    seen = reads(system, person)
    (disk / "filler").unlink()
    before = crowd.acknowledged()
    eventually(lambda: crowd.acknowledged() >= before + 20, "room was made, and nothing goes on", within_s=90)
    crowd.end()

    verdict, refused = checker.check(system, crowd), crowd.refused()
    entries = checker.check_tree(system)
    checker.check_files(system)
    sys.stdout.write(
        f"disk full on {system.engine}: {verdict.line()}; {len(refused)}x 503, all reads 200\n"
        f"  no restart; tree of {entries} verifies, sealed on by the same worker once there was room\n"
    )
    assert set(seen.values()) == {httpx.codes.OK}, seen
    assert {(one.status, one.retry_after) for one in refused} == {(503, "5")}, refused
    assert verdict.holds, (verdict.lost[:5], verdict.ghosts[:5], verdict.duplicates[:5])
    assert (system.web_workers(), system.worker.pid) == pids, "a process was replaced"


def main(engine: str) -> None:
    """One engine."""
    with ExitStack() as all_:
        path = Path(all_.enter_context(tempfile.TemporaryDirectory(prefix="yinyom-full.", ignore_cleanup_errors=True)))
        disk = all_.enter_context(small_disk(ROOM[engine]))
        url = f"sqlite:///{disk / 'yinyom.db'}"
        if engine == "postgresql":
            url = all_.enter_context(cluster.running(disk)).url
        run(all_.enter_context(scene.playing(path, url)), disk)


if __name__ == "__main__":
    main(sys.argv[1])
