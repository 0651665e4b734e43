"""Opening and ending a visit: told and not asked, once, by a card; in one transaction with its entries."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import update

from consent import records
from consent.errors import NotAllowed, NotFound
from consent.records import Key
from idp import counter, subjects
from idp.counter import readings
from idp.directory import Facility
from idp.subjects import Subject
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND
from tests.idp.oauth.stage import person
from tests.idp.ward import HERE, THERE, card, set_up

NEWCOMER = "1999000010080"


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def standing(ward, subject_id):
    return records.standing(ward.session, Key(subject_id, ward.stage.hospital, "any", "CARE"))


def test_opening_tells_and_asks_nothing(ward):
    """PDPA s.26(5)(a) and s.27: a notice with its basis, by the clerk, about the patient; no consent anywhere."""
    visit = ward.visit(ward.open())

    record = records.get(ward.session, visit.record_id, subject_id=ward.stage.citizen)
    assert (record.kind, record.basis, record.channel, record.explicit) == ("notice", "TREAT", "counter", False)
    assert standing(ward, ward.stage.citizen).state == "noticed"
    assert ward.events("consent.given") == []
    (told,), (opened,) = ward.events("disclosure.recorded"), ward.events("visit.opened")
    assert {told.actor_kind, opened.actor_kind} == {"staff"}
    assert told.actor == opened.actor != opened.subject == told.subject
    assert (opened.purpose, opened.basis, opened.consent_id) == ("CARE", "TREAT", record.id)
    assert opened.codes == ("hcode:99001", "role:clerk", "shown:card")


def test_pressing_twice_opens_once(ward):
    """The card that was read is used up by one conditional update; the second press gets the first one's visit."""
    reading = ward.read()

    assert ward.press(reading) == ward.press(reading)
    assert len(ward.events("visit.opened")) == 1


def test_a_card_that_opened_a_visit_opens_no_second_one(ward):
    """Going back to the old page after the visit's end leads to what is over; a new visit needs the card again."""
    reading = ward.read()
    visit_id = ward.press(reading)
    ward.end(visit_id)

    assert ward.press(reading) == visit_id
    assert len(ward.events("visit.opened")) == 1


def test_a_second_card_reading_leads_to_the_visit_that_is_open(ward):
    """One person has one visit at one facility at a time."""
    first = ward.open()

    assert ward.later(HOUR).open() == first
    assert len(ward.events("visit.opened")) == 1


def test_a_visit_that_somebody_forgot_to_end_makes_room(ward):
    """After a day it is over; the next card opens the next visit, and the end is written."""
    first = ward.open()

    second = ward.later(DAY).open()

    assert second != first
    assert ward.visit(first).end_reason == "lapsed"
    assert [entry.reason for entry in ward.events("visit.ended")] == ["lapsed"]


def test_two_facilities_of_one_organisation_are_two_visits(ward):
    """A visit is at one place."""
    here = ward.open()
    there = ward.open(ward.desk(ward.doctor, THERE))

    assert here != there
    assert ward.visit(there).hcode == THERE


@pytest.mark.parametrize(("change", "code"), [("deceased", "deceased"), ("closed", "account_closed")])
def test_no_visit_for_an_account_that_is_shut(ward, change, code):
    """Said with its reason, and nothing written."""
    reading = ward.read()
    ward.session.execute(update(Subject).where(Subject.id == ward.stage.citizen).values(status=change))
    ward.session.expire_all()

    with pytest.raises(NotAllowed) as refused:
        ward.press(reading)
    assert refused.value.code == code


def test_a_lapsed_facility_licence_opens_nothing(ward):
    """Catalogue rule 5: of this facility, not of another one of the same organisation."""
    reading = ward.read()
    ward.session.execute(update(Facility).where(Facility.hcode == HERE).values(licence_valid_until=NOW.date() - DAY))
    ward.session.expire_all()
    desk = replace(ward.at_desk, place=replace(ward.at_desk.place, licence_valid_until=NOW.date() - DAY))

    with pytest.raises(NotAllowed) as refused:
        ward.press(reading, desk=desk)
    assert refused.value.code == "facility_licence"


def test_nobody_opens_a_visit_for_themselves(ward):
    """A witness is somebody else."""
    with pytest.raises(NotAllowed) as refused:
        ward.open(national_id="2999000010053")
    assert refused.value.code == "own_card"


def test_a_card_that_lay_too_long_opens_nothing(ward):
    """Five minutes."""
    reading = ward.read()

    with pytest.raises(NotFound):
        ward.later(readings.KEPT_OPEN).press(reading)


def test_somebody_without_an_account_is_treated_and_the_register_alone_sets_their_level(ward):
    """A card proves who stands here; it does not raise an account whose phone nobody has checked."""
    known = replace(person(), attested_ial="1.1")

    visit = ward.visit(ward.open(national_id=NEWCOMER, person=known))

    account = subjects.get(ward.session, visit.subject_id)
    assert (account.ial, visit.ial) == ("1.1", "1.3")
    assert subjects.profile(ward.session, ward.ring, account.id).phone == "+66100000035"


def test_somebody_whom_no_register_knows_gets_an_account_from_the_card_alone(ward):
    """Without a phone nobody can sign in to it; care goes on."""
    visit = ward.visit(ward.open(national_id=NEWCOMER))

    made = subjects.profile(ward.session, ward.ring, visit.subject_id)
    assert (made.name_th, made.phone) == ("สมชาย ใจสมมติ", "")
    assert subjects.get(ward.session, visit.subject_id).ial == "1.1"


def test_an_account_keeps_its_own_level(ward):
    """Whoever holds the account's phone may be somebody else than whoever holds the card."""
    ward.session.execute(update(Subject).where(Subject.id == ward.stage.citizen).values(ial="1.1"))
    ward.session.expire_all()

    ward.open()

    assert subjects.get(ward.session, ward.stage.citizen).ial == "1.1"


def test_ending_ends_the_tokens_and_the_notice_with_it_once(ward):
    """Catalogue: CARE ends on the visit. The move of the standing has its number in the entry (DECISIONS 16)."""
    visit_id = ward.open()
    token = ward.token(visit_id)
    assert ward.active(token)

    over = ward.later(HOUR)
    over.end(visit_id)
    over.end(visit_id)

    assert not over.active(token)
    assert standing(ward, ward.stage.citizen).expires_at == NOW + HOUR
    (entry,) = ward.events("visit.ended")
    assert (entry.move, entry.purpose, entry.reason) == (2, "CARE", "ended")
    (revoked,) = ward.events("token.revoked")
    assert revoked.subject == entry.subject


def test_the_end_of_an_older_visit_leaves_the_newer_ones_notice(ward):
    """Two facilities, one key: what was told last stands."""
    here = ward.open()
    ward.open(ward.desk(ward.doctor, THERE))

    ward.end(here)

    assert standing(ward, ward.stage.citizen).expires_at == NOW + DAY
    assert [entry.move for entry in ward.events("visit.ended")] == [0]


def test_the_end_of_one_visit_stops_nobody_at_the_other_facility(ward):
    """One notice stands for all facilities of an organisation: it ends with the last of their visits."""
    here, there = ward.open(), ward.open(ward.desk(ward.doctor, THERE))
    token = ward.token(here)

    over = ward.later(MINUTE)
    over.end(there)

    assert over.active(token)
    assert ward.events("visit.ended")[-1].move == 0
    over.end(here)
    assert not over.active(token)
    assert standing(ward, ward.stage.citizen).expires_at == NOW + MINUTE
    assert ward.events("visit.ended")[-1].move > 0


def test_the_worker_ends_what_a_day_has_ended(ward):
    """Nobody has to remember; the log says that it was the worker."""
    visit_id = ward.open()

    assert counter.purge(ward.session, now=NOW + DAY - SECOND) == 1  # the card
    assert counter.purge(ward.session, now=NOW + DAY) == 1
    assert ward.visit(visit_id).end_reason == "lapsed"
    assert [entry.actor_kind for entry in ward.events("visit.ended")] == ["system"]


def test_two_presses_at_once_open_one_visit(sessions, ring, settings):
    """Two processes, one card: the conditional update lets one win, and both get its visit."""
    with sessions.writing() as session:
        ward = set_up(session, ring, settings)
        reading, desk = ward.read(), ward.at_desk
    found, together = [], threading.Barrier(2)

    def press():
        together.wait()
        with sessions.writing() as own:
            told = {"person": None, "desk": desk, "locale": "th", "now": NOW}
            found.append(counter.open_visit(own, ring, reading, **told))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1


def test_the_notice_names_the_receiver_in_the_language_of_the_page(ward):
    """PDPA s.23: who receives."""
    lines = {
        locale: counter.told(ward.session, recipient_name=name, locale=locale).lines
        for locale, name in (("th", "โรงพยาบาลตัวอย่าง"), ("en", "Example Hospital"))
    }

    assert "โรงพยาบาลตัวอย่าง" in lines["th"][1]
    assert "Example Hospital" in lines["en"][1]
    assert card().name("en") == "Somchai Jaisommut"
