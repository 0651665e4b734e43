"""What holders report about their own reads: only their own, once, and nothing personal (DECISIONS 20, 21)."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from idp import reports
from idp.fhir import systems
from idp.fhir.outcome import Unfit
from idp.oauth import clients, resources
from tests import leaks
from tests.fakes import DAY, MINUTE, NOW
from tests.idp.fhir.reports import HOLDER, data, event, patient
from tests.idp.oauth.stage import OTHER_HOLDER, claims_of, set_up


@pytest.fixture
def stage(session, ring, settings):
    """One hospital with its clients, one data holder, one citizen."""
    return set_up(session, ring, settings)


@pytest.fixture
def read(stage):
    """The citizen shared allergies with the portal; the claims of its token."""
    return claims_of(stage.tokens("SIGNIN", "EHR-SHARE", scope="openid profile purpose:EHR-SHARE")["access_token"])


def holder(stage):
    return clients.find(stage.context.session, "holder")


def told(stage):
    rows = stage.context.session.scalars(select(AuditEntry.leaf_bytes).order_by(AuditEntry.id))
    entries = [from_bytes(bytes(leaf)) for leaf in rows]
    return [one for one in entries if one.event in (reports.OPENED, reports.REFUSED)]


def posted(stage, read, **changes):
    body = event(read["grant_id"], read["sub"], at=stage.context.now, issuer=stage.context.issuer, **changes)
    return reports.receive(stage.context, holder(stage), body)


def test_a_read_becomes_an_entry_that_says_who_what_when_and_why(stage, read):
    """PDPA s.30: which data, by whom, on which consent."""
    posted(stage, read, recorded=(stage.context.now - MINUTE).isoformat())

    (entry,) = told(stage)
    assert entry.purpose == "EHR-SHARE"
    assert entry.basis == "C26"
    assert entry.client_id == "portal"
    assert entry.recipient_id == stage.hospital
    assert entry.holder == HOLDER
    assert entry.consent_id is not None
    assert "data:allergies" in entry.codes
    assert f"read:{(NOW - MINUTE).isoformat().replace('+00:00', 'Z')}" in entry.codes
    assert (entry.actor_kind, entry.actor) == ("client", "holder")


def test_the_same_report_twice_is_one_entry(stage, read):
    """A holder that heard no answer sends again."""
    body = event(read["grant_id"], read["sub"], at=stage.context.now, issuer=stage.context.issuer)

    first = reports.receive(stage.context, holder(stage), body)
    again = reports.receive(stage.context, holder(stage), body)

    assert (first[1], again[1]) == (True, False)
    assert len(told(stage)) == 1


def test_another_story_under_the_same_id_is_refused(stage, read):
    """What was told once is not told otherwise later."""
    same = str(uuid4())
    posted(stage, read, id=same)

    with pytest.raises(Unfit) as refused:
        posted(stage, read, id=same, outcome="4")

    assert refused.value.status == 409
    assert len(told(stage)) == 1


def test_a_holder_reports_only_about_its_own_place(stage, read):
    """Nobody writes another holder's history."""
    with pytest.raises(Unfit) as refused:
        posted(stage, read, source={"observer": {"identifier": {"value": OTHER_HOLDER}}})

    assert refused.value.status == 403
    assert told(stage) == []


@pytest.mark.parametrize("wrong", ["grant", "sub", "both"])
def test_what_this_place_cannot_know_is_refused_alike(stage, read, wrong):
    """A guess at a grant or a person tells nothing: unknown and another's look the same."""
    grant = uuid4() if wrong != "sub" else read["grant_id"]
    sub = "0" * 64 if wrong != "grant" else read["sub"]
    body = event(grant, sub, at=stage.context.now, issuer=stage.context.issuer)

    with pytest.raises(Unfit) as refused:
        reports.receive(stage.context, holder(stage), body)

    assert (refused.value.status, refused.value.code) == (422, "not-found")
    assert told(stage) == []


def test_a_person_of_another_sector_is_not_known_here(stage, read):
    """DECISIONS 7: a `sub` is good at one holder alone."""
    elsewhere = stage.context.ring.pairwise(stage.citizen, "labs.example.test")
    body = event(read["grant_id"], elsewhere, at=stage.context.now, issuer=stage.context.issuer)

    with pytest.raises(Unfit) as refused:
        reports.receive(stage.context, holder(stage), body)

    assert refused.value.code == "not-found"


def test_names_and_addresses_of_a_report_go_nowhere(stage, read):
    """DECISIONS 19: only words of closed lists stay; whatever else a holder sends is not even kept."""
    agent = {
        "requestor": True,
        "policy": [f"{stage.context.issuer}/grants/{read['grant_id']}"],
        "name": "สมชาย ใจสมมติ 3999000010035",
        "altId": "somchai@example.test",
        "network": {"address": "203.0.113.9"},
    }
    entity = [patient(read["sub"]), {**data("AllergyIntolerance"), "name": "สมชาย ใจสมมติ", "description": "HIV"}]

    posted(stage, read, agent=[agent], entity=entity)

    (entry,) = told(stage)
    assert not leaks.found_in(str(entry))
    assert not any(word in str(entry) for word in ("HIV", "203.0.113.9", "example.test/", "somchai"))
    kept = stage.context.session.scalars(select(reports.HolderReport.body_mac)).all()
    assert all(len(mac) == 64 for mac in kept)


@pytest.mark.parametrize(
    ("outcome", "event_name", "said"),
    [("0", reports.OPENED, "ok"), ("4", reports.REFUSED, "denied"), ("8", reports.REFUSED, "failed")],
)
def test_attempts_and_refusals_are_told_too(stage, read, outcome, event_name, said):
    """The citizen reads of tries as well."""
    posted(stage, read, outcome=outcome)

    (entry,) = told(stage)
    assert (entry.event, entry.outcome) == (event_name, said)


def test_more_than_was_granted_is_told_as_such(stage, read):
    """A holder that opened too much says so, and the person reads it."""
    posted(stage, read, entity=[patient(read["sub"]), data("AllergyIntolerance"), data("Immunization")])

    by_purpose = {entry.purpose: entry for entry in told(stage)}
    assert by_purpose[""].reason == reports.BEYOND
    assert "data:immunizations" in by_purpose[""].codes
    assert "data:allergies" in by_purpose["EHR-SHARE"].codes


def test_a_unit_is_named_by_closed_words(stage, read):
    """Who: the unit and the part in it, never a person."""
    role = {"coding": [{"system": stage.context.issuer + systems.UNITS, "code": "ER"}]}
    agent = {
        "requestor": True,
        "policy": [f"{stage.context.issuer}/grants/{read['grant_id']}"],
        "who": {"identifier": {"system": systems.HCODE, "value": "99001"}},
        "role": [role],
    }

    posted(stage, read, agent=[agent])

    (entry,) = told(stage)
    assert {"hcode:99001", "unit:ER"} <= set(entry.codes)


def test_a_facility_of_somebody_else_is_refused(stage, read):
    """A report cannot pin a read on another hospital."""
    agent = {
        "requestor": True,
        "policy": [f"{stage.context.issuer}/grants/{read['grant_id']}"],
        "who": {"identifier": {"system": systems.HCODE, "value": "99777"}},
    }

    with pytest.raises(Unfit):
        posted(stage, read, agent=[agent])


def test_a_read_before_a_withdrawal_is_told_after_it(stage, read):
    """It happened: the end of the grant does not hide it."""
    from idp.oauth import grants  # noqa: PLC0415 -- only here

    grants.end(stage.context.session, UUID(read["grant_id"]), reason="withdrawn", now=stage.context.now)

    posted(stage, read)

    assert len(told(stage)) == 1


def test_coverage_names_the_holders_and_when_each_last_spoke(stage, read):
    """Silence is visible: a place that never reported says so."""
    before = reports.coverage(stage.context.session, stage.citizen)
    posted(stage, read)
    after = reports.coverage(stage.context.session, stage.citizen)

    assert [(one.holder, one.last) for one in before] == [(HOLDER, None)]
    assert [(one.holder, one.last) for one in after] == [(HOLDER, NOW)]


def test_reports_are_never_changed_nor_deleted(stage, read):
    """Kept at least three years: nothing deletes an entry, and the list of reports is append-only too."""
    posted(stage, read)

    assert reports.HolderReport.__append_only__
    assert AuditEntry.__append_only__
    assert json.dumps([str(entry) for entry in told(stage.later(3 * 366 * DAY))])


def test_each_thing_goes_under_the_purpose_that_opens_it():
    """PURE."""
    opened = {"EHR-SHARE": ("visits", "allergies"), "LAB-VIEW": ("lab_results",)}

    assert reports.by_purpose((("visits",), ("lab_results", "vital_signs"), ("costs",)), opened) == {
        "EHR-SHARE": ("visits",),
        "LAB-VIEW": ("lab_results",),
        "": ("costs",),
    }


def test_a_late_report_is_welcome_for_90_days(stage, read):
    """A holder that was cut off tells afterwards; what is older is no report."""
    posted(stage, read, recorded=(stage.context.now - timedelta(days=89)).isoformat())
    with pytest.raises(Unfit):
        posted(stage, read, recorded=(stage.context.now - timedelta(days=91)).isoformat())
    with pytest.raises(Unfit):
        posted(stage, read, recorded=(stage.context.now + 2 * MINUTE).isoformat())

    assert resources.of_client(stage.context.session, "holder")
