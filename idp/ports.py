"""What we need of the outside world, as small Protocols; whoever wires the server passes the real thing or a fake.

Every call through a port happens outside a write transaction (DECISIONS 23) and may fail in exactly the way its
exception says. `temporary` tells a caller whether trying again can help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

REGISTRY_IAL = "1.1"


class PortFailed(Exception):  # noqa: N818 -- a state of the world, not a fault of ours
    """An outside call did not do its work. `code` is stable and holds no personal data."""

    def __init__(self, code: str, *, temporary: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.temporary = temporary


class RegistryUnavailable(PortFailed):
    """The registry did not answer. Nobody is assumed to exist, nor not to exist (X16)."""


class SmsFailed(PortFailed):
    """The gateway did not take the message, or we cannot know that it did: send again under the same key."""


class FetchFailed(PortFailed):
    """No answer over HTTP: refused address, timeout, broken or oversized answer."""


class CardUnreadable(PortFailed):
    """The reader gave no card: none is in it, it is no ID card, or there is no reader here."""


@dataclass(frozen=True)
class RegistryPerson:
    """What the authority holds about one person. `birth_date` is CE and may be partial: YYYY[-MM[-DD]].

    `attested_ial` is "1.1" from a real registry: knowing a number checks no card (DECISIONS 4).
    """

    title_th: str
    given_name_th: str
    family_name_th: str
    title_en: str
    given_name_en: str
    family_name_en: str
    birth_date: str
    gender: str
    phone: str
    email: str = ""
    address: str = ""
    status: Literal["alive", "deceased"] = "alive"
    attested_ial: str = REGISTRY_IAL


@dataclass(frozen=True)
class Card:
    """What the chip of an ID card holds. `birth_date` is CE and may be partial; a card for life never expires."""

    national_id: str
    title_th: str
    given_name_th: str
    family_name_th: str
    title_en: str
    given_name_en: str
    family_name_en: str
    birth_date: str
    gender: str
    expires_on: date | None

    def name(self, locale: str) -> str:
        """The holder's name in the language of a page."""
        parts = (self.given_name_en, self.family_name_en) if locale == "en" else ("", "")
        return " ".join(filter(None, parts)) or f"{self.given_name_th} {self.family_name_th}".strip()


@dataclass(frozen=True)
class Slot:
    """A card that the sandbox can put into its reader: `key` says which, and is no number of anybody."""

    key: str
    label_th: str
    label_en: str


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, cut at the fetcher's size limit."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Registry(Protocol):
    """The authority that knows people by their national ID."""

    def look_up(self, national_id: str) -> RegistryPerson | None:
        """The person, or None when the authority has no such number. Raises RegistryUnavailable."""
        ...


class Sms(Protocol):
    """A gateway to mobile phones."""

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message over; the same `key` twice is one message. Raises SmsFailed."""
        ...


class Fetcher(Protocol):
    """The one way to speak HTTP to an address that somebody else gave us."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Fetch a document. Raises FetchFailed."""
        ...

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """Post a document. Raises FetchFailed."""
        ...


class IdPolicy(Protocol):
    """Which national IDs this installation serves: only made-up ones, or only real ones."""

    def allows(self, national_id: str) -> bool:
        """Whether a well-formed number is welcome here."""
        ...


class CardReader(Protocol):
    """The reader on a counter, as what its agent sent can be trusted."""

    def slots(self) -> Sequence[Slot]:
        """Cards to choose from: the sandbox's; a real reader holds the one that was put in, and lists none."""
        ...

    def read(self, said: str) -> Card:
        """The card in the reader, from what its agent sent with the page's form. Raises CardUnreadable."""
        ...


class NoReader:
    """No reader is connected: no visit can be opened by card."""

    def slots(self) -> Sequence[Slot]:
        """None."""
        return ()

    def read(self, said: str) -> Card:  # noqa: ARG002 -- the port's signature
        """Nothing."""
        raise CardUnreadable("no_reader", temporary=False)


@dataclass(frozen=True)
class Ports:
    """All of them, wired once (DECISIONS 25)."""

    registry: Registry
    sms: Sms
    fetcher: Fetcher
    id_policy: IdPolicy
    cards: CardReader = field(default_factory=NoReader)
