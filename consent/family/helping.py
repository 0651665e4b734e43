"""PURE: what a chosen helper may do for an adult, in which purposes, and for how long (catalogue row PROXY).

An adult decides alone, and may let somebody of their choice do some of it. What is in no kind here is nobody's to
entrust on these pages: who they are, research, an employer, and choosing helpers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from consent.family.links import Link
from consent.family.rules import Way, What

PURPOSE = "PROXY"
SEE, ANSWER, WITHDRAW = "see", "answer", "withdraw"
POWERS = (SEE, ANSWER, WITHDRAW)
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "record": ("PHR-SELF", "EHR-SHARE", "IMM-VIEW", "LAB-VIEW", "RX-VIEW", "SELFMEAS"),
        "care": ("APPT", "TELEMED", "TELEREC", "TELEPHARM", "DELIVERY"),
        "papers": ("CERT-VIEW", "CERT-LEAVE", "CERT-VERIFY", "WALLET", "HPASS", "COVERAGE", "INSURE"),
        "sensitive": ("PHR-SENS", "EHR-SENS"),
    }
)
DAYS = (30, 90, 180, 365)


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to entrust: words of POWERS, words of KINDS, and for how many days."""

    may: tuple[str, ...]
    kinds: tuple[str, ...]
    days: int

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes of these kinds, in the order of the list."""
        return tuple(code for kind, codes in KINDS.items() if kind in self.kinds for code in codes)

    @property
    def lasts(self) -> timedelta:
        """How long, from the moment both have agreed."""
        return timedelta(days=self.days)


def read(may: Iterable[str], kinds: Iterable[str], days: str) -> tuple[Wanted | None, dict[str, str]]:
    """What a form says, or what is missing by field. Who answers for somebody also sees what they answer about."""
    powers, chosen = set(may) & set(POWERS), set(kinds) & set(KINDS)
    powers |= {SEE} if ANSWER in powers else set()
    errors = {} if powers else {"may": "required"}
    errors |= {} if chosen else {"kinds": "required"}
    errors |= {} if days in map(str, DAYS) else {"days": "required"}
    if errors:
        return None, errors
    in_order = tuple(one for one in POWERS if one in powers)
    return Wanted(in_order, tuple(one for one in KINDS if one in chosen), int(days)), {}


def opens(link: Link, code: str) -> bool:
    """Whether the helper may see what this purpose opens, and use it in the person's name."""
    return SEE in link.may.split() and code in link.purposes.split()


def ends(link: Link, code: str) -> bool:
    """Whether the helper may take back what was agreed for this purpose."""
    return WITHDRAW in link.may.split() and code in link.purposes.split()


def lists(link: Link, code: str) -> bool:
    """Whether the helper may know that there is a consent for this purpose: who sees or ends it has to."""
    return opens(link, code) or ends(link, code)


def way(link: Link, code: str, what: What) -> Way:
    """What a yes of the helper is worth: an answer where answering was entrusted, a right where seeing was."""
    if not opens(link, code):
        return Way.never
    if what is What.consent and ANSWER not in link.may.split():
        return Way.never
    return Way.alone
