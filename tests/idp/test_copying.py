"""A copy of one's own data holds nobody else's: what a clinician or a guardian opened stays the other person's."""

import json

import pytest
from sqlalchemy import select

from idp import copying
from idp.oauth.grants import Grant, GrantConsent
from idp.visits import Visit
from tests.idp.ward import set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def copied(ward, person):
    """The copy as the person gets it: (the document, its text)."""
    document = copying.make(ward.session, ward.ring, person, now=ward.now)
    return document, json.dumps(document)


def test_s30_a_clinicians_copy_names_no_consent_and_no_visit_of_a_patient(ward):
    """PDPA s.30 gives one's own data: the grant is there, with what it opened and when; whose, by which record: not."""
    ward.token()
    grant = ward.session.scalars(select(Grant)).one()
    records = ward.session.scalars(select(GrantConsent.record_id)).all()
    visit = ward.session.scalars(select(Visit)).one()
    grant.ended_over = visit.record_id
    ward.session.flush()

    document, text = copied(ward, ward.doctor)

    (row,) = document["held"]["oauth_grant"]
    assert (row["subject_id"], row["patient_id"]) == ("you", "another person")
    assert "user/Observation.rs" in row["scopes"]
    assert records
    assert [str(one) for one in (*records, visit.id, visit.record_id) if str(one) in text] == []
    assert "grant_consent" not in document["held"]


def test_s30_the_patients_copy_names_them(ward):
    """The same rows are the patient's own, as far as they are about the patient."""
    ward.token()
    record = ward.session.scalars(select(GrantConsent.record_id)).first()
    visit = ward.session.scalars(select(Visit)).one()

    document, text = copied(ward, ward.stage.citizen)

    (row,) = document["held"]["oauth_grant"]
    assert (row["subject_id"], row["patient_id"]) == ("another person", "you")
    assert row["visit_id"] == str(visit.id)
    assert str(record) in {one["record_id"] for one in document["held"]["grant_consent"]}
    assert str(ward.doctor) not in text
