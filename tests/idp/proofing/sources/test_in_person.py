"""What an officer types of a paper: kinds, numbers, eras, one name; and the evidence that it is."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from idp.assurance import Ial
from idp.desk_cases import Shown
from idp.proofing.adjudicate import adjudicate
from idp.proofing.evidence import Evidence
from idp.proofing.sources import in_person
from idp.proofing.sources.in_person import PaperRefused, birth_date, numbered, typed
from tests.fakes import DAY, NOW, YEAR

OFFICER, ACT = UUID(int=1), UUID(int=2)
NAMES = "given_name_th family_name_th given_name_en family_name_en"
REST = "number country birth_year birth_month birth_day gender expires_on"
FIELDS = dict.fromkeys(f"{NAMES} {REST}".split(), "")
GOOD = FIELDS | {"paper": "foreign_card", "number": "6999000010102", "given_name_th": "หล้า", "birth_year": "2528"}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("2476", "", ""), "1933"),
        (("2498", "3", ""), "1955-03"),
        (("2531", "2", "29"), "1988-02-29"),
        (("1988", "2", "29"), "1988-02-29"),
        (("2530", "2", "29"), None),
        (("2530", "", "5"), None),
        (("2530", "13", ""), None),
        (("2599", "", ""), None),
        (("2569", "12", "31"), None),
        (("1700", "", ""), None),
        (("", "", ""), None),
        (("๒๕๒๘", "", ""), None),
    ],
)
def test_a_birth_date_of_either_era_as_far_as_it_is_known(parts, said):
    """THAI 2.3: day and month may be unknown; nobody was born tomorrow."""
    assert birth_date(*parts, now=NOW) == said


@pytest.mark.parametrize(
    ("paper", "number", "country", "said"),
    [
        ("foreign_card", "0-9990-00010-13-8", "", ("0999000010138", "")),
        ("hospital_file", "3999000010141", "", ("3999000010141", "")),
        ("passport", "mb123456", "mmr", ("MB123456", "MMR")),
        ("hospital_number", "69/001234", "", ("69001234", "99001")),
    ],
)
def test_a_number_by_the_kind_of_its_paper(paper, number, country, said):
    """A hospital's own number is that hospital's; a passport's is its country's."""
    found = numbered(paper, number, country=country, hcode="99001")

    assert (found.number, found.issuer) == said


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"number": "3999000010035"}, {"number": "thai_card"}),
        ({"number": "1"}, {"number": "format"}),
        ({"paper": "passport", "number": "AB123456", "country": "TH"}, {"country": "format"}),
        ({"paper": "passport", "number": "AB123456", "country": "THA"}, {"country": "format"}),
        ({"paper": "", "number": "AB123456"}, {"paper": "choice"}),
        ({"given_name_th": ""}, {"given_name_th": "required"}),
        ({"birth_year": ""}, {"birth_year": "format"}),
        ({"expires_on": "31/12"}, {"expires_on": "format"}),
        ({"expires_on": "31/02/2571"}, {"expires_on": "format"}),
        ({"expires_on": "2026-11-22"}, {"expires_on": "past"}),
        ({"number": "", "given_name_th": ""}, {"number": "format", "given_name_th": "required"}),
    ],
)
def test_every_fault_is_named_at_once(changes, fault):
    """PAGES: an error summary that links to each field."""
    with pytest.raises(PaperRefused) as refused:
        typed(GOOD | changes, hcode="99001", now=NOW)
    assert refused.value.faults == fault


def test_a_person_of_one_name_is_a_person():
    """THAI 6: หล้า has no family name."""
    found = Shown(**typed(GOOD, hcode="99001", now=NOW))

    assert (found.name("th"), found.birth_date, found.gender, found.national_id) == (
        "หล้า",
        "1985",
        "unknown",
        "6999000010102",
    )


def test_a_name_in_latin_letters_alone_is_a_name():
    """A passport says no Thai one; pages in Thai show what there is."""
    said = GOOD | {"given_name_th": "", "given_name_en": "Min", "family_name_en": "Aung"}

    found = Shown(**typed(said, hcode="99001", now=NOW))

    assert (found.name("th"), found.name("en")) == ("Min Aung", "Min Aung")


def paper(expires_on=None):
    return Shown("passport", "MB123456", "", "มิน", "", "", "", "", "1990", "male", expires_on, issuer="MMR")


def level(evidence):
    return adjudicate([replace(one, act=ACT) for one in evidence], NOW)


def test_a_paper_a_face_and_a_facility_that_vouches_give_2_1_until_the_paper_ends():
    """THAI 3b R6: 1.2 to 2.1, document expiry."""
    seen = in_person.evidence(paper(date(2027, 5, 1)), officer=OFFICER, hcode="99001", now=NOW)
    face = Evidence("face", "hcode:99001", NOW, checked_by=OFFICER)

    assert level(seen).ial is Ial.IAL1_2
    found = level([*seen, face])
    assert (found.ial, found.method) == (Ial.IAL2_1, "vouched")
    assert found.expires_at.isoformat() == "2027-05-01T17:00:00+00:00"  # midnight in Bangkok
    assert {one.source for one in seen} == {"hcode:99001"}


def test_a_paper_without_an_end_is_looked_at_again():
    """Nothing by eye counts for ever."""
    seen = in_person.evidence(paper(), officer=OFFICER, hcode="99001", now=NOW)

    assert {one.until for one in seen} == {NOW + YEAR}


def test_an_old_card_is_a_paper_for_ninety_days():
    """IAL1.2, whoever looks at it."""
    seen = in_person.of_old_card(officer=OFFICER, hcode="99001", now=NOW)

    found = level(seen)
    assert (found.ial, found.expires_at) == (Ial.IAL1_2, NOW + 90 * DAY)


@pytest.mark.parametrize("typed", ["31/1/2571", "31-01-2028", "๓๑/๑/๒๕๗๑", "2028-01-31", "2571/1/31", "31 1 2571"])
def test_the_last_day_of_a_paper_is_understood_as_officers_write_it(typed):
    """PAGES: Buddhist era or common era, the day or the year first."""
    assert in_person.last_day(typed) == date(2028, 1, 31)


@pytest.mark.parametrize("typed", ["", "31/1", "31/1/71", "0/0/0", "99999-1-1", "31/1/2571/1", "soon"])
def test_what_is_no_day_is_none(typed):
    assert in_person.last_day(typed) is None
