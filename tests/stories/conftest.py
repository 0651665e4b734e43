"""One running system for all stories of a process; each story brings a person of its own."""

from collections.abc import Iterator

import pytest

from tests.stories import world
from tests.stories.live import Live


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs the running system is a story."""
    for item in items:
        if "live" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.story)


@pytest.fixture(scope="session")
def _live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with world.running(tmp_path_factory.mktemp("world")) as running:
        yield Live(running)


@pytest.fixture
def live(_live: Live) -> Iterator[Live]:
    """The running system. A process that died is a failure of the story that finds it dead."""
    _live.world.children.check()
    yield _live
    while _live.opened:
        _live.opened.pop().close()
