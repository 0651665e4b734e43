"""PURE: one thing that speaks for, or against, a person being who they say: by which method, who said so, until when.

Evidence never changes. What speaks against somebody is evidence as well, with a finding other than `good`; a later act
answers it (`adjudicate`). Nothing here names anybody: no number, no name, no picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from idp.assurance import Ial

YEAR = timedelta(days=365)
GOOD = "good"


@dataclass(frozen=True)
class Method:
    """How evidence comes to be. `longest`: it never counts for longer; `unknown`: how long when nobody said an end.

    `staff`: an officer made it and is named in it. `states`: the source says a level, and no more than that is given.
    `against`: findings other than good that the method can have.
    """

    longest: timedelta | None
    unknown: timedelta | None
    staff: bool = False
    states: bool = False
    against: frozenset[str] = frozenset()


# Lives: THAI.md 3b. A card's own end comes with its chip; the issuer's answer about card data does not carry one.
# fmt: off
METHODS: Mapping[str, Method] = {
    "phone":       Method(None,     None),
    "register":    Method(None,     None, states=True),
    "card_data":   Method(8 * YEAR, YEAR),
    "card_chip":   Method(5 * YEAR, 5 * YEAR),
    "card_status": Method(5 * YEAR, 5 * YEAR, against=frozenset({"not_good"})),
    "face":        Method(5 * YEAR, 5 * YEAR, staff=True, against=frozenset({"mismatch"})),
    "thaid":       Method(YEAR,     YEAR, states=True, against=frozenset({"revoked"})),
    "document":    Method(5 * YEAR, YEAR, staff=True),
    "vouch":       Method(5 * YEAR, YEAR, staff=True, against=frozenset({"withdrawn"})),
    "recovery":    Method(None,     None, states=True, against=frozenset({"weak"})),  # never good: it proves nothing
}
# fmt: on


@dataclass(frozen=True)
class Evidence:
    """One item. `source` says who answered (a code such as "dopa" or "hcode:99001"), `check_id` which answer it was.

    `act` groups what was seen of one person at one moment: a face is compared with the card of the same act, not with
    last year's. Raises: ValueError for a method, finding or officer that does not fit `METHODS`.
    """

    method: str
    source: str
    at: datetime
    expires_at: datetime | None = None
    finding: str = GOOD
    stated: Ial | None = None
    check_id: str = ""
    checked_by: UUID | None = None
    act: UUID | None = None

    def __post_init__(self) -> None:
        """Evidence that cannot be is not made."""
        method = METHODS.get(self.method)
        if method is None:
            raise ValueError(f"no such method of proof: {self.method}")
        if self.finding not in method.against and (self.finding != GOOD or self.method == "recovery"):
            raise ValueError(f"{self.method} finds nothing like {self.finding}")
        if method.staff and self.checked_by is None:
            raise ValueError(f"{self.method} needs the officer who saw it")
        if method.states != (self.stated is not None) and self.finding in (GOOD, "weak"):
            raise ValueError(f"{self.method} {'needs a' if method.states else 'states no'} level")
        if self.at.tzinfo is None or (self.expires_at is not None and self.expires_at.tzinfo is None):
            raise ValueError("a naive datetime is not an instant")

    @property
    def is_good(self) -> bool:
        """Whether it speaks for the person."""
        return self.finding == GOOD

    @property
    def until(self) -> datetime | None:
        """When it stops counting; None: never by itself."""
        method = METHODS[self.method]
        if self.expires_at is None:
            return None if method.unknown is None else self.at + method.unknown
        return self.expires_at if method.longest is None else min(self.expires_at, self.at + method.longest)

    def counts_at(self, now: datetime) -> bool:
        """Whether it speaks for the person now, all else aside."""
        return self.is_good and (self.until is None or now < self.until)
