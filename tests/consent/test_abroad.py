"""Data that leave Thailand: a country and a safeguard, in one sentence, or nobody is asked (PDPA s.28, s.29)."""

from pathlib import Path

import pytest

import consent
from consent import abroad, purposes
from consent.abroad import Journey
from consent.errors import CatalogueFault, NotAllowed
from consent.rows import Bilingual

FOLDER = Path(consent.__file__).parent / "catalogue"
SAFEGUARDS = (FOLDER / "safeguards.tsv").read_text(encoding="utf-8")
JOURNEYS = (FOLDER / "cross_border.tsv").read_text(encoding="utf-8")
SINGAPORE = Bilingual("สิงคโปร์", "Singapore")


def test_s28_s29_every_purpose_that_leaves_thailand_names_a_country_and_a_safeguard():
    """PDPA s.28, s.29 (THAI 4): "purpose flag xborder, country, safeguard; extra sentence on the screen"."""
    for row in purposes.all():
        journey = abroad.of_purpose(row.code)
        assert (journey is not None) is row.cross_border, row.code
        if journey is not None:
            for locale in ("th", "en"):
                assert journey.place.in_(locale) in journey.sentence(locale)
                assert journey.safeguard.text.in_(locale) in journey.sentence(locale)


def test_a_service_abroad_names_its_country_and_what_protects_the_data():
    """The same sentence for whatever the service asks."""
    journey = abroad.of_service("SG", "contract", place=SINGAPORE)

    assert journey.sentence("en").startswith("Your data leave Thailand, for Singapore. The receiver has signed")
    assert journey.sentence("th").startswith("ข้อมูลจะออกนอกประเทศไทย ไปยังสิงคโปร์ ผู้รับทำสัญญา")


@pytest.mark.parametrize("country", [None, "", "TH"])
def test_a_service_in_thailand_says_nothing(country):
    """No warning where there is nothing to warn of."""
    assert abroad.of_service(country, None, place=SINGAPORE) is None


@pytest.mark.parametrize(
    ("country", "safeguard", "code"),
    [
        ("Singapore", "contract", "country"),
        ("sg", "contract", "country"),
        (None, "contract", "country"),
        ("SG", None, "safeguard"),
        ("SG", "trust us", "safeguard"),
    ],
)
def test_half_a_statement_about_a_country_is_refused(country, safeguard, code):
    """A country without a safeguard, a safeguard without a country, and words that the tables do not have."""
    with pytest.raises(NotAllowed) as refused:
        abroad.check_service(country, safeguard)

    assert refused.value.code == code


def test_a_record_keeps_countries_and_safeguards_as_lists():
    """PDPA s.28: provable later, also where a purpose and its service both leave."""
    notify, service = abroad.of_purpose("NOTIFY"), abroad.of_service("SG", "contract", place=SINGAPORE)

    assert abroad.columns([notify, service]) == ("JP SG", "none contract")
    assert abroad.columns([]) == (None, None)


@pytest.mark.parametrize(
    ("safeguards", "journeys"),
    [
        (SAFEGUARDS, JOURNEYS.replace("NOTIFY\tJP", "NOTIFY\tJapan")),
        (SAFEGUARDS, JOURNEYS.replace("NOTIFY", "SIGNIN")),
        (SAFEGUARDS, "\n".join(JOURNEYS.splitlines()[:2]) + "\n"),
        (SAFEGUARDS, JOURNEYS.replace("\tnone\t", "\tnothing\t")),
        (SAFEGUARDS.replace("\tunverified", "", 1), JOURNEYS),
    ],
    ids=["country", "purpose stays", "row missing", "safeguard unknown", "cell missing"],
)
def test_a_fault_in_the_tables_stops_the_start(safeguards, journeys):
    """Nobody is asked for a consent by half a row."""
    with pytest.raises(CatalogueFault):
        abroad.read(safeguards, journeys)


def test_no_legal_reading_here_is_called_verified_before_a_lawyer_has_read_it():
    """consent/catalogue/README.md: all rows are unverified, and say so."""
    assert {one.status for one in abroad.safeguards()} == {"unverified"}
    assert isinstance(abroad.of_purpose("HPASS"), Journey)


@pytest.mark.parametrize(
    ("told", "now", "untold"),
    [
        ((None, None), (None, None), False),
        ((None, None), ("SG", "contract"), True),
        (("SG", "contract"), ("SG", "contract"), False),
        (("SG", "contract"), ("SG", "none"), True),
        (("SG", "contract"), ("US", "contract"), True),
        (("JP SG", "none contract"), ("JP", "none"), False),
        (("SG", "contract"), (None, None), False),
    ],
)
def test_only_a_country_or_safeguard_that_was_not_told_is_news(told, now, untold):
    """PDPA s.28: whoever comes home, or has told more at another service, asks nobody again."""
    assert abroad.untold(told, now) is untold
