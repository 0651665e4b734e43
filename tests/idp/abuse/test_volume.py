"""When another proof is asked for: a table, since the rule is pure."""

from datetime import timedelta
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
        (Asking(system_numbers=Count(5_000)), None),
        (Asking(system_numbers=Count(5_001)), "system"),
        (Asking(system_numbers=Count(5_001), facility=True), None),
        (Asking(system_numbers=Count(5_001), known_device=True), None),
        (Asking(system_numbers=Count(105_000), system_arrived=Count(10_000)), None),
        (Asking(system_numbers=Count(105_001), system_arrived=Count(10_000)), "system"),
        (Asking(system_numbers=Count(5_001), network_numbers=Count(501)), "network"),
        (Asking(pair=Count(50)), None),
        (Asking(pair=Count(51)), "pair"),
        (Asking(pair=Count(51), facility=True), None),
        (Asking(pair_rests=True), "pair"),
        (Asking(pair_rests=True, known_device=True), None),
    ],
)
def test_who_is_asked_for_another_proof(asking, why):
    """RELIABILITY 3: 3 people a browser, 50 times one person; 500 a network, 5,000 a system, ten for who arrived."""
    assert hurdle(asking) == why


@pytest.mark.parametrize(("nth", "hours"), [(1, 12), (2, 13.2), (11, 31.12), (44, 720), (10_000, 720)])
def test_each_question_too_many_asks_for_another_proof_for_longer(nth, hours):
    """RELIABILITY 3: person and network, 50 in 12 h, growing by a tenth, thirty days at most."""
    assert volume.pair_rest(nth) / timedelta(hours=1) == pytest.approx(hours, rel=0.01)


def test_a_network_types_no_more_phones_than_its_share():
    """RELIABILITY 3, toll fraud: a hundred an hour, and ten for each proved person who arrived."""
    assert volume.may_type_phones(Count(100), Count(0))
    assert not volume.may_type_phones(Count(101), Count(0))
    assert volume.may_type_phones(Count(120), Count(2))
    assert not volume.may_type_phones(Count(26, share=4), Count(0))


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
