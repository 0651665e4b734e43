"""PURE: when somebody who posts a national ID is asked for another proof. Never a puzzle, never a closed door.

Attackers and whole hospitals come from one address, so an address proves little. What counts: one browser that asks for
many people; a network that asks for many and of whom few arrive; one person asked for again and again from one
network; and everybody's wrong guesses together (`alarms`). A device that the person is known by is never asked, a
passkey neither (RELIABILITY 3).
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil

from idp.abuse.counters import Count

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAIR_WINDOW = timedelta(hours=12)
PAIR_MOST = 50  # one person from one network
BROWSER_MOST = 3  # people asked for in one browser in an hour
FACILITY_TIMES = 20  # a registered facility's machines serve whoever stands before them
NETWORK_FLOOR = 500  # people asked for from one network in an hour: a workshop of 500 is one address
NETWORK_TIMES = 10  # and ten for each person who arrived
LOOKS_MOST = 10  # questions to the issuer of cards from one network in an hour, by people who are not signed in
PREFIX_BITS = 64
NONE = Count(0)
Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Asking:
    """What is known of one who posts a number; the same for every number."""

    known_device: bool = False
    alarm: bool = False
    facility: bool = False
    browser_numbers: int = 0
    network_numbers: Count = NONE
    network_arrived: Count = NONE
    pair: Count = NONE


def hurdle(asking: Asking, *, browser_most: int = BROWSER_MOST) -> str | None:
    """Why another proof is asked for: alarm, browser, pair or network; None for nearly everybody."""
    if asking.known_device:
        return None
    if asking.alarm:
        return "alarm"
    if asking.browser_numbers > browser_most * (FACILITY_TIMES if asking.facility else 1):
        return "browser"
    if asking.facility:
        return None
    if asking.pair.over(PAIR_MOST):
        return "pair"
    return "network" if asking.network_numbers.over(allowance(asking.network_arrived)) else None


def allowance(arrived: Count) -> float:
    """How many people may be asked for from a network whose `arrived` signed in this hour."""
    return NETWORK_FLOOR + NETWORK_TIMES * arrived.number * arrived.share


def wait_s(so_far: Count, most: int) -> int:
    """Seconds until a client that keeps to its rate from now on is let in again (RFC 9110 section 10.2.3)."""
    share = max(1.0, most / so_far.share)
    return max(1, ceil(MINUTE.total_seconds() * (1 - share / max(so_far.number + 1, share))))


def network_of(address: str | None) -> str:
    """What counts as one: an IPv4 address, or the /64 of an IPv6 one, whose hosts own whole networks."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> PREFIX_BITS << PREFIX_BITS))
    return str(getattr(found, "ipv4_mapped", None) or found)


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether a network is one of those that were registered."""
    return bool(address) and any(ip_address(address) in network for network in networks)
