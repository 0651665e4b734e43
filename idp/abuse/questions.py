"""How often a register is asked: three times a day about one number, ten an hour for one network, a contract's quota.

What it said last answers the next questions of the day. A network may ask ten more for each newcomer who arrived from
it; beyond that no code comes, and the page, which is everybody's, names the other ways: one that changed would tell who
has an account. Counted in SQL by one statement before it is asked, in a transaction of its own (RELIABILITY 3, X16).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from idp.abuse import tallies
from idp.db import Sessions
from idp.ports import Registry, RegistryPerson, RegistryUnavailable

MOST_A_DAY = 3
MOST_OF_NETWORK = 10  # an hour
TIMES = 10  # more for each newcomer who arrived
ABOUT, ALL, FROM, ARRIVED = "register", "register-questions", "register-from", "register-arrived"


@dataclass(frozen=True)
class Question:
    """About whom, by the number's fingerprint, and from which network, keyed; none where that is not counted."""

    fingerprint: str
    network: str | None = None


def may_ask(session: Session, asked: Question, *, now: datetime) -> bool:
    """Count one question, if neither the number's three of the day nor the network's of the hour are used up."""
    about = f"{ABOUT}:{asked.fingerprint}"
    if tallies.add(session, about, each=tallies.DAY, now=now) > MOST_A_DAY:
        return False
    if asked.network is None:
        return True
    so_far = tallies.add(session, f"{FROM}:{asked.network}", each=tallies.HOUR, now=now)
    if so_far <= MOST_OF_NETWORK or so_far <= MOST_OF_NETWORK + TIMES * _arrived(session, asked.network, now=now):
        return True
    tallies.take_back(session, about, each=tallies.DAY, now=now)  # a stranger's network costs nobody their day
    return False


def give_back(session: Session, asked: Question, *, now: datetime) -> None:
    """The register did not answer: that question was none."""
    tallies.take_back(session, f"{ABOUT}:{asked.fingerprint}", each=tallies.DAY, now=now)
    if asked.network is not None:
        tallies.take_back(session, f"{FROM}:{asked.network}", each=tallies.HOUR, now=now)


def arrived(session: Session, network: str | None, *, now: datetime) -> None:
    """Somebody whom the register named opened their account from there."""
    if network is not None:
        tallies.add(session, f"{ARRIVED}:{network}", each=tallies.HOUR, now=now)


def _arrived(session: Session, network: str, *, now: datetime) -> int:
    """In this hour and the one before: an hour that just began knows nobody."""
    hour = tallies.begun(now, tallies.HOUR)
    return sum(tallies.counted(session, f"{ARRIVED}:{network}", first=hour - tallies.HOUR, last=hour).values())


class Metered:
    """`idp.ports.Registry` within the quota of its contract: exactly so many questions a day, over all processes."""

    def __init__(self, registry: Registry, sessions: Sessions, clock: Callable[[], datetime], *, quota: int) -> None:
        self._registry, self._sessions, self._clock, self._quota = registry, sessions, clock, quota

    def look_up(self, national_id: str) -> RegistryPerson | None:
        """As the register does, with no transaction open. Raises: RegistryUnavailable("quota") when it is used up."""
        now = self._clock()
        with self._sessions.writing() as session:
            asked = tallies.add(session, ALL, each=tallies.DAY, now=now)
        if asked > self._quota:
            raise RegistryUnavailable("quota")
        return self._registry.look_up(national_id)
