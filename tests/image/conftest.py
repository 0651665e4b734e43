"""The image, built once from the Dockerfile's own steps."""

import pytest

from tests.image.engine import Engine


@pytest.fixture(scope="session")
def image():
    """Built; whatever runs of it is ended with the last test."""
    engine = Engine()
    try:
        engine.build()
        yield engine
    finally:
        engine.close()


def pytest_collection_modifyitems(items):
    """`make image`: building takes a minute and needs programs of its own."""
    for item in items:
        if "/tests/image/" in str(item.path):
            item.add_marker(pytest.mark.image)
            item.add_marker(pytest.mark.timeout(900))
