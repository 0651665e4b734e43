"""What we need of the outside world, as small Protocols; whoever wires the server passes the real thing or a fake.

Every call through a port happens outside a write transaction (DECISIONS 23) and may fail in exactly the way its
exception says. `temporary` tells a caller whether trying again can help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from idp.providers import LineLogin, NoLineLogin, NoSimSwap, NoThaid, SimSwap, Thaid

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
    """The gateway did not take the message, or we cannot know that it did: send again under the same key.

    `maybe_taken`: it may have; another gateway would make it two messages.
    """

    def __init__(self, code: str, *, temporary: bool = True, maybe_taken: bool = False) -> None:
        super().__init__(code, temporary=temporary)
        self.maybe_taken = maybe_taken


class MailFailed(PortFailed):
    """The mail server did not take the message, or we cannot know that it did."""


class LineFailed(PortFailed):
    """LINE did not take the message: blocked, no friend, over its quota, or no answer."""


class FetchFailed(PortFailed):
    """No answer over HTTP: refused address, timeout, broken or oversized answer."""


class CardStatusUnavailable(PortFailed):
    """The issuer of cards did not answer, or not in a way that we understand. No card is taken for good then (X16)."""


class UpstreamUnavailable(PortFailed):
    """An identity provider did not answer, or not in a way that can be read. Nobody is taken for anybody (X16)."""


class UpstreamRefused(PortFailed):
    """An identity provider said no, or what it said must not be believed; the code says which check failed."""

    def __init__(self, code: str) -> None:
        super().__init__(code, temporary=False)


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
    chip_number: str = ""
    request_number: str = ""  # of the request that the card was made on; with the chip's, it asks the issuer
    photo: str = ""  # JPEG in base64: for comparing the face, and forgotten with the card

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


class Mail(Protocol):
    """A mail server."""

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message over: the first line is the subject, the rest the body. Raises MailFailed."""
        ...


class LinePush(Protocol):
    """Push messages of our LINE Official Account."""

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message over to a LINE user id; the same `key` twice is one message. Raises LineFailed."""
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

    def read(self, said: str, *, session_hash: str = "", hcode: str = "") -> Card:
        """The card in the reader, from what its agent sent with the page's form. Raises CardUnreadable.

        `session_hash` and `hcode` are the staff session and facility that ask: what an agent signed is theirs alone.
        """
        ...


CardVerdict = Literal["good", "mismatch", "incomplete"]


class CardStatus(Protocol):
    """The issuer of ID cards, asked whether a card is the one it issued and still good.

    good: it is. mismatch: it is not, or not any more; the issuer does not say which field. incomplete: something that
    it needs was missing.
    """

    def by_laser(
        self, *, national_id: str, given_name: str, family_name: str, birth_date: str, laser: str
    ) -> CardVerdict:
        """By what is printed on both sides. Raises CardStatusUnavailable.

        `birth_date` is CE, maybe partial; a person of one name has no `family_name`; `laser` is two letters and ten
        digits.
        """
        ...

    def by_chip(self, *, national_id: str, chip_number: str, request_number: str) -> CardVerdict:
        """By what a reader took from the chip, and the number of the card's request. Raises CardStatusUnavailable."""
        ...


class NoCardStatus:
    """No issuer is connected: no card can be checked, so none is taken for good."""

    def by_laser(
        self,
        *,
        national_id: str,  # noqa: ARG002 -- the port's signature
        given_name: str,  # noqa: ARG002
        family_name: str,  # noqa: ARG002
        birth_date: str,  # noqa: ARG002
        laser: str,  # noqa: ARG002
    ) -> CardVerdict:
        """Nothing."""
        raise CardStatusUnavailable("no_issuer", temporary=False)

    def by_chip(self, *, national_id: str, chip_number: str, request_number: str) -> CardVerdict:  # noqa: ARG002
        """Nothing."""
        raise CardStatusUnavailable("no_issuer", temporary=False)


class NoReader:
    """No reader is connected: no visit can be opened by card."""

    def slots(self) -> Sequence[Slot]:
        """None."""
        return ()

    def read(self, said: str, *, session_hash: str = "", hcode: str = "") -> Card:  # noqa: ARG002 -- the port's signature
        """Nothing."""
        raise CardUnreadable("no_reader", temporary=False)


class NoMail:
    """No mail server is set up: letters by mail are given up at once."""

    def send(self, to: str, text: str, *, key: str) -> None:  # noqa: ARG002 -- the port's signature
        """Nothing."""
        raise MailFailed("no_channel", temporary=False)


class NoLinePush:
    """No LINE Official Account is set up: letters by LINE are given up at once."""

    def send(self, to: str, text: str, *, key: str) -> None:  # noqa: ARG002 -- the port's signature
        """Nothing."""
        raise LineFailed("no_channel", temporary=False)


@dataclass(frozen=True)
class Ports:
    """All of them, wired once (DECISIONS 25)."""

    registry: Registry
    sms: Sms
    fetcher: Fetcher
    id_policy: IdPolicy
    cards: CardReader = field(default_factory=NoReader)
    mail: Mail = field(default_factory=NoMail)
    line_push: LinePush = field(default_factory=NoLinePush)
    card_status: CardStatus = field(default_factory=NoCardStatus)
    thaid: Thaid = field(default_factory=NoThaid)
    line_login: LineLogin = field(default_factory=NoLineLogin)
    sim_swap: SimSwap = field(default_factory=NoSimSwap)
