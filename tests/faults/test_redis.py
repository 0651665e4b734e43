"""The shared counters of volume go away and come back, and nobody is let through or locked out by it."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from idp.abuse.counters import Count, Windows, redis
from idp.demo.folder import HOST, free_port
from tests.fakes import HOUR, NOW, SECOND
from tests.stories.waiting import eventually

pytestmark = pytest.mark.fault


class Server:
    """A Redis of this test alone."""

    def __init__(self, folder) -> None:
        self.port, self.folder, self.process = free_port(), folder, None

    def start(self) -> None:
        """Start it and wait until it counts."""
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed"
        told = ["--bind", HOST, "--port", str(self.port), "--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([program, *told], stdout=subprocess.DEVNULL)  # noqa: S603 -- a literal program
        eventually(self.counts, "Redis did not start")

    def stop(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def counts(self) -> bool:
        """Whether it answers."""
        return self.windows().add("started", window=HOUR, now=NOW).share == 1

    def windows(self) -> Windows:
        """The counters of one more process of four."""
        return Windows(redis(f"redis://{HOST}:{self.port}/0"), share=4)


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A running Redis."""
    found = Server(tmp_path)
    found.start()
    yield found
    found.stop()


def test_processes_count_together_and_each_its_share_while_redis_is_away(server):
    """RELIABILITY 3: local at limit/N, not open, not closed; and together again when it is back."""
    one, other = server.windows(), server.windows()
    one.add("n", window=HOUR, now=NOW)
    assert other.add("n", window=HOUR, now=NOW) == Count(2, share=1)
    assert not other.first("n", window=HOUR, now=NOW)

    server.stop()

    assert one.add("n", window=HOUR, now=NOW) == Count(1, share=4)
    assert other.seen("n", window=HOUR, now=NOW) == Count(0, share=4)
    server.start()
    assert one.add("n", window=HOUR, now=NOW + 2 * SECOND) == Count(1, share=1)


def test_what_is_counted_is_forgotten_after_two_windows(server):
    """No key outlives what a rule looks back at."""
    server.windows().add("n", window=HOUR, now=NOW)

    from redis import Redis  # noqa: PLC0415 -- only here

    with Redis(port=server.port, host=HOST) as client:
        keys = client.keys("*n:*")
        assert keys
        assert all(0 < client.ttl(key) <= 7200 for key in keys)
