"""A case on a desk: which step is due, one result a step, a minute without a key, one session."""

from datetime import date

import pytest

from consent.errors import Conflict, NotFound
from idp import desk_cases
from idp.desk_cases import LIFETIME, STEPS, Case, Shown
from idp.readings import IDLE
from tests.fakes import MINUTE, NOW, SECOND
from tests.idp.ward import THERE, card, set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def begun(ward, *, chip="good", **changes):
    """A case of the clerk's desk."""
    ward.at_desk = ward.desk()
    shown = desk_cases.of_card(card(**changes))
    return desk_cases.begin(ward.session, ward.ring, shown, desk=ward.at_desk, chip=chip, now=NOW)


def look(ward, case_id, *, desk=None, now=NOW):
    return desk_cases.look(ward.session, ward.ring, case_id, desk=desk or ward.at_desk, now=now)


def case(**results):
    """A case with these results."""
    facts = dict.fromkeys(STEPS, "") | results
    return Case(None, desk_cases.of_card(card()), None, **facts, ial="", expires_at=NOW)


@pytest.mark.parametrize(
    ("results", "due"),
    [
        ({}, "chip"),
        ({"chip": "good"}, "face"),
        ({"chip": "unavailable"}, "face"),
        ({"chip": "mismatch"}, "stopped"),
        ({"chip": "incomplete"}, "stopped"),
        ({"chip": "good", "face": "no_match"}, "stopped"),
        ({"chip": "good", "face": "match"}, "reach"),
        ({"chip": "good", "face": "colleague", "reach": "none"}, "passkey"),
        ({"chip": "good", "face": "match", "reach": "proved", "passkey": "later"}, "slip"),
    ],
)
def test_the_step_that_is_due(results, due):
    """Card, chip, face, phone, passkey, slip: in this order, and two ways end it."""
    assert case(**results).due == due


def test_a_step_has_one_result(ward):
    """Pressing twice, or two windows: the first one counts."""
    found = begun(ward)

    assert desk_cases.settle(ward.session, found, "face", "match", now=NOW)
    assert not desk_cases.settle(ward.session, found, "face", "no_match", now=NOW)
    assert look(ward, found).face == "match"


def test_a_case_is_for_its_session_and_facility(ward):
    """A colleague's session, or another workplace, finds nothing."""
    found = begun(ward)

    assert look(ward, found).shown.name("en") == "Somchai Jaisommut"
    for other in (ward.desk(ward.doctor), ward.desk(ward.doctor, THERE)):
        with pytest.raises(NotFound):
            look(ward, found, desk=other)


def test_a_minute_without_a_key_ends_it_for_good(ward):
    """What was left alone does not come back by pressing a key."""
    found = begun(ward)

    assert look(ward, found, now=NOW + IDLE - SECOND)
    with pytest.raises(NotFound):
        look(ward, found, now=NOW + IDLE)
    with pytest.raises(Conflict):
        desk_cases.touch(ward.session, found, now=NOW + IDLE)


def test_keys_keep_it_awake_for_twenty_minutes_at_most(ward):
    """The limit counts from the beginning."""
    found = begun(ward)
    for n in range(1, 24):
        desk_cases.touch(ward.session, found, now=NOW + n * 50 * SECOND)

    assert look(ward, found, now=NOW + LIFETIME - SECOND)
    with pytest.raises(NotFound):
        look(ward, found, now=NOW + LIFETIME)


def test_a_person_at_their_own_phone_stops_the_clock(ward):
    """Nobody has to press keys at the desk while the phone is at work, for as long as that is good."""
    found = begun(ward)
    desk_cases.touch(ward.session, found, now=NOW, quiet_until=NOW + 5 * MINUTE)

    assert look(ward, found, now=NOW + 5 * MINUTE - SECOND)
    with pytest.raises(NotFound):
        look(ward, found, now=NOW + 5 * MINUTE)


def test_what_was_laid_down_is_sealed_and_gone_when_the_person_leaves(ward):
    """A copied database tells nobody; a closed case tells the server neither."""
    found = begun(ward)
    row = ward.session.get(desk_cases.DeskCase, found)
    assert b"3999000010035" not in row.facts

    desk_cases.close(ward.session, found, now=NOW)

    ward.session.refresh(row)
    assert row.facts == b""
    with pytest.raises(NotFound):
        look(ward, found)


def test_cases_are_forgotten(ward):
    """Nothing outlives its time for long."""
    begun(ward)

    assert desk_cases.purge(ward.session, now=NOW + LIFETIME) == 0
    assert desk_cases.purge(ward.session, now=NOW + LIFETIME + SECOND) == 1


def test_what_a_register_would_know_comes_from_the_card_without_phone_and_level():
    """An account that is made from a card alone starts at the bottom."""
    shown = desk_cases.of_card(card(expires_on=date(2030, 1, 1)))

    person = shown.person()
    assert (person.given_name_th, person.phone) == ("สมชาย", "")
    assert person.attested_ial == "1.1"
    assert shown.national_id == "3999000010035"


def test_a_passport_is_no_national_id():
    """Nobody can ask for a code with it."""
    shown = Shown("passport", "MB123456", "", "มิน", "", "", "Min", "", "1990", "male", None, issuer="MMR")

    assert (shown.national_id, shown.name("en")) == (None, "Min")


def test_the_photo_of_the_chip_is_gone_once_the_officer_has_looked(ward):
    """PDPA s.26: a face stays nowhere; a photo of several kilobytes fits."""
    found = begun(ward, photo="A" * 9000)
    assert look(ward, found).shown.photo == "A" * 9000

    desk_cases.forget_photo(ward.session, ward.ring, look(ward, found))

    assert look(ward, found).shown.photo == ""
