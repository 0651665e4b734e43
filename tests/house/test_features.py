"""Every feature of the protocol is one file, one row, one test file, one line of SPECS.md and a key of discovery."""

import pytest

from idp.oauth import provider
from tests.house.source import ROOT

FILES = sorted(path for path in (ROOT / "idp/oauth/features").glob("*.py") if path.name != "__init__.py")
SPECS = (ROOT / "idp/SPECS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_feature_has_a_test_file_of_its_name(path):
    """CONVENTIONS: the specification's short name is the file's name and the test's name."""
    assert (ROOT / "tests/idp/oauth/features" / f"test_{path.stem}.py").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_feature_file_stands_in_the_table(path):
    """provider.FEATURES is what discovery and the reader see."""
    module = __import__(f"idp.oauth.features.{path.stem}", fromlist=["FEATURE"])

    assert module.FEATURE in provider.FEATURES


@pytest.mark.parametrize("feature", provider.FEATURES, ids=lambda feature: feature.name)
def test_a_feature_stands_in_specs(feature):
    """CONVENTIONS: coverage and divergences by section."""
    assert feature.spec.partition(",")[0] in SPECS


@pytest.mark.parametrize("feature", provider.FEATURES, ids=lambda feature: feature.name)
def test_a_feature_shows_in_discovery(feature, settings):
    """RFC 8414 section 2: discovery cannot lie, because it is derived."""
    told = provider.discovery(settings)

    assert set(feature.metadata) <= set(told)
