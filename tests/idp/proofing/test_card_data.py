from datetime import date

import pytest

from idp.ports import RegistryPerson
from idp.proofing import card_data
from idp.proofing.card_data import Typed, birth_date, laser, read
from idp.proofing.sources.fake import SandboxRegistry
from tests.fakes import NOW

TODAY = date(2026, 11, 23)
FORM = {
    "given_name": "หล้า",
    "family_name": "",
    "one_name": "yes",
    "day": "",
    "month": "",
    "year": "2528",
    "laser": "ZZ0000000001",
}
PEOPLE = SandboxRegistry().people


@pytest.mark.parametrize(
    ("day", "month", "year", "born"),
    [
        ("13", "4", "2522", "1979-04-13"),
        ("๑๓", "๔", "๒๕๒๒", "1979-04-13"),
        ("13", "4", "1979", "1979-04-13"),
        ("29", "2", "2531", "1988-02-29"),
        ("", "3", "2498", "1955-03"),
        ("", "", "2476", "1933"),
        ("0", "00", "2476", "1933"),
        ("1", "1", "2483", "1940-01-01"),
    ],
)
def test_a_date_is_read_as_it_stands_on_the_card(day, month, year, born):
    """THAI.md 2.3: Buddhist era; unknown day or month as 00."""
    assert birth_date(day, month, year, today=TODAY) == born


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [
        ("29", "2", "2530"),
        ("31", "4", "2522"),
        ("13", "", "2522"),
        ("13", "13", "2522"),
        ("", "", ""),
        ("", "", "0"),
        ("24", "11", "2569"),
        ("", "", "2380"),
        ("", "", "25x2"),
        ("-1", "1", "2522"),
        ("1", "1", "99999999"),
    ],
)
def test_what_is_no_date_is_no_date(day, month, year):
    assert birth_date(day, month, year, today=TODAY) == ""


@pytest.mark.parametrize(
    "typed", ["ZZ0000000001", "zz0-0000000-01", " ZZ0 0000000 01", "ZZ๐-๐๐๐๐๐๐๐-๐๑", "ＺＺ0–0000000–01"]
)
def test_the_code_on_the_back_is_read_however_it_is_written(typed):
    """THAI.md 2.2: two letters and ten digits after dashes are removed."""
    assert laser(typed) == "ZZ0000000001"


@pytest.mark.parametrize("typed", ["", "ZZ000000000", "ZZ00000000011", "Z00000000001", "ZZ00000000O1", "ก" * 12])
def test_any_other_code_is_none(typed):
    assert laser(typed) == ""


def test_a_person_of_one_name_needs_no_other():
    assert read(FORM, today=TODAY) == (Typed("หล้า", "", "1985", "ZZ0000000001"), {})


def test_one_name_is_said_not_forgotten():
    assert read({**FORM, "one_name": ""}, today=TODAY)[1] == {"family_name": "required"}


def test_spaces_around_and_within_a_name_are_put_right():
    typed, _ = read({**FORM, "given_name": "  มา   นี "}, today=TODAY)

    assert typed.given_name == "มา นี"


def test_every_empty_field_is_said_at_once():
    assert read({}, today=TODAY) == (
        None,
        dict.fromkeys(("given_name", "family_name", "year", "laser"), "required"),
    )


def test_a_typed_secret_is_not_in_what_a_trace_would_show():
    """A card's secret opens things elsewhere."""
    typed, _ = read(FORM, today=TODAY)

    assert "ZZ0" not in repr(typed)


def someone(**changed) -> RegistryPerson:
    person = PEOPLE["3999000010035"]
    return RegistryPerson(**{**person.__dict__, **changed})


@pytest.mark.parametrize(
    ("born", "person", "why"),
    [
        ("1979-04-13", None, None),
        ("2011-08-09", None, "too_young"),
        ("", None, "too_young"),
        ("1979-04-13", someone(status="deceased"), "deceased"),
        ("1979-04-13", someone(birth_date="2011-08-09"), "too_young"),
    ],
)
def test_a_good_card_opens_nothing_for_the_young_and_the_dead(born, person, why):
    assert card_data.refusal(born, person, now=NOW) == why
