"""Places in the status lists: one bit for each grant, in lists of the day on which it began (Token Status List 13.1).

A day has lists as it needs them, of a million places each. A place is drawn at random, so that its number says nothing
about order or how many there are (section 12.5.2), and the database gives it to one grant only (section 13.2).
"""

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

SIZE = 1 << 20
LISTS_A_DAY = 64
TRIES_A_LIST = 3  # a list that is half full is met three times in eight grants; then the next one of the day is begun
DAY = timedelta(days=1)
FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
PATH = "/oauth/status"

Place = tuple[int, int]  # the list's number, the index in it


def draws(now: datetime) -> Iterator[Place]:
    """Places to try for a grant that begins now, in this order; they end when the day is full."""
    first = (now - FIRST_DAY) // DAY * LISTS_A_DAY
    return ((first + n, secrets.randbelow(SIZE)) for n in range(LISTS_A_DAY) for _ in range(TRIES_A_LIST))


def columns(place: Place) -> dict[str, int]:
    """A place as a grant keeps it."""
    return dict(zip(("status_list", "status_idx"), place, strict=True))


def may_exist(number: int, now: datetime) -> bool:
    """Whether a list of this number can have been begun by now."""
    return 0 <= number < ((now - FIRST_DAY) // DAY + 1) * LISTS_A_DAY


def uri(issuer: str, number: int) -> str:
    """Where a list is published, and its name in every token that points to it."""
    return f"{issuer}{PATH}/{number}"


def claim(issuer: str, place: Place | None) -> dict[str, Any]:
    """The `status` claim of a token whose grant has this place (section 6.2); nothing without one."""
    if place is None:
        return {}
    number, index = place
    return {"status": {"status_list": {"idx": index, "uri": uri(issuer, number)}}}


def moved(claims: Mapping[str, Any], issuer: str, place: Place | None) -> bool:
    """Whether a token points to a place that its grant has left: the grant was replaced since."""
    named = claims.get("status")
    return named is not None and named != claim(issuer, place).get("status")
