"""What the bytes of a card mean."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.agent import apdu, chip
from idp.agent.apdu import CardFault, Dump
from idp.agent.chip import Name
from tests.idp.agent.cards import SOMCHAI, card
from tests.servers.id_card import JPEG


def read(**changes):
    one = card(**changes)
    return chip.record(apdu.dump(one.transmit, atr=one.atr))


def test_a_card_says_who_its_holder_is():
    record = read()

    assert record.national_id == SOMCHAI
    assert record.name_th == Name("นาย", "สมชาย", "", "ใจสมมติ")
    assert record.name_en == Name("Mr.", "Somchai", "", "Jaisommut")
    assert (record.birth_date, record.gender) == ("1979-04-13", "male")
    assert (record.issued_on, record.expires_on) == (date(2022, 1, 1), date(2029, 4, 12))
    assert (record.chip_number, record.request_number) == ("9990000000010030", "999000010030")
    assert record.photo == JPEG


def test_what_is_signed_names_no_address_and_joins_a_middle_name():
    claims = read(name_th="นางสาว#มานี#ปิติ#ทดสอบสุข", sex="2").claims()

    assert claims["given_name_th"] == "มานี ปิติ"
    assert claims["gender"] == "female"
    assert "สมมติ" not in "".join(filter(None, claims.values()))
    assert set(claims) == {
        *("national_id", "title_th", "given_name_th", "family_name_th", "title_en", "given_name_en", "family_name_en"),
        *("birth_date", "gender", "expires_on", "chip_number", "request_number", "photo"),
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("นาง#หล้า##", Name("นาง", "หล้า", "", "")),
        ("นาง#หล้า", Name("นาง", "หล้า", "", "")),
        ("", Name("", "", "", "")),
        (" นาย # สมชาย ## ใจสมมติ ", Name("นาย", "สมชาย", "", "ใจสมมติ")),
    ],
)
def test_a_name_may_have_fewer_parts(words, expected):
    assert chip.name(words) == expected


def test_a_name_of_five_parts_is_none():
    with pytest.raises(ValueError, match="parts"):
        chip.name("a#b#c#d#e")


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("25220413", "1979-04-13"),
        ("24760000", "1933"),
        ("24980300", "1955-03"),
        ("24980013", "1955"),
        ("25670229", "2024-02-29"),
        ("00000000", ""),
        ("", ""),
    ],
)
def test_a_birth_date_is_as_much_as_is_known(digits, expected):
    assert chip.partial_date(digits) == expected


@pytest.mark.parametrize(
    "digits", ["25660229", "25221301", "2522041", "2522041a", "252204131", "00000413", "01000000", "๒๕๒๒๐๔๑๓"]
)
def test_what_is_no_date_is_refused(digits):
    with pytest.raises(ValueError, match=r"date|digits|day|month|year"):
        chip.partial_date(digits)


@pytest.mark.parametrize("digits", ["99999999", "99991231", "", "00000000"])
def test_a_card_for_life_has_no_last_day(digits):
    assert chip.whole_date(digits) is None


def test_a_card_without_a_photo_is_read_all_the_same():
    assert read(photo=b"").photo == b""
    assert read(photo=b"\xff\xd8\xff\xe0 cut").photo == b""


@pytest.mark.parametrize("changes", [{"national_id": "39990000100-3"}, {"born": "2522-4-3"}, {"name_th": "a#b#c#d#e"}])
def test_a_card_whose_fields_are_of_another_shape_is_garbled(changes):
    with pytest.raises(CardFault, match="garbled"):
        read(**changes)


def test_bytes_that_are_no_letters_are_garbled():
    one = card()
    one.memory[0x0011] = 0x81

    with pytest.raises(CardFault, match="garbled"):
        chip.record(apdu.dump(one.transmit, atr=one.atr))


@pytest.mark.parametrize("data", [b"", b"\x9f", b"\x9f\x7f", b"\x9f\x7f\x2a\x00", b"\x9f\x7f\x2a" + bytes(42)])
def test_production_data_that_tell_nothing_are_no_number(data):
    assert chip.chip_number(data) == ""


def test_tags_and_lengths_are_read_as_iso_7816_4_says():
    data = b"\x5a\x01a" + b"\x9f\x7f\x81\x02bc" + b"\x5f\x20\x82\x00\x01d"

    assert list(chip.tlv(data)) == [(0x5A, b"a"), (0x9F7F, b"bc"), (0x5F20, b"d")]


@given(
    st.lists(st.tuples(st.sampled_from([0x5A, 0x84, 0x9F7F, 0x5F20, 0xDF8101]), st.binary(max_size=400)), max_size=6)
)
def test_what_was_written_as_tlv_is_read_again(pairs):
    def written(tag, value):
        size = len(value)
        length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
        return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value

    assert list(chip.tlv(b"".join(written(*pair) for pair in pairs))) == pairs


@given(st.binary(max_size=64))
def test_any_bytes_are_tlv_or_refused(data):
    """And nothing is invented: what is read is part of what was given."""
    try:
        values = [value for _tag, value in chip.tlv(data)]
    except ValueError:
        values = []

    assert all(value in data for value in values)
    assert len(chip.chip_number(data)) in (0, 16)


@given(st.dictionaries(st.sampled_from(sorted(apdu.FIELDS)), st.binary(max_size=100)), st.binary(max_size=64))
def test_any_dump_is_a_card_or_garbled(fields, photo):
    fault, record = None, None
    try:
        record = chip.record(Dump(fields, photo, photo))
    except CardFault as raised:
        fault = raised

    assert record is not None or fault.code == "garbled"


@given(st.dates(date(1, 1, 1), date(2456, 12, 31)))
def test_every_day_comes_back_543_years_earlier(day):
    digits = f"{day.year + 543:04}{day:%m%d}"

    assert chip.whole_date(digits) == day
    assert chip.partial_date(digits) == day.isoformat()
