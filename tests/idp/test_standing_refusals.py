"""Refusals in general, chosen from a person's own history, and what they stop at a bedside."""

from uuid import uuid4

import pytest

from consent.audit import log
from consent.refusing import No
from consent.specificity import Level
from idp import standing_refusals
from tests.fakes import NOW
from tests.idp.ward import HERE, set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def refuse(ward, patient, no):
    told = {"subject_id": patient, "actor_id": patient, "aal": "1", "now": ward.now}
    return standing_refusals.make(ward.session, ward.ring, no, **told)


def issued(ward, patient):
    """The line of the patient's own log that tells of the doctor's token."""
    return next(one for one in log.of_subject(ward.session, patient) if one.event == "authz.granted")


def test_this_doctor_is_refused_by_a_line_of_the_log(ward):
    """Issue 5: "not this person". Nobody is named to the patient, and treatment by others goes on (rule 12)."""
    visit = ward.open()
    patient = ward.visit(visit).subject_id
    token = ward.token(visit)
    seen = standing_refusals.seen_in(ward.session, issued(ward, patient).id, patient)
    assert (seen.person, seen.hcode) == (str(ward.doctor), HERE)
    assert ward.active(token)

    refuse(ward, patient, No(Level.person, person=seen.person, recipient_id=seen.recipient_id, hcode=seen.hcode))

    assert not ward.active(token)
    heard = ward.answer(ward.launch(visit))
    assert heard["error"] == "access_denied"
    assert "refus" not in str(heard)
    assert [one.reason for one in ward.events("introspect.denied")] == ["standing_refusal"]


def test_a_refusal_of_somebody_else_does_not_stop_this_doctor(ward):
    """Catalogue rule 12: treatment by others goes on."""
    visit = ward.open()
    patient = ward.visit(visit).subject_id
    token = ward.token(visit)

    refuse(ward, patient, No(Level.person, person=str(ward.clerk), recipient_id=ward.stage.hospital, hcode=HERE))

    assert ward.active(token)


def test_a_visit_that_is_refused_opens_nothing_more(ward):
    """Issue 5: "not this visit"."""
    visit = ward.open()
    patient = ward.visit(visit).subject_id
    token = ward.token(visit)
    (stay,) = standing_refusals.stays_of(ward.session, patient)
    assert (stay.id, stay.hcode) == (visit, HERE)

    refuse(ward, patient, No(Level.visit, visit_id=stay.id))

    assert not ward.active(token)


def test_the_place_and_the_past_do_not_stop_care_in_a_visit(ward):
    """Catalogue rule 12: no refusal blocks treatment as such."""
    visit = ward.open()
    patient = ward.visit(visit).subject_id
    token = ward.token(visit)
    place = standing_refusals.place(ward.session, HERE)

    refuse(ward, patient, No(Level.facility, recipient_id=place.recipient_id, hcode=place.hcode))
    refuse(ward, patient, No(Level.period, data_until=NOW.date()))

    assert ward.active(token)


def test_only_the_own_lines_of_staff_name_somebody_to_refuse(ward):
    """Another's line is as unknown as one that never was; what a machine did has no person behind it."""
    visit = ward.open()
    patient = ward.visit(visit).subject_id
    ward.active(ward.token(visit))
    line = issued(ward, patient)
    by_machine = next(one for one in log.of_subject(ward.session, patient) if one.actor_kind == "client")

    assert standing_refusals.seen_in(ward.session, line.id, ward.doctor) is None
    for unknown in (uuid4(), None, by_machine.id):
        assert standing_refusals.seen_in(ward.session, unknown, patient) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [(HERE, [HERE]), ("", []), ("ก", []), ("%", []), ("__", []), ("no such place", [])],
)
def test_a_place_is_found_by_its_code_or_a_part_of_its_name(ward, text, found):
    """One letter finds nothing, and no letter is a wildcard."""
    assert [one.hcode for one in standing_refusals.places_named(ward.session, text)] == found


def test_a_place_is_found_by_its_thai_name(ward):
    """As people call it."""
    place = standing_refusals.place(ward.session, HERE)
    found = standing_refusals.places_named(ward.session, f"  {place.name_th[:8]} ")
    assert HERE in [one.hcode for one in found]
    assert standing_refusals.place(ward.session, "00000") is None
