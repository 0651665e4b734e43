from uuid import uuid4

import pytest

from idp.assurance import Ial
from idp.proofing.evidence import METHODS, Evidence
from tests.fakes import DAY, NOW, YEAR

OFFICER = uuid4()


@pytest.mark.parametrize(
    ("method", "more", "why"),
    [
        ("palm", {}, "no such method"),
        ("phone", {"finding": "mismatch"}, "finds nothing like"),
        ("recovery", {"stated": Ial.IAL1_1}, "finds nothing like"),
        ("face", {}, "needs the officer"),
        ("vouch", {}, "needs the officer"),
        ("document", {}, "needs the officer"),
        ("thaid", {}, "needs a level"),
        ("register", {}, "needs a level"),
        ("card_chip", {"stated": Ial.IAL2_3}, "states no level"),
        ("recovery", {"finding": "weak"}, "needs a level"),
        ("phone", {"at": NOW.replace(tzinfo=None)}, "naive"),
    ],
)
def test_evidence_that_cannot_be_is_not_made(method, more, why):
    with pytest.raises(ValueError, match=why):
        Evidence(**{"method": method, "source": "here", "at": NOW, **more})


def test_a_card_counts_until_its_own_end_and_for_five_years_at_most():
    """THAI.md 3b R3: card expiry or 5 years."""
    short, long = (Evidence("card_chip", "hcode:99001", NOW, expires_at=NOW + life) for life in (DAY, 9 * YEAR))

    assert (short.until, long.until) == (NOW + DAY, NOW + 5 * YEAR)


def test_card_data_whose_end_nobody_said_is_asked_again_after_a_year():
    assert Evidence("card_data", "dopa", NOW).until == NOW + YEAR


def test_evidence_counts_up_to_its_end_and_not_at_it():
    one = Evidence("card_chip", "hcode:99001", NOW, expires_at=NOW + DAY)

    assert one.counts_at(NOW + DAY * 0.99)
    assert not one.counts_at(NOW + DAY)


def test_a_phone_never_runs_out():
    assert Evidence("phone", "sms", NOW).counts_at(NOW + 50 * YEAR)


def test_what_speaks_against_somebody_never_counts_for_them():
    assert not Evidence("face", "hcode:99001", NOW, finding="mismatch", checked_by=OFFICER).counts_at(NOW)


def test_whoever_is_seen_is_seen_by_an_officer():
    assert {name for name, method in METHODS.items() if method.staff} == {"face", "document", "vouch"}
