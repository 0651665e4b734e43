"""When another proof is asked for: a table, since the rule is pure."""

from ipaddress import ip_network

import pytest

from idp.abuse import volume
from idp.abuse.counters import Count
from idp.abuse.volume import Asking, hurdle


@pytest.mark.parametrize(
    ("asking", "why"),
    [
        (Asking(), None),
        (Asking(alarm=True), "alarm"),
        (Asking(alarm=True, known_device=True), None),
        (Asking(alarm=True, facility=True), "alarm"),
        (Asking(browser_numbers=3), None),
        (Asking(browser_numbers=4), "browser"),
        (Asking(browser_numbers=4, facility=True), None),
        (Asking(browser_numbers=61, facility=True), "browser"),
        (Asking(network_numbers=Count(500)), None),
        (Asking(network_numbers=Count(501)), "network"),
        (Asking(network_numbers=Count(501), facility=True), None),
        (Asking(network_numbers=Count(501), known_device=True), None),
        (Asking(network_numbers=Count(600), network_arrived=Count(10)), None),
        (Asking(network_numbers=Count(601), network_arrived=Count(10)), "network"),
        (Asking(pair=Count(50)), None),
        (Asking(pair=Count(51)), "pair"),
        (Asking(pair=Count(51), facility=True), None),
    ],
)
def test_who_is_asked_for_another_proof(asking, why):
    """RELIABILITY 3: 3 people a browser, 50 times one person, 500 people a network and ten for each who arrived."""
    assert hurdle(asking) == why


def test_who_counts_apart_allows_its_share():
    """Not everything, not nothing: a fourth of the limit in each of four processes."""
    assert hurdle(Asking(network_numbers=Count(125, share=4))) is None
    assert hurdle(Asking(network_numbers=Count(126, share=4))) == "network"
    assert hurdle(Asking(network_numbers=Count(175, share=4), network_arrived=Count(5, share=4))) is None
    assert not Count(1, share=64).over(3)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("not an address", ""),
        (None, ""),
    ],
)
def test_what_counts_as_one_network(address, network):
    """A host of IPv6 owns a whole /64."""
    assert volume.network_of(address) == network


def test_registered_networks_are_known_by_their_addresses():
    """A hospital is one address or a few."""
    ours = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))

    assert volume.is_within("198.51.100.7", ours)
    assert volume.is_within("2001:db8:1:2::", ours)
    assert not volume.is_within("203.0.113.1", ours)
    assert not volume.is_within("", ours)
