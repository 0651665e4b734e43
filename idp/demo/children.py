"""Direct child processes, each in a session of its own: started together, watched together, ended together.

On Linux they also end when we are killed and can end nobody: the kernel tells them (PR_SET_PDEATHSIG).
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Self

from idp.demo.folder import DemoError

GRACE_S = 8.0
PR_SET_PDEATHSIG = 1


@dataclass
class Children:
    """Use as a context: whatever happens inside, no child is left."""

    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)

    def start(self, name: str, arguments: Sequence[str], *, env: Mapping[str, str], log: Path) -> None:
        """Start `python …` with its output in a file. Its own session: Ctrl-C reaches only us, and we end it."""
        with log.open("ab") as output:
            self.running[name] = self._spawn([sys.executable, *arguments], {**os.environ, **env}, output)
        self.logs[name] = log

    def check(self) -> None:
        """Raises: DemoError, one sentence, when a child has ended by itself."""
        for name, child in self.running.items():
            code = child.poll()
            if code is not None:
                raise DemoError(
                    f"The {name} process ended by itself (exit {code}); its last words are in {self.logs[name]}."
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for child in self.running.values():
            _signal(child, signal.SIGTERM)
        until = time.monotonic() + GRACE_S  # for all of them together: whoever stops us gives ten seconds
        for child in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=max(until - time.monotonic(), 0))
            _signal(child, signal.SIGKILL)  # the whole group: a worker that outlived its parent goes, too
            child.wait()

    @staticmethod
    def _spawn(command: Sequence[str], env: Mapping[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and our own modules
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=ends_with(os.getpid()),  # noqa: PLW1509 -- we start no threads, and it only calls the kernel
        )


def ends_with(parent: int) -> Callable[[], None] | None:
    """What a child does before its program begins, so that it gets SIGTERM when its parent dies by whatever means.

    It holds for the program, not for what that starts: granian ends its workers itself. None where no kernel offers it.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # found here: between fork and exec nothing may be loaded

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)  # the child leads its own group
    except ProcessLookupError:
        return


class Stop(Exception):  # noqa: N818 -- the wish of whoever sits at the terminal
    """SIGTERM, Ctrl-C, or a terminal that was closed."""


STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stop_on_signals() -> None:
    """Turn the first such signal into `Stop` in the main thread; further ones are ignored while things end."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    for number in STOPPING:
        signal.signal(number, stop)
