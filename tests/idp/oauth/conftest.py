"""The stage as a fixture."""

import pytest

from tests.idp.oauth.stage import Stage, set_up


@pytest.fixture
def stage(session, ring, settings) -> Stage:
    """One hospital with its clients, one data holder, one citizen who is signed in at AAL2.1."""
    return set_up(session, ring, settings)
