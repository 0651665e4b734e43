"""PURE: when somebody who posts a national ID is asked for another proof. Never a puzzle, never a closed door.

Attackers and whole hospitals come from one address, so an address proves little. What counts: one browser that asks for
many people; a network, or a whole autonomous system, that asks for many and of whom few arrive; one person asked for
again and again from one network; and everybody's wrong guesses together (`alarms`). A device that the person is known
by is never asked, a passkey neither (RELIABILITY 3).
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil

from idp.abuse.counters import Count

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAIR_WINDOW = timedelta(hours=12)
PAIR_MOST = 50  # one person from one network
PAIR_GROWTH, PAIR_LONGEST = 1.1, timedelta(days=30)  # each question beyond asks for another proof for longer
BROWSER_MOST = 3  # people asked for in one browser in an hour
FACILITY_TIMES = 20  # a registered facility's machines serve whoever stands before them
NETWORK_FLOOR = 500  # people asked for from one network in an hour: a workshop of 500 is one address
NETWORK_TIMES = 10  # and ten for each person who arrived
SYSTEM_FLOOR = 5_000  # the same of an autonomous system: a carrier's baseline is who arrives from it
TYPED_FLOOR = 100  # phones typed in one network in an hour, of the thousand that everybody has together
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
    system_numbers: Count = NONE
    system_arrived: Count = NONE
    pair: Count = NONE
    pair_rests: bool = False


def hurdle(asking: Asking, *, browser_most: int = BROWSER_MOST) -> str | None:
    """Why another proof is asked for: alarm, browser, pair, network or system; None for nearly everybody."""
    if asking.known_device:
        return None
    if asking.alarm:
        return "alarm"
    if asking.browser_numbers > browser_most * (FACILITY_TIMES if asking.facility else 1):
        return "browser"
    if asking.facility:
        return None
    if asking.pair_rests or asking.pair.over(PAIR_MOST):
        return "pair"
    places = (
        ("network", asking.network_numbers, allowance(NETWORK_FLOOR, asking.network_arrived)),
        ("system", asking.system_numbers, allowance(SYSTEM_FLOOR, asking.system_arrived)),
    )
    return next((place for place, numbers, most in places if numbers.over(most)), None)


def allowance(floor: int, arrived: Count) -> float:
    """How many people may be asked for from where `arrived` signed in this hour: whoever only asks raises nothing."""
    return floor + NETWORK_TIMES * arrived.number * arrived.share


def pair_rest(nth: int) -> timedelta:
    """PURE: how long another proof is asked for after the nth question too many: 12 h, longer by a tenth each time."""
    return min(PAIR_LONGEST, PAIR_WINDOW * PAIR_GROWTH ** min(nth - 1, 100))


def may_type_phones(typed: Count, arrived: Count) -> bool:
    """PURE: whether one more phone may be typed in a network, of which `arrived` signed in this hour."""
    return not typed.over(allowance(TYPED_FLOOR, arrived))


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
