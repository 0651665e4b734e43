"""One active affiliation a staff session: chosen among one's own, asked of the directory at each request."""

from dataclasses import replace
from uuid import uuid4

import pytest

from consent.errors import NotFound
from idp import directory
from idp.login import affiliations
from idp.login import sessions as sign_ins
from tests.fakes import MINUTE, NOW
from tests.idp.ward import HERE, THERE, set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor of two places."""
    return set_up(session, ring, settings)


def choose(ward, at, assignment_id, *, person=None):
    affiliations.choose(ward.session, at.id_hash, person or at.subject_id, assignment_id, now=NOW)
    return found(ward, at)


def found(ward, at):
    """The session as the next request finds it."""
    row = ward.session.get_one(sign_ins.SignInSession, at.id_hash, populate_existing=True)
    return replace(at, assignment_id=row.assignment_id)


def test_what_was_chosen_is_active_until_something_else_is(ward):
    """One at a time; the choice is an entry with facility and role."""
    at = ward.signed_in(ward.doctor, hcode=None)
    assert affiliations.active(ward.session, at, now=NOW) is None
    places = {(one.hcode, one.role): one.id for one in directory.affiliations_of(ward.session, ward.doctor, now=NOW)}

    for hcode in (HERE, THERE):
        at = choose(ward, at, places[hcode, "practitioner"])
        assert affiliations.active(ward.session, at, now=NOW).hcode == hcode

    codes = [entry.codes for entry in ward.events("affiliation.chosen")]
    assert codes == [("hcode:99001", "role:practitioner"), ("hcode:99011", "role:practitioner")]


def test_nobody_chooses_what_is_not_theirs(ward):
    """Another's assignment, a made-up one, one that is over."""
    at = ward.signed_in(ward.doctor)
    (clerks,) = directory.affiliations_of(ward.session, ward.clerk, now=NOW)
    for wrong in (clerks.id, uuid4()):
        with pytest.raises(NotFound):
            choose(ward, at, wrong)

    clerk = ward.signed_in(ward.clerk)
    directory.end_assignment(ward.session, clerks.id, ended_by=None, now=NOW + MINUTE)
    with pytest.raises(NotFound):
        affiliations.choose(ward.session, clerk.id_hash, ward.clerk, clerks.id, now=NOW + MINUTE)


def test_a_session_that_ended_or_a_citizens_takes_no_workplace(ward):
    """The conditional UPDATE names a running staff session."""
    at = ward.signed_in(ward.clerk)
    sign_ins.end(ward.session, at.id_hash, now=NOW)
    with pytest.raises(NotFound):
        choose(ward, at, at.assignment_id)

    settings = ward.stage.context.settings
    told = {"subject_id": ward.clerk, "kind": "citizen", "factors": {"sms"}, "device": "?"}
    token = sign_ins.start(ward.session, settings=settings, now=NOW, **told)
    home = sign_ins.find(ward.session, token, settings=settings, now=NOW)
    with pytest.raises(NotFound):
        choose(ward, home, at.assignment_id)
    assert affiliations.active(ward.session, replace(at, kind="citizen"), now=NOW) is None


def test_a_role_that_ends_is_active_no_more_though_the_session_lives(ward):
    """Checked live at each request."""
    at = ward.signed_in(ward.clerk)
    assert affiliations.active(ward.session, at, now=NOW)

    directory.end_assignment(ward.session, at.assignment_id, ended_by=None, now=NOW + MINUTE)

    assert affiliations.active(ward.session, at, now=NOW + MINUTE) is None
