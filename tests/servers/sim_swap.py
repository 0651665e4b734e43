"""Operators' SIM Swap after CAMARA's description: POST …/check with `phoneNumber` and `maxAge`, answered by `swapped`.

400 INVALID_ARGUMENT for a phone that is no E.164 or hours out of 1 to 2,400, 401, 404 for a number that nobody here
serves, 422 where the service does not fit the number, each with CAMARA's `status`, `code` and `message`.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers.ground import Answer, Call, Ground, standing

E164 = re.compile(r"\+[1-9]\d{4,14}")
FAULTS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "IDENTIFIER_NOT_FOUND", 422: "SERVICE_NOT_APPLICABLE"}


@dataclass(kw_only=True)
class SimSwap(Ground):
    """`swapped`: hours since the change, by number; `faults`: the status for a number; `answers` replaces any body."""

    token: str = "sim-token"
    swapped: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    answers: Any = None

    def answer(self, call: Call) -> Answer:
        """One question."""
        if call.headers.get("Authorization", "") != f"Bearer {self.token}":
            return fault(401)
        asked = json.loads(call.body)
        phone, hours = asked.get("phoneNumber", ""), asked.get("maxAge", 240)
        if E164.fullmatch(phone) is None or not 1 <= hours <= 2400:
            return fault(400)
        if phone in self.faults:
            return fault(self.faults[phone])
        said = {"swapped": self.swapped.get(phone, 10_000) <= hours} if self.answers is None else self.answers
        return Answer(200, json.dumps(said).encode())


def fault(status: int) -> Answer:
    """CAMARA's ErrorInfo."""
    return Answer(status, json.dumps({"status": status, "code": FAULTS[status], "message": "-"}).encode())


@contextmanager
def open_sim_swap(**told: Any) -> Iterator[SimSwap]:
    """The operators for the length of the block."""
    with standing(SimSwap(**told)) as server:
        yield server
