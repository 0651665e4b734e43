"""A workshop is not punished for who else uses its address (RELIABILITY 3). Small here, 500 people in `make faults`."""

import pytest

from tests.idp.web.conftest import build
from tests.idp.web.siege import GUESSES, Siege

SMALL, WHOLE = 60, 500


@pytest.mark.parametrize(
    "size", [SMALL, pytest.param(WHOLE, marks=[pytest.mark.fault, pytest.mark.timeout(600)])], ids=["small", "whole"]
)
def test_a_workshop_signs_in_while_its_address_guesses_at_as_many_people(settings, sessions, clock, ring, size):
    """Less than one in a hundred is asked for another proof, nobody is turned away, no guess is looked at twice."""
    strict = settings.model_copy(update={"browser_numbers": 3})  # as outside the sandbox
    siege = Siege(build(strict, sessions, clock, ring), ring, size)

    found = siege.run()

    assert (found.people, found.blocked) == (size, [])
    assert found.challenged < found.people / 100
    assert found.arrived == found.people - found.challenged
    assert (found.numbers, found.broke_in) == (size, 0)
    assert found.turned > size * 0.4  # who keeps one browser gets three people an hour
    assert siege.counted() == found.guesses == (size - found.turned) * GUESSES
    assert found.messages <= found.people + found.numbers
