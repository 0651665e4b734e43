"""What of a request may be answered by whoever is signed in: nobody is asked for what is not theirs to give."""

import pytest

from idp import authorizing, on_behalf, proxies
from idp.assurance import Ial
from tests.fakes import HOUR
from tests.idp.home import SCOPE, set_up


@pytest.fixture
def home(session, ring, settings):
    """A mother with a child of 8 and one of 15."""
    return set_up(session, ring, settings)


def looked(home, who, ward=None, **changes):
    """Every purpose of a request, as this person meets it."""
    link = home.links.get(ward or "")
    acting = link and proxies.running(home.session, link.id, guardian_id=home.people[who], now=home.now)
    request = home.stage.check(**{"scope": SCOPE, **changes})
    found = authorizing.looked_up(home.stage.context, request, home.signed_in(who), acting=acting)
    return {one.code: one for one in found}


def waits(home, *told, **changes):
    return {code for code, one in looked(home, *told, **changes).items() if one.waits(since=home.now)}


def test_for_a_ward_only_what_can_be_a_wards_is_asked(home):
    """The sign-in is one's own; what UserInfo alone tells of who signed in is in no ward's grant."""
    asked = looked(home, "mother", "child", scope=f"{SCOPE} profile email moph.demographics")

    assert set(asked) == {"SIGNIN", "EHR-SHARE"}
    assert on_behalf.of_ward({"CONTACT": ["email"], "EHR-SHARE": ["patient/Encounter.rs"]}) == {
        "EHR-SHARE": ["patient/Encounter.rs"]
    }


def test_a_child_under_ten_is_asked_nothing(home):
    """PDPA s.20: should they ever sit there, signed in."""
    assert "EHR-SHARE" not in waits(home, "child")


def test_a_young_person_without_anybody_beside_them_is_asked_nothing(home):
    """The guardianship ended: their yes could never be completed."""
    assert "EHR-SHARE" in waits(home, "teen")

    home.end("teen")

    assert "EHR-SHARE" not in waits(home, "teen")


def test_who_has_signed_is_not_asked_again_while_it_waits(home):
    """Unless the service asks anew; then once, without going round in circles."""
    home.say_yes("teen")

    assert "EHR-SHARE" not in waits(home, "teen")
    assert "EHR-SHARE" not in waits(home, "teen", prompt="consent")
    assert "EHR-SHARE" in waits(home.later(HOUR), "teen", prompt="consent")


def test_the_other_one_is_asked_and_completes_it(home):
    """The first yes of the young person; the mother meets the question at the service."""
    home.say_yes("teen")

    assert "EHR-SHARE" in waits(home, "mother", "teen")


def test_a_standing_consent_is_looked_at_without_any_question_of_age(home):
    """Where everything stands, nothing more is read than before."""
    home.stage.agree("SIGNIN", "EHR-SHARE")

    found = looked(home, "mother")

    assert all(one.verdict.permit and not one.barred and one.proposed_at is None for one in found.values())


def test_the_weaker_of_two_levels_counts():
    """A ward must be known as surely as who acts for them."""
    assert proxies.weaker(Ial.IAL2_2, Ial.IAL1_3) is Ial.IAL1_3
    assert proxies.weaker(Ial.IAL1_1, Ial.IAL2_3) is Ial.IAL1_1
