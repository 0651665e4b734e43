"""The running system under a wall clock that a test sets: libfaketime in each process, one file that all of them read.

Only what the wall shows is moved. Waiting (the monotonic clock) takes as long as it takes, so no time-out lies.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.stories import world
from tests.stories.live import Live
from tests.stories.world import World, wall_clock

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


@dataclass
class Clock:
    """What the wall shows to every process of this system; the test itself goes on in real time."""

    file: Path
    moved: timedelta = field(default_factory=timedelta)

    def environment(self) -> dict[str, str]:
        """What a process needs to be told."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }

    def now(self) -> datetime:
        """What a clock that runs shows at this moment."""
        return wall_clock() + self.moved

    def go_on(self, by: timedelta) -> None:
        """Show that much later from now on, and run."""
        self.moved += by
        self._write(f"{self.moved.total_seconds():+.0f}")

    def stand_at(self, moment: datetime) -> None:
        """Show exactly this, and stand still."""
        self.moved = moment - wall_clock()
        self._write(moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))

    def _write(self, words: str) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(words + "\n", encoding="ascii")
        fresh.replace(self.file)  # whole or not at all: a process reads it at every look at the clock


@dataclass
class Moved(World):
    """A world whose processes read that clock."""

    clock: Clock = field(default_factory=lambda: Clock(Path(os.devnull)))

    def commands(self) -> dict[str, tuple[list[str], dict[str, str]]]:
        """The same processes, with the library in each."""
        return {name: (words, env | self.clock.environment()) for name, (words, env) in super().commands().items()}


@contextmanager
def running(path: Path, names: tuple[str, ...], *, prepared_by: str = "") -> Iterator[tuple[Live, Clock]]:
    """These processes on SQLite, at the time that it is; `prepared_by` is added to the registry's file as a row."""
    made = world.prepare(path, f"sqlite:///{path / 'yinyom.db'}")
    if prepared_by:
        with Path(str(made.settings.sandbox_registry)).open("a", encoding="utf-8") as registry:
            registry.write(prepared_by)
    clock = Clock(path / "wall-clock")
    clock.go_on(timedelta(0))
    moved = Moved(**vars(made), clock=clock)
    live = Live(moved)
    try:
        with moved.children:
            for name in names:
                moved.start(name)
            yield live, clock
    finally:
        while live.opened:
            live.opened.pop().close()
        moved.sessions.engine.dispose()


def library() -> Path:
    """Debian's libfaketime for programs with threads."""
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        pytest.fail("A wall clock that a test sets needs libfaketime: apt-get install faketime.", pytrace=False)
    return found[0]
