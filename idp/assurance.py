"""PURE: assurance levels as values. AAL belongs to a sign-in, IAL to an account (DECISIONS 3; ETDA 18/19/20-2564).

`acr` is `urn:yinyom:aal:…` and carries the AAL only; `ial` is a claim of its own. `amr` uses RFC 8176 words.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Self

ACR_PREFIX = "urn:yinyom:aal:"


class Level(Enum):
    """Ordered levels written as they are printed ("2.1"); definition order is strength order."""

    @property
    def rank(self) -> int:
        """Position from weakest."""
        return list(type(self)).index(self)

    def __ge__(self, other: Self) -> bool:
        """At least as strong."""
        return self.rank >= other.rank

    def __gt__(self, other: Self) -> bool:
        """Stronger."""
        return self.rank > other.rank

    def __le__(self, other: Self) -> bool:
        """At most as strong."""
        return self.rank <= other.rank

    def __lt__(self, other: Self) -> bool:
        """Weaker."""
        return self.rank < other.rank


class Aal(Level):
    """Authenticator assurance level of one sign-in."""

    AAL1 = "1"
    AAL2_1 = "2.1"
    AAL2_2 = "2.2"
    AAL3 = "3"

    @property
    def acr(self) -> str:
        """The `acr` claim (OIDC Core 2)."""
        return ACR_PREFIX + self.value


class Ial(Level):
    """Identity assurance level of one account."""

    IAL1_1 = "1.1"
    IAL1_2 = "1.2"
    IAL1_3 = "1.3"
    IAL2_1 = "2.1"
    IAL2_2 = "2.2"
    IAL2_3 = "2.3"
    IAL3 = "3"


HIGHEST = Aal.AAL2_2  # what a citizen can reach; AAL3 is a security key of staff, and no request asks for it
ACR_VALUES = tuple(level.acr for level in Aal if level <= HIGHEST)

KNOWLEDGE, POSSESSION = "knowledge", "possession"
PASSKEY, SECURITY_KEY = "passkey", "key"
# Internal factor names. `line` and `thaid` are of no kind: another house's word proves nothing that is held here.
KINDS = {"pin": KNOWLEDGE, "sms": POSSESSION, "totp": POSSESSION, "recovery": POSSESSION}
AMR_WORDS = {
    "pin": ("pin",),
    "sms": ("otp", "sms"),
    "totp": ("otp",),
    "recovery": ("otp",),
    "line": (),
    "thaid": (),
    PASSKEY: ("pop", "user"),
    SECURITY_KEY: ("hwk", "user"),
}


def aal_of(factors: Iterable[str]) -> Aal | None:
    """The level that these proved factors add up to; None if nothing was proved.

    Two factors are two different kinds (ETDA 20-2564): SMS and an app's code are one. A passkey that verified its user
    is 2.2 alone, a security key whose make was attested is 3.
    """
    proved = set(factors)
    if not proved:
        return None
    if SECURITY_KEY in proved:
        return Aal.AAL3
    if PASSKEY in proved:
        return Aal.AAL2_2
    kinds = {KINDS[factor] for factor in proved if factor in KINDS}
    return Aal.AAL2_1 if kinds == {KNOWLEDGE, POSSESSION} else Aal.AAL1


def amr_of(factors: Iterable[str]) -> list[str]:
    """The `amr` claim (RFC 8176): `mfa` from two kinds on. Other houses have no word."""
    proved = set(factors)
    words = {word for factor in proved for word in AMR_WORDS[factor]}
    level = aal_of(proved)
    if level is not None and level >= Aal.AAL2_1:
        words.add("mfa")
    return sorted(words)


def roles_open(roles: AbstractSet[str], aal: Aal | None, needing_key: AbstractSet[str]) -> frozenset[str]:
    """PURE: the roles that a staff session of this level may exercise; those named need a security key (AAL3)."""
    return frozenset(roles if aal is not None and aal >= Aal.AAL3 else roles - needing_key)


def aal_from_acr(acr: str) -> Aal | None:
    """The level an `acr` value names, or None for a value that is not ours (tolerated, OIDC Core 3.1.2.1).

    A level that nobody can reach comes down to the highest there is: the request is voluntary, and no dead end.
    """
    if not acr.startswith(ACR_PREFIX):
        return None
    try:
        return min(Aal(acr.removeprefix(ACR_PREFIX)), HIGHEST)
    except ValueError:
        return None
