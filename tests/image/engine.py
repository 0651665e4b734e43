"""Builds the Dockerfile and runs the image without an engine, a daemon or a registry: buildah, podman and runc.

Everything of theirs (storage, state, locks, configuration) stands in one folder and in a mount namespace of its own,
and goes with them. The base image is made from Debian's packages, so the steps run as they would on `python:3.11-slim`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE, IMAGE, UID = "docker.io/library/python:3.11-slim", "localhost/yinyom", 10001
BASE_VARIABLE = "YINYOM_TEST_BASE"  # an archive that an earlier run made, for whoever works on the image
PROGRAMS = {
    "buildah": "buildah",
    "podman": "podman",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries", "cert")
OWN = ("/run", "/dev/shm", "/var/lib/containers", "/var/lib/cni")  # noqa: S108 -- hidden, not used
CGROUPS = Path("/sys/fs/cgroup")
BASE_STEPS = (
    """rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED""",
    """ln -s /usr/bin/python3 "$1"/usr/local/bin/python""",
)
STORAGE = """[storage]
driver = "{driver}"
runroot = "{home}/run"
graphroot = "{home}/graph"
"""
CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
LOCKED = (
    *("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"),  # noqa: S108 -- the container's
    *("--cap-drop", "all", "--security-opt", "no-new-privileges"),
)


class Engine:
    """One folder, one mount namespace; `close` leaves nothing of either."""

    def __init__(self) -> None:
        refuse_what_is_missing()
        self.home = Path(tempfile.mkdtemp(prefix="yinyom-image-", dir="/tmp"))
        self.home.chmod(0o755)
        self.env = os.environ | self._configured()
        self.groups, self.hidden = set(cgroups()), [Path(path) for path in OWN if not Path(path).is_dir()]
        for path in self.hidden:
            path.mkdir()
        hide = " && ".join(f"mount -t tmpfs tmpfs {path}" for path in OWN)
        self.holder = subprocess.Popen(  # noqa: S603 -- our own words
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{hide} && echo ready && exec sleep 3600"],  # noqa: S607
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.holder.stdout.readline() != "ready\n":
            self.close()
            pytest.fail("A mount namespace is needed, and this machine gives none: run as root outside a container.")

    def _configured(self):
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.home], capture_output=True, text=True, check=True)  # noqa: S603, S607
        driver = "vfs" if "overlay" in kind.stdout else "overlay"
        for name, text in (
            ("storage.conf", STORAGE.format(driver=driver, home=self.home)),
            ("registries.conf", "unqualified-search-registries = []\n"),
            ("containers.conf", CONTAINERS),
        ):
            (self.home / name).write_text(text)
        return {
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.home / "registries.conf"),
            "CONTAINERS_CONF": str(self.home / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": str(self.home),
        }

    def run(self, *command, code=0, timeout=60):
        """What a command said, both ways; it must end with `code`."""
        inside = ("nsenter", "--mount", "--target", str(self.holder.pid), "--wd=/", *map(str, command))
        done = subprocess.run(  # noqa: S603 -- our own words
            inside,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert done.returncode == code, f"{' '.join(inside)}\n{done.stdout[-3000:]}"
        return done.stdout

    def podman(self, *arguments, **more):
        """One podman command."""
        return self.run("podman", "--log-level", "fatal", *arguments, **more)

    def build(self):
        """The base, then every step of the Dockerfile."""
        base = self._base()
        path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.podman("import", "-q", "--change", path, base, BASE, timeout=300)
        # --format docker: the other format has no place for HEALTHCHECK.
        told = ("--format", "docker", "--pull-never", *self._network(), "-t", IMAGE)
        self.run("buildah", "--log-level", "error", "bud", *told, ROOT, timeout=600)

    def _base(self):
        """Debian's Python as an archive: one made earlier, if it is named, else a new one."""
        if BASE_VARIABLE in os.environ:
            return Path(os.environ[BASE_VARIABLE])
        base, hooks = self.home / "base.tar", [f"--customize-hook={step}" for step in BASE_STEPS]
        packages = "--include=python3,python3-venv,ca-certificates"
        self.run("mmdebstrap", "-q", "--variant=minbase", packages, *hooks, "bookworm", base, timeout=400)
        return base

    def _network(self):
        """How pip inside reaches the index: as pip outside does. Mounted, so that no layer keeps it."""
        if not CERTIFICATES.is_file():
            pytest.fail(f"{CERTIFICATES} is missing: apt-get install ca-certificates.")
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
        )
        known = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
        wished = {key: known.get(f":env:.{key}", known.get(f"global.{key}")) for key in PIP_KEYS}
        lines = [f"{key} = {value.strip(chr(39))}" for key, value in wished.items() if value and key != "cert"]
        file = self.home / "pip.conf"
        file.write_text("\n".join(["[global]", *lines, f"cert = {CERTIFICATES}", ""]))
        return ("-v", f"{CERTIFICATES}:{CERTIFICATES}:ro", "-v", f"{file}:/etc/pip.conf:ro")

    def inspect(self):
        """The image's own words about itself."""
        (found,) = json.loads(self.podman("image", "inspect", IMAGE))
        return found

    def start(self, name, *arguments, options=()):
        """A container that goes on by itself, locked down."""
        self.podman("run", "-d", "--name", name, *LOCKED, *options, IMAGE, *arguments)

    def once(self, *arguments, options=(), **more):
        """A container that ends by itself, locked down; what it said."""
        return self.podman("run", "--rm", *LOCKED, *options, IMAGE, *arguments, **more)

    def shell(self, script):
        """What a script says inside the image."""
        return self.podman("run", "--rm", "--network", "none", *LOCKED, "--entrypoint", "sh", IMAGE, "-c", script)

    def until(self, question, name, *, within=60.0):
        """Ask until the answer is true. Fails with the container's last words."""
        deadline = time.monotonic() + within
        while not (answer := question()):
            if time.monotonic() > deadline:
                pytest.fail(f"{name} did not come so far within {within:.0f} s: {self.podman('logs', name)[-2000:]}")
            time.sleep(0.2)
        return answer

    def close(self):
        """End what runs and remove every trace."""
        with suppress(AssertionError, subprocess.TimeoutExpired):
            self.podman("rm", "-af", "-t", "1", timeout=60)
        self.holder.kill()
        self.holder.wait()
        if self.holder.stdout is not None:
            self.holder.stdout.close()
        shutil.rmtree(self.home)
        for folder in [*self.hidden, *sorted(set(cgroups()) - self.groups, reverse=True)]:
            with suppress(OSError):
                folder.rmdir()


def refuse_what_is_missing():
    """Fails in one sentence."""
    if os.geteuid() != 0:
        pytest.fail("Root is needed: only it can make the base image and mount its layers.")
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        pytest.fail(f"Missing here: apt-get install --no-install-recommends {' '.join(missing)}.")


def cgroups():
    """Control groups that podman made."""
    found = [*CGROUPS.glob("libpod_parent"), *CGROUPS.glob("*/libpod_parent")]
    return [*found, *(child for parent in found for child in parent.rglob("*") if child.is_dir())]
