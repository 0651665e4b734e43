from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.national_id import (
    NationalIdError,
    RealOnly,
    SyntheticOnly,
    age_on,
    checksum,
    mask_national_id,
    parse_national_id,
)
from tests.fakes import NOW

SOMCHAI = "3999000010035"
digits = st.text("0123456789", min_size=11, max_size=11)


@pytest.mark.parametrize(
    "typed",
    [
        SOMCHAI,
        "3-9990-00010-03-5",
        " 3 9990 00010 03 5 ",
        "๓๙๙๙๐๐๐๐๑๐๐๓๕",
        "３９９９００００１００３５",
        "3–9990–00010–03–5",
        "3\u00a09990\u200b00010\t03\n5",
    ],
)
def test_what_people_type_becomes_thirteen_digits(typed):
    """THAI 2.1: Thai digits, full-width digits, spaces and dashes are all the same number."""
    assert parse_national_id(typed) == SOMCHAI


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "length"),
        ("399900001003", "length"),
        ("39990000100355", "length"),
        ("3999O00010035", "digits"),
        ("somchai@example.test", "digits"),
        ("²999000010035", "digits"),
        ("9999000010031", "category"),
        ("3999000010036", "checksum"),
    ],
)
def test_a_wrong_number_is_refused_with_a_code_and_never_repeated(typed, code):
    """PLAN of pages: the message is looked up by code; what was typed appears in no error."""
    with pytest.raises(NationalIdError) as refused:
        parse_national_id(typed)

    assert (refused.value.code, str(refused.value)) == (code, code)


@pytest.mark.parametrize("category", range(9))
def test_every_category_from_0_to_8_passes(category):
    """THAI 2.1: stateless people start with 0; many validators lock them out."""
    first = f"{category}99900001999"
    assert parse_national_id(first + checksum(first)) == first + checksum(first)


@given(st.sampled_from("012345678"), digits)
def test_exactly_one_last_digit_is_right(category, middle):
    """THAI 2.1: the checksum."""
    first = category + middle
    right = [last for last in "0123456789" if not _refused(first + last)]
    assert right == [checksum(first)]


@given(st.text(max_size=40))
def test_no_text_does_anything_but_parse_or_refuse(text):
    """Bad input anywhere: a clear code."""
    if not _refused(text):
        assert len(parse_national_id(text)) == 13


def test_a_masked_number_shows_three_digits():
    """THAI 1c: pid_masked."""
    assert mask_national_id(SOMCHAI) == "x-xxxx-xxxxx-03-5"


@pytest.mark.parametrize("national_id", ["3999000010035", "0999000010138", "0000000000001"])
def test_made_up_numbers_live_in_the_sandbox_only(national_id):
    """THAI 6.1: production rejects what the sandbox accepts, and the other way round."""
    assert SyntheticOnly().allows(national_id)
    assert not RealOnly().allows(national_id)


def test_a_number_that_may_be_real_is_refused_by_the_sandbox():
    """THAI 6.1. Office 9991 does not exist either: the digits belong to nobody."""
    assert not SyntheticOnly().allows("3999100010037")
    assert RealOnly().allows("3999100010037")


@pytest.mark.parametrize(
    ("born", "at", "age"),
    [
        ("2006-11-24", "2026-11-23T16:59:59", 19),  # 23:59:59 in Bangkok
        ("2006-11-24", "2026-11-23T17:00:00", 20),  # midnight in Bangkok, still the 23rd in UTC
        ("2004-02-29", "2026-02-28T05:00:00", 21),
        ("2004-02-29", "2026-03-01T05:00:00", 22),
        ("2004-02-29", "2024-02-29T05:00:00", 20),
        ("1933", "2026-12-30T05:00:00", 92),
        ("1933", "2026-12-31T05:00:00", 93),
        ("2006-11", "2026-11-29T05:00:00", 19),
        ("2006-11", "2026-12-01T05:00:00", 20),
        ("2027-01-01", "2026-11-23T05:00:00", 0),
        ("", "2026-11-23T05:00:00", None),
    ],
)
def test_an_age_is_counted_in_bangkok_and_never_too_high(born, at, age):
    """PDPA s.20 with DECISIONS 4: the day of law is Bangkok's; a partial date counts from its latest birthday."""
    assert age_on(born, datetime.fromisoformat(at).replace(tzinfo=UTC)) == age


def test_kanya_comes_of_age_the_day_after_the_tests():
    """THAI 6.4: the boundary persona."""
    assert age_on("2006-11-24", NOW) == 19


def _refused(text):
    try:
        parse_national_id(text)
    except NationalIdError:
        return True
    return False
