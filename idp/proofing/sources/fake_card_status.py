"""The sandbox's issuer of cards: every made-up person has a card, and the last digit of its laser code chooses.

A laser code is ZZ0 and nine digits (THAI.md 6.9): ending in 4 or 7 the data do not match, 5 something is missing, 8 the
issuer fails at once, 9 it makes one wait first; any other digit, and what is typed is compared with the person.
"""

import re
from threading import Event

from idp.ports import CardStatusUnavailable, CardVerdict, Registry
from idp.proofing.sources.card_status import LASER, TIMEOUT_S, be_birth_day

MADE_UP = re.compile(r"ZZ0\d{9}")
TOLD: dict[str, CardVerdict] = {"4": "mismatch", "7": "mismatch", "5": "incomplete"}
FAILS, WAITS = "8", "9"


class SandboxCardStatus:
    """`idp.ports.CardStatus` over the sandbox's people."""

    def __init__(self, registry: Registry, *, wait_s: float = TIMEOUT_S) -> None:
        self._registry, self._wait_s = registry, wait_s

    def by_laser(
        self, *, national_id: str, given_name: str, family_name: str, birth_date: str, laser: str
    ) -> CardVerdict:
        """By what is printed on a made-up card. Raises: CardStatusUnavailable for two last digits."""
        typed, born = (" ".join(given_name.split()), " ".join(family_name.split())), be_birth_day(birth_date)
        if not typed[0] or born is None or LASER.fullmatch(laser) is None:
            return "incomplete"
        if laser[-1] == WAITS:
            Event().wait(self._wait_s)
        if laser[-1] in (FAILS, WAITS):
            raise CardStatusUnavailable("timeout" if laser[-1] == WAITS else "bad_answer_Fault")
        if laser[-1] in TOLD:
            return TOLD[laser[-1]]
        person = self._registry.look_up(national_id)
        if person is None or person.status != "alive" or MADE_UP.fullmatch(laser) is None:
            return "mismatch"
        held = (person.given_name_th, person.family_name_th), be_birth_day(person.birth_date)
        return "good" if (typed, born) == held else "mismatch"

    def by_chip(self, *, national_id: str, chip_number: str, request_number: str) -> CardVerdict:
        """A card that a sandbox reader read is good as long as its person lives."""
        if not (chip_number.isalnum() and request_number.isalnum()):
            return "incomplete"
        person = self._registry.look_up(national_id)
        right = (chip_of(national_id), request_of(national_id))
        alive = person is not None and person.status == "alive"
        return "good" if alive and (chip_number.lower(), request_number) == right else "mismatch"


def chip_of(national_id: str) -> str:
    """PURE: the number of a made-up card's chip."""
    return f"99900000{national_id[5:12]}0"


def request_of(national_id: str) -> str:
    """PURE: the number of a made-up card's request, printed under its photo."""
    return f"9990{national_id[5:12]}0"
