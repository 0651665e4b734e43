"""What we need of identity providers above us, as small Protocols (`idp.ports` holds the rest).

An address is made without asking anybody; an answer is redeemed outside a write transaction. Redeeming raises
`ports.UpstreamUnavailable` when the provider does not answer, and `ports.UpstreamRefused` when what it said must not be
believed: in neither case is anybody taken for anybody.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class ThaidPerson:
    """Whom ThaID proved. `birth_date` is CE and may be partial; unknown text is empty; `ial` is theirs, e.g. "2.3".

    `expires_on` is the ID card's own date, None where it was not told; `check_id` names the answer, and nobody.
    """

    national_id: str
    ial: str
    title_th: str = ""
    given_name_th: str = ""
    family_name_th: str = ""
    title_en: str = ""
    given_name_en: str = ""
    family_name_en: str = ""
    birth_date: str = ""
    gender: str = "unknown"
    address: str = ""
    expires_on: date | None = None
    check_id: str = ""


class Thaid(Protocol):
    """ThaID of the Department of Provincial Administration."""

    @property
    def offered(self) -> bool:
        """Whether this installation is registered there."""
        ...

    def sign_in_url(self, *, state: str, nonce: str, redirect_uri: str) -> str:
        """Where to send the browser."""
        ...

    def redeem(self, code: str, *, nonce: str, redirect_uri: str, now: datetime) -> ThaidPerson:
        """Whom the code stands for. Raises UpstreamUnavailable, UpstreamRefused."""
        ...


class LineLogin(Protocol):
    """LINE Login of our LINE channel."""

    @property
    def offered(self) -> bool:
        """Whether this installation has a channel."""
        ...

    def sign_in_url(
        self, *, state: str, nonce: str, challenge: str, redirect_uri: str, locale: str, befriend: bool
    ) -> str:
        """Where to send the browser; `befriend` also offers to add our Official Account, which may then write."""
        ...

    def redeem(self, code: str, *, nonce: str, verifier: str, redirect_uri: str, now: datetime) -> str:
        """The LINE user id that the code stands for. Raises UpstreamUnavailable, UpstreamRefused."""
        ...


class SimSwap(Protocol):
    """The operators of mobile phones, asked whether a number has moved to another SIM card."""

    def changed(self, phone: str, *, within: timedelta) -> bool:
        """Whether the SIM card behind this number (E.164) was changed in the last while.

        Raises UpstreamUnavailable: then nobody knows, and no code goes to a device that its person never used.
        """
        ...


class NoSimSwap:
    """No operator is asked: a number counts as its person's."""

    def changed(self, phone: str, *, within: timedelta) -> bool:  # noqa: ARG002 -- the port's signature
        """Nothing is known of it."""
        return False


class NoThaid:
    """Not registered: nobody is offered the way, and no answer is believed."""

    offered = False

    def sign_in_url(self, *, state: str, nonce: str, redirect_uri: str) -> str:
        """There is none."""
        raise NotImplementedError("ThaID is not set up")

    def redeem(self, code: str, *, nonce: str, redirect_uri: str, now: datetime) -> ThaidPerson:
        """Nobody."""
        raise NotImplementedError("ThaID is not set up")


class NoLineLogin:
    """No channel: nobody is offered the way, and no answer is believed."""

    offered = False

    def sign_in_url(
        self, *, state: str, nonce: str, challenge: str, redirect_uri: str, locale: str, befriend: bool
    ) -> str:
        """There is none."""
        raise NotImplementedError("LINE Login is not set up")

    def redeem(self, code: str, *, nonce: str, verifier: str, redirect_uri: str, now: datetime) -> str:
        """Nobody."""
        raise NotImplementedError("LINE Login is not set up")
