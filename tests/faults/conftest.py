"""One system per engine for all faults that may share it; figures are printed at the end of the run."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import cluster, scene
from tests.faults.cluster import Cluster
from tests.faults.scene import Scene

ENGINES = ("sqlite", "postgresql")
REPEATS = int(os.environ.get("YINYOM_FAULTS", "50"))  # kills per engine; only for a quicker look or a longer one
HERE = Path(__file__).parent
_FIGURES: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here that starts processes is a fault test, and none waits for ever."""
    for item in items:
        if item.path.parent == HERE and NEEDS_PROCESSES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.fault)
            item.add_marker(pytest.mark.timeout(1200))


NEEDS_PROCESSES = {"system", "postgresql", "figure"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured."""
    if _FIGURES:
        terminalreporter.section("faults")
        for line in _FIGURES:
            terminalreporter.write_line(line)


@pytest.fixture
def figure() -> Callable[[str], None]:
    """Tell a figure; it is printed at the end."""
    return _FIGURES.append


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A cluster of ours that may be stopped."""
    with cluster.running() as made:
        yield made


@pytest.fixture(scope="session")
def _scenes() -> Iterator[dict[str, Scene]]:
    """What runs already, by engine."""
    made: dict[str, Scene] = {}
    yield made
    for one in made.values():
        scene.close(one)


@pytest.fixture(params=ENGINES)
def system(
    request: pytest.FixtureRequest, _scenes: dict[str, Scene], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """The running system on one engine, up and ready."""
    engine: str = request.param
    if engine not in _scenes:
        path = tmp_path_factory.mktemp(f"faults-{engine}")
        url = f"sqlite:///{path / 'yinyom.db'}"
        if engine == "postgresql":
            url = request.getfixturevalue("postgresql").url
        _scenes[engine] = scene.prepared(path, url)
    found = _scenes[engine]
    found.bring_up()
    yield found
    found.hang_up()
