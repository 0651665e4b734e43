"""Commands to the card, and every way in which an answer may come or not come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.agent import apdu
from idp.agent.apdu import CardFault
from tests.idp.agent.cards import card
from tests.servers.id_card import JPEG, OLD_ATR

ADDRESS, RELIGION, ISSUER = 0x1579, 0x0177, 0x00F6


def test_a_whole_card_is_read():
    one = card()

    dump = apdu.dump(one.transmit, atr=one.atr)

    assert dump.fields["national_id"] == b"3999000010035"
    assert dump.fields["birth_date"] == b"25220413"
    assert dump.photo.startswith(JPEG)
    assert len(dump.photo) == 5100
    assert dump.production_data[:3] == b"\x9f\x7f\x2a"


def test_older_cards_want_another_get_response():
    """ATR 3B 67: P2 is 01, and 00 is refused."""
    one = card()
    one.atr = OLD_ATR

    assert apdu.dump(one.transmit, atr=one.atr).fields["gender"] == b"1"
    with pytest.raises(CardFault):
        apdu.dump(one.transmit, atr=b"\x3b\x68")


def test_address_religion_and_issuer_stay_on_the_card():
    """PDPA s.22: no more than is needed."""
    one = card()
    apdu.dump(one.transmit, atr=one.atr)

    reads = [(asked[2] << 8 | asked[3], asked[6]) for asked in one.asked if asked[:2] == b"\x80\xb0"]
    assert reads
    assert not [place for place in (ADDRESS, RELIGION, ISSUER) for at, size in reads if at <= place < at + size]


def test_another_kind_of_card_is_no_id_card():
    one = card()
    one.is_id_card = False

    with pytest.raises(CardFault, match="not_an_id_card"):
        apdu.dump(one.transmit, atr=one.atr)


def test_a_chip_without_production_data_is_read_all_the_same():
    one = card()

    def transmit(command):
        return (b"", 0x6D00) if command == apdu.PRODUCTION_DATA else one.transmit(command)

    assert apdu.dump(transmit, atr=one.atr).production_data == b""


@pytest.mark.parametrize("last", [0x6982, 0x6A82, 0x6F00])
def test_a_card_that_refuses_a_field_is_garbled(last):
    one = card()

    def transmit(command):
        return (b"", last) if command == apdu.read(0x00D9, 8) else one.transmit(command)

    with pytest.raises(CardFault, match="garbled"):
        apdu.dump(transmit, atr=one.atr)


def test_a_field_that_comes_short_is_garbled():
    one = card()

    def transmit(command):
        data, status = one.transmit(command)
        return (data[:-1], status) if command[:2] == b"\x00\xc0" and len(data) == 13 else (data, status)

    with pytest.raises(CardFault, match="garbled"):
        apdu.dump(transmit, atr=one.atr)


def test_a_t1_card_answers_at_once():
    """No 61 xx: the data come with 90 00."""
    answer = apdu.exchange(lambda _: (b"3999", 0x9000), apdu.read(4, 4), atr=b"")

    assert answer == (b"3999", 0x9000)


def test_a_card_that_never_comes_to_an_end_is_given_up():
    with pytest.raises(CardFault, match="garbled"):
        apdu.exchange(lambda _: (b"", 0x6101), apdu.read(4, 4), atr=b"")
    with pytest.raises(CardFault, match="garbled"):
        apdu.exchange(lambda _: (b"", 0x6C10), apdu.PRODUCTION_DATA, atr=b"")


@given(st.lists(st.tuples(st.binary(max_size=255), st.integers(0, 0xFFFF)), max_size=12))
def test_whatever_a_card_answers_there_is_a_card_or_a_fault(answers):
    """Never another exception, never a loop."""
    line, fault = iter(answers), None

    try:
        apdu.dump(lambda _: next(line, (b"", 0x6F00)), atr=b"\x3b\x68")
    except CardFault as raised:
        fault = raised

    assert fault.code in ("not_an_id_card", "garbled")
