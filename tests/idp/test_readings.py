"""A card on the desk: sealed, for five minutes, for the session that read it; and why no visit opens on it."""

from datetime import date

import pytest
from sqlalchemy import select, update

from consent.errors import NotFound
from idp import readings
from idp.readings import IDLE, KEPT_OPEN, CardReading, refusal
from idp.subjects import Subject
from tests.fakes import NOW, SECOND
from tests.idp.oauth.stage import person
from tests.idp.ward import THERE, card, set_up

TODAY = date(2026, 11, 23)


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def look(ward, reading, *, desk=None, **more):
    told = {"desk": desk or ward.at_desk, "now": ward.now, **more}
    return readings.look(ward.session, ward.ring, reading, **told)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"licensed": False}, "facility_licence"),
        ({"witness": False}, "staff_level"),
        ({"card": card(expires_on=date(2026, 11, 22))}, "card_expired"),
        ({"card": card(expires_on=TODAY)}, None),
        ({"card": card(expires_on=None)}, None),
        ({"status": "deceased"}, "deceased"),
        ({"status": "closed"}, "account_closed"),
        ({"own": True}, "own_card"),
        ({"card": card(birth_date="2018-03-14")}, None),
        ({"card": card(birth_date="")}, None),
    ],
)
def test_why_no_visit_opens_on_a_card(changes, code):
    """A child is treated like everybody; a card that has run out, a dead holder and one's own card open nothing."""
    facts = {"card": card(), "status": "active", "own": False, "licensed": True, "witness": True, "today": TODAY}
    facts |= changes

    assert refusal(facts.pop("card"), **facts) == code


def test_a_card_is_read_back_as_the_chip_said_it(ward):
    """Sealed and opened again, with the day it runs out, or none."""
    for given in (card(), card(expires_on=None)):
        reading = readings.keep(ward.session, ward.ring, given, desk=ward.desk(), now=NOW)
        row = ward.session.get_one(CardReading, reading)
        assert readings.opened(ward.ring, row) == given
        assert b"3999000010035" not in row.card


def test_a_card_is_for_the_session_and_facility_that_read_it_and_for_five_minutes(ward):
    """Nobody picks up a card that a colleague left, and nobody goes on with it at another place."""
    reading = ward.read()
    colleague = ward.desk(ward.doctor)
    elsewhere = ward.desk(ward.doctor, THERE)

    assert look(ward, reading).refusal is None
    for other in (colleague, elsewhere):
        with pytest.raises(NotFound):
            look(ward, reading, desk=other)
    for n in range(1, 7):
        readings.touch(ward.session, reading, desk=ward.at_desk, now=NOW + n * 49 * SECOND)
    assert look(ward, reading, now=NOW + KEPT_OPEN - SECOND)
    with pytest.raises(NotFound):
        look(ward, reading, now=NOW + KEPT_OPEN)


def test_a_card_that_nobody_looks_at_for_a_minute_is_gone(ward):
    """PAGES, counter: idle 60 s wipes. The server refuses it too, and looking again does not bring it back."""
    reading = ward.read()

    assert look(ward, reading, now=NOW + IDLE - SECOND)
    with pytest.raises(NotFound):
        look(ward, reading, now=NOW + IDLE)
    readings.touch(ward.session, reading, desk=ward.at_desk, now=NOW + IDLE)
    with pytest.raises(NotFound):
        look(ward, reading, now=NOW + IDLE + SECOND)


def test_only_its_own_session_keeps_a_card_awake(ward):
    """A colleague's page does not hold another desk's card."""
    reading = ward.read()

    readings.touch(ward.session, reading, desk=ward.desk(ward.doctor), now=NOW + 30 * SECOND)

    with pytest.raises(NotFound):
        look(ward, reading, now=NOW + IDLE)


def test_reading_a_card_is_an_entry_by_the_clerk_at_the_facility(ward):
    """THAI 1c: proofing.card_read is for the citizen's eyes."""
    ward.read()

    (entry,) = ward.events("proofing.card_read")
    assert (entry.actor_kind, entry.codes, entry.ial) == ("staff", ("hcode:99001", "role:clerk"), "1.3")
    assert entry.subject
    assert entry.subject != entry.actor


def test_the_register_says_who_has_died_before_anything_is_made(ward):
    """Nobody opens an account for somebody who has died."""
    reading = ward.read(national_id="1999000010161")
    gone = person()
    gone = type(gone)(**{**gone.__dict__, "status": "deceased"})

    assert look(ward, reading, person=gone).refusal == "deceased"
    assert look(ward, reading).refusal is None


def test_a_clerk_whose_own_identity_is_too_weak_witnesses_nothing(ward):
    """Catalogue rule 4: a staff witness at the row's staff levels."""
    reading = ward.read()
    ward.session.execute(update(Subject).where(Subject.id == ward.clerk).values(ial="1.3"))
    ward.session.expire_all()

    assert look(ward, reading).refusal == "staff_level"


def test_cards_are_forgotten(ward):
    """Nothing of a card outlives its five minutes for long."""
    ward.read()

    assert readings.purge(ward.session, now=NOW + KEPT_OPEN) == 0
    assert readings.purge(ward.session, now=NOW + KEPT_OPEN + SECOND) == 1
    assert ward.session.scalars(select(CardReading)).all() == []
