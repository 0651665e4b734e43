"""Handles of a launch: for one organisation's application, hashed, forgotten."""

import pytest
from sqlalchemy import select

from consent.errors import NotAllowed, NotFound
from idp.oauth import clients, launches
from idp.oauth.launches import LaunchHandle
from tests.fakes import NOW, SECOND
from tests.idp.oauth.stage import query
from tests.idp.ward import LAUNCH, set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def begin(ward, client_id="clinic", **changes):
    told = {"legal_entity_id": ward.stage.hospital, "visit_id": ward.open(), "made_for": ward.doctor, "now": NOW}
    return launches.begin(ward.session, client_id, issuer="https://id.example.test", **{**told, **changes})


def test_the_address_names_the_issuer_and_a_handle_that_is_stored_hashed(ward):
    """SMART App Launch 2.2: `iss` and `launch`."""
    url = begin(ward)

    said = query(url)
    assert url.startswith(LAUNCH + "?")
    assert said["iss"] == "https://id.example.test"
    (row,) = ward.session.scalars(select(LaunchHandle)).all()
    assert row.handle_hash == clients.secret_hash(said["launch"])
    assert said["launch"] not in str(row.__dict__)


def test_only_an_own_application_that_can_be_launched_is(ward):
    """Another organisation's, one without an address, one that is suspended, and none at all: not found."""
    clients.suspend(ward.session, "clinic2", now=NOW)

    for wrong in ("portal", "robot", "clinic2", "nobody"):
        with pytest.raises(NotFound):
            begin(ward, wrong)
    assert [app.client_id for app in launches.apps_of(ward.session, ward.stage.hospital)] == ["clinic"]
    assert launches.apps_of(ward.session, ward.doctor) == []


def test_an_address_that_is_not_https_is_refused(ward):
    """As every link of a client."""
    with pytest.raises(NotAllowed):
        launches.register(ward.session, "clinic", "http://clinic.example.test/launch")


def test_old_handles_are_forgotten(ward):
    """Ten minutes."""
    begin(ward)

    assert launches.purge(ward.session, now=NOW + launches.LIFETIME) == 0
    assert launches.purge(ward.session, now=NOW + launches.LIFETIME + SECOND) == 1
