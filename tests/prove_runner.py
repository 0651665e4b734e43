"""One runner of `make prove`: a tree of its own, and a process that has loaded the libraries and forks for each guard.

Half of what a short test run costs is loading libraries. They are the same for every guard; our own code is not, so it
is loaded after the fork, from the tree in which a guard is missing. Asked and answered in lines of JSON:
`{"tests": [...], "longest_s": 120}` is answered by the exit code of pytest.
"""

import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import pytest

ROOT = Path(__file__).parents[1]
LEFT_OUT = (".venv", ".git", "__pycache__", "node_modules", "sandbox", "screenshots", ".*_cache", ".hypothesis", "dist")
LONGEST_S = 120
LINT = ("importlinter",)
LINTER = "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
QUIET = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")
OURS = ("idp", "consent", "tests", "__main__", "__mp_main__")
EVERYTHING = "import sys, idp.app, idp.worker, idp.cli, tests.conftest, tests.idp.web.conftest; print(*sys.modules)"


class Runner:
    """Runs tests in a copy of the tree. A context: its process ends with it."""

    def __init__(self, place: Path, number: int) -> None:
        self.tree = place / str(number)
        shutil.copytree(ROOT, self.tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        self._env = {**os.environ, "PYTHONPATH": str(self.tree), "YINYOM_TEST_TEMPLATES": str(place)}
        self._env.pop("YINYOM_TEST_DATABASE_URL", None)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.prove_runner"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, cwd=self.tree, env=self._env, **pipes)  # noqa: S603
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def red(self, tests: Sequence[str], *, longest_s: int = LONGEST_S) -> bool:
        """Whether these tests, or the import linter, are red as the tree stands now. A run that hangs is red.

        Raises: SystemExit if there is no such test.
        """
        if tests == LINT:
            return self._lint(longest_s) != 0
        assert self._process.stdin, self._process.stdout
        self._process.stdin.write(json.dumps({"tests": tests, "longest_s": longest_s}) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        if code == pytest.ExitCode.NO_TESTS_COLLECTED:
            raise SystemExit(f"no such test: {' '.join(tests)}")
        return code != 0

    def _lint(self, longest_s: int) -> int:
        told: dict[str, Any] = {"cwd": self.tree, "env": self._env, "capture_output": True, "timeout": longest_s}
        return subprocess.run([sys.executable, "-c", LINTER], check=False, **told).returncode  # noqa: S603


def foreign() -> list[str]:
    """The modules of others that our code loads; not those of pytest's plugins, which it wants to load by itself."""
    command = [sys.executable, "-c", EVERYTHING]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    plugins = [plugin.dist for plugin in metadata.entry_points(group="pytest11") if plugin.dist]
    theirs = {file.parts[0].removesuffix(".py") for found in plugins for file in found.files or ()}
    return [name for name in names if name.partition(".")[0] not in {*OURS, *theirs}]


def forked(tests: Sequence[str], longest_s: int) -> int:
    """The exit code of these tests in a process of their own; negative if it was killed because it took too long."""
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.argv = ["pytest", *QUIET, *tests]
        os._exit(int(pytest.main(sys.argv[1:])))
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.alarm(longest_s)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Until nobody asks any more."""
    for name in foreign():
        try:
            importlib.import_module(name)
        except ImportError:  # a name that its library only borrowed
            continue
    gc.collect()
    gc.freeze()  # the children share these pages, and need not look through them
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(f"{forked(asked['tests'], asked['longest_s'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
