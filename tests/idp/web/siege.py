"""One address, half an hour of simulated time: a workshop signs in while somebody there guesses at people's codes.

The attackers' numbers are half of the workshop's own people and half of others. Half of them are tried from one
browser, the other half each from a new one; each gets five guesses. Everybody comes from the same address.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from idp import worker
from idp.abuse import alarms, tallies
from idp.contact import fake
from idp.db import Sessions
from idp.demo import crowd
from idp.keys import KeyRing
from idp.settings import Settings
from tests.fakes import Clock
from tests.idp.web.conftest import Site, build
from tests.idp.web.visitor import Visitor

MINUTES = 30
HALF = timedelta(seconds=30)
ADDRESS = "198.51.100.7"
GUESSES = 5


@dataclass
class Outcome:
    """What became of everybody."""

    people: int = 0
    challenged: int = 0
    arrived: int = 0
    blocked: list[str] = field(default_factory=list)
    numbers: int = 0
    turned: int = 0  # attackers who were asked for another proof instead
    guesses: int = 0
    broke_in: int = 0
    messages: int = 0


@dataclass
class Siege:
    """The site, with `size` people in the workshop and as many numbers to guess at."""

    site: Site
    ring: KeyRing
    size: int
    outcome: Outcome = field(default_factory=Outcome)
    codes: dict[str, str] = field(default_factory=dict)

    def run(self) -> Outcome:
        """All of it."""
        site, size = self.site, self.size
        crowd.seed(site.work.sessions, self.ring, size + size // 2, now=site.clock.now, say=lambda _: None)
        workshop = [crowd.number_of(n) for n in range(size)]
        targets = [crowd.number_of(n) for n in range(size // 2, size + size // 2)]
        thief = self.device()
        for minute in range(MINUTES):
            turn = slice(minute * size // MINUTES, (minute + 1) * size // MINUTES)
            attacks = [
                (thief if n % 2 else self.device(), number) for n, number in enumerate(targets[turn], turn.start)
            ]
            tried = [(device, self.post(device, number)) for device, number in attacks]
            came = [(number, device, self.post(device, number)) for number, device in self.devices(workshop[turn])]
            site.clock.tick(HALF)
            self.deliver()
            for device, page in tried:
                self.attack(device, page)
            for number, device, page in came:
                self.sign_in(number, device, page)
            site.clock.tick(HALF)
        self.deliver()
        return self.outcome

    def devices(self, numbers: list[str]) -> list[tuple[str, Visitor]]:
        """Everybody brought a phone of their own."""
        return [(number, self.device()) for number in numbers]

    def device(self) -> Visitor:
        """A browser that has never been here, behind the address that all share."""
        visitor = self.site.visitor()
        visitor.client.environ_base = {**visitor.client.environ_base, "REMOTE_ADDR": ADDRESS}
        return visitor

    def post(self, device: Visitor, number: str) -> str:
        """Type a number; the code's page, or where else one was sent."""
        device.get(self.site.authorize_url(scope="openid"))
        device.send("login", national_id=number)
        return device.at.url

    def deliver(self) -> None:
        """Let the worker do all that is due, and read every phone by the reference of its message."""
        while worker.run_once(self.site.work):
            pass
        with self.site.work.sessions.reading() as session:
            texts = [each.text.split() for each in fake.inbox(session, limit=10_000)]
        texts = [words for words in texts if words[0].isdigit()]  # the others tell of a new device
        self.outcome.messages = len(texts)
        self.codes = {word: words[0] for words in reversed(texts) for word in words}  # the newest of like references

    def attack(self, device: Visitor, page: str) -> None:
        """Five guesses, if there is anything to guess at."""
        self.outcome.numbers += 1
        if device.get(page).name != "code":
            self.outcome.turned += 1
            return
        for n in range(GUESSES):
            if "code-form" not in device.at.forms:
                return
            device.send("code-form", code=f"{n:06}")
            self.outcome.guesses += 1
            self.outcome.broke_in += device.at.name != "code"

    def sign_in(self, number: str, device: Visitor, page: str) -> None:
        """Type the code of the message with the page's reference."""
        self.outcome.people += 1
        if device.get(page).name == "another_proof":
            self.outcome.challenged += 1
            return
        code = self.codes.get(device.at.texts["ref"])
        if code is not None:
            device.send("code-form", code=code)
        if code is None or device.at.name == "code":
            self.outcome.blocked.append(number)
        else:
            self.outcome.arrived += 1

    def counted(self) -> int:
        """Wrong guesses as all processes counted them in the last two hours."""
        now = self.site.clock.now
        hour = tallies.begun(now, tallies.HOUR)
        with self.site.work.sessions.reading() as session:
            found = tallies.counted(session, f"{alarms.WRONG}:hour", first=hour - tallies.HOUR, last=hour)
        return sum(found.values())


def endured(settings: Settings, sessions: Sessions, clock: Clock, ring: KeyRing, *, people: int) -> Outcome:
    """Run it with as strict limits as outside the sandbox, and assert what must hold whatever the size."""
    strict = settings.model_copy(update={"browser_numbers": 3})
    siege = Siege(build(strict, sessions, clock, ring), ring, people)

    found = siege.run()

    assert (found.people, found.blocked) == (people, [])
    assert found.challenged < found.people / 100
    assert found.arrived == found.people - found.challenged
    assert (found.numbers, found.broke_in) == (people, 0)
    assert found.turned >= people * 0.4  # who keeps one browser gets three people an hour
    assert siege.counted() == found.guesses == (people - found.turned) * GUESSES
    assert found.messages <= found.people + found.numbers
    return found
