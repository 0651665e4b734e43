"""SMART App Launch 2.2, scopes for requesting clinical data."""

import pytest

from idp.relying.scopes import covers, missing


@pytest.mark.parametrize(
    ("granted", "needed"),
    [
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.rs", "patient/Observation.r"),
        ("patient/Observation.rs", "patient/Observation.s"),
        ("patient/Observation.cruds", "patient/Observation.us"),
        ("patient/Observation.rs", "patient/Observation.rs?category=laboratory"),
        ("patient/Observation.rs?a=1", "patient/Observation.r?b=2&a=1"),
        ("moph.entitlement.read", "moph.entitlement.read"),
    ],
)
def test_covered(granted: str, needed: str) -> None:
    assert covers(granted, needed)


@pytest.mark.parametrize(
    ("granted", "needed"),
    [
        ("patient/Observation.r", "patient/Observation.rs"),
        ("patient/Observation.rs", "user/Observation.r"),
        ("patient/Observation.rs", "patient/Condition.r"),
        ("patient/Observation.rs?category=laboratory", "patient/Observation.rs"),
        ("patient/Observation.rs?category=laboratory", "patient/Observation.r?category=vital-signs"),
        ("patient/*.rs", "patient/Observation.r"),
        ("patient/Observation.sr", "patient/Observation.s"),
        ("patient/Observation.rs", "patient/Observation."),
        ("patient/Observation.rs\n", "patient/Observation.r"),
        ("moph.entitlement", "moph.entitlement.read"),
        ("", "openid"),
    ],
)
def test_not_covered(granted: str, needed: str) -> None:
    assert not covers(granted, needed)


def test_what_is_missing_is_listed_in_order() -> None:
    """The challenge names what to ask for."""
    assert missing(["a", "patient/Condition.rs"], ["c", "a", "patient/Condition.r", "b"]) == ("c", "b")
