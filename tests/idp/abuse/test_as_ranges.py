"""Which autonomous system an address is of, by a local file."""

import random
import time
from ipaddress import ip_address

import pytest

from idp.abuse import as_ranges

LINES = (
    "198.51.100.0\t198.51.100.127\t64500\tTH\tEXAMPLE-ONE\n"
    "198.51.100.128\t198.51.100.255\t64501\tTH\tEXAMPLE-TWO\n"
    "192.0.2.0\t192.0.2.255\t0\tNone\tNot routed\n"
    "\n"
    "2001:db8::\t2001:db8:0:ffff:ffff:ffff:ffff:ffff\t4200000000\tTH\tEXAMPLE-SIX\n"
    "2001:db8:1::\t2001:db8:1:ffff:ffff:ffff:ffff:ffff\t64500\n"
)


@pytest.mark.parametrize(
    ("network", "number"),
    [
        ("198.51.100.0", 64500),
        ("198.51.100.127", 64500),
        ("198.51.100.128", 64501),
        ("198.51.100.255", 64501),
        ("198.51.101.0", None),
        ("198.51.99.255", None),
        ("0.0.0.0", None),  # noqa: S104 -- an address to look up
        ("192.0.2.7", None),
        ("2001:db8:0:1::", 4200000000),
        ("2001:db8:1:ffff::", 64500),
        ("2001:db8:2::", None),
        ("::", None),
        ("", None),
        ("nobody", None),
    ],
)
def test_whose_an_address_is(network, number):
    """Both ends belong to a range, in whatever order the file has them; AS 0 is nobody's."""
    shuffled = LINES.splitlines(keepends=True)
    random.Random(4).shuffle(shuffled)  # noqa: S311 -- no secret

    assert as_ranges.parse(shuffled).number_of(network) == number


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no range"),
        ("192.0.2.0\t192.0.2.255\t0\tNone\n", "no range"),
        ("198.51.100.0\t198.51.100.9\t64500\nfirst,last,number\n", "line 2"),
        ("198.51.100.9\t198.51.100.0\t64500\n", "line 1"),
        ("198.51.100.0\t2001:db8::\t64500\n", "line 1"),
        ("198.51.100.0\t198.51.100.9\tAS64500\n", "line 1"),
        ("198.51.100.0\t198.51.100.9\t4294967296\n", "line 1"),
        ("198.51.100.0\t198.51.100.9\n", "line 1"),
        ("198.51.100.0\t198.51.100.9\t٦\n", "line 1"),
    ],
)
def test_a_file_of_no_use_is_refused_in_one_sentence(tmp_path, text, why):
    """Whoever set it sees the first line that is wrong."""
    file = tmp_path / "ranges.tsv"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=why) as refused:
        as_ranges.read(file)

    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """Missing, or still compressed."""
    packed = tmp_path / "ranges.tsv.gz"
    packed.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")

    with pytest.raises(ValueError, match="cannot be read"):
        as_ranges.read(tmp_path / "nowhere.tsv")
    with pytest.raises(ValueError, match="of no use"):
        as_ranges.read(packed)
    assert as_ranges.read(None) is None


def test_a_table_of_the_whole_internet_is_searched_at_once():
    """A hundred thousand ranges; a look-up is a bisection, no walk."""
    step = 1 << 14
    rows = [f"{ip_address(n * step)}\t{ip_address((n + 1) * step - 2)}\t{n + 1}\n" for n in range(100_000)]
    found = as_ranges.parse(rows)

    began = time.perf_counter()
    for n in range(0, 100_000, 100):
        assert found.number_of(str(ip_address(n * step + 1))) == n + 1
        assert found.number_of(str(ip_address((n + 1) * step - 1))) is None

    assert time.perf_counter() - began < 2
