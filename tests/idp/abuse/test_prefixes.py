"""A range of phones that lets its codes go untyped is not written to."""

import pytest

from idp.abuse import prefixes
from idp.abuse.prefixes import may_go_on


@pytest.mark.parametrize(
    ("sent", "typed", "goes"),
    [
        (0, 0, True),
        (29, 0, True),
        (30, 0, False),  # judged from thirty on: three in ten must have been typed
        (30, 8, False),
        (30, 9, True),
        (70, 21, True),
        (72, 22, False),  # fifty went unanswered
        (1000, 960, True),  # a national peak is no fraud
    ],
)
def test_when_a_range_gets_one_more(sent, typed, goes):
    """RELIABILITY 3: fifty an hour, thirty in a hundred verified."""
    assert may_go_on(sent, typed) is goes


def test_a_range_is_a_number_less_four_digits_and_is_kept_under_a_key(ring):
    """A copied table names no range."""
    assert prefixes.route_of(ring, "+66100000035") == prefixes.route_of(ring, "+66100009999")
    assert prefixes.route_of(ring, "+66100000035") != prefixes.route_of(ring, "+66100010035")
    assert "66100000"[:6] not in prefixes.route_of(ring, "+66100000035")[:6]
