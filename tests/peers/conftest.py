"""One server behind TLS for all foreign clients; each test brings a citizen and a registration of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.peers import screen, world
from tests.peers.world import HOLDER, HOSPITAL, Peers, Registered
from tests.stories.world import database


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in this folder is for `make peers`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.peer)


@pytest.fixture(scope="session")
def _peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    with database(tmp_path_factory.mktemp("peers")) as url, world.running(url) as running:
        yield running


@pytest.fixture(scope="session")
def chromium(_peers: Peers) -> Iterator[Browser]:
    """One browser for all; each test opens a window of its own."""
    with screen.chromium(_peers) as browser:
        yield browser


@pytest.fixture(scope="session")
def holder(_peers: Peers) -> Registered:
    """A holder of records, by `idp resource add`: tokens are for it, and it introspects."""
    prefixes = ("--accepts", "patient/", "--accepts", "system/")
    printed = _peers.idp("resource", "add", "--identifier", HOLDER, "--entity", HOSPITAL, *prefixes)
    return Registered(printed["client_id"], printed["client_secret"])


@pytest.fixture
def peers(_peers: Peers) -> Iterator[Peers]:
    """The running server. A process that died is a failure of the test that finds it dead."""
    _peers.children.check()
    yield _peers
    while _peers.opened:
        _peers.opened.pop().close()
