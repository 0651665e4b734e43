"""Whose consents a machine may see: its own business alone (IHE PCF, DECISIONS 7)."""

from datetime import timedelta

import pytest

from idp.fhir import search
from idp.fhir.search import Wanted
from idp.oauth import clients
from tests.fakes import DAY
from tests.idp.oauth.stage import set_up

LONG = 400 * DAY


@pytest.fixture
def stage(session, ring, settings):
    """The citizen agreed to two purposes at the hospital."""
    made = set_up(session, ring, settings)
    made.agree("EHR-SHARE", "APPT", "SIGNIN")
    return made


def found(stage, name, wanted=None):
    client = clients.find(stage.context.session, name)
    reader = search.machine(stage.context, client, sector="records.example.test")
    return search.consents(stage.context, reader, stage.citizen, wanted or Wanted())


def purposes_of(resources):
    return {
        coding["code"] for one in resources for coding in one["provision"]["purpose"] if "/purposes" in coding["system"]
    }


def test_a_receiver_sees_what_was_given_to_it(stage):
    """What was told and not asked (SIGNIN) is no Consent."""
    assert purposes_of(found(stage, "portal")) == {"EHR-SHARE", "APPT"}


def test_another_organisation_sees_nothing_though_it_knows_the_person(stage):
    """Not what was agreed with somebody else, whatever number it holds."""
    assert found(stage, "robot") == []


def test_who_receives_and_what_is_in_force_can_be_searched_for(stage):
    """`actor` by id or facility code; `status`."""
    assert len(found(stage, "portal", Wanted(actor="99001"))) == 2
    assert len(found(stage, "portal", Wanted(actor=f"Organization/{stage.hospital}"))) == 2
    assert found(stage, "portal", Wanted(actor="99002")) == []
    assert found(stage, "portal", Wanted(status=frozenset({"inactive"}))) == []


@pytest.mark.parametrize("later", [timedelta(0), LONG])
def test_a_consent_ends_by_the_clock(stage, later):
    """No job writes it: the same row is active today and inactive after its day."""
    wanted = Wanted(status=frozenset({"active" if later == timedelta(0) else "inactive"}))

    assert len(found(stage.later(later), "portal", wanted)) == 2


def test_a_guardian_and_one_visit_stand_in_the_resource(stage):
    """PCF intermediate: `performer` is who agreed, `data` one Encounter, `dataPeriod` the days."""
    from uuid import uuid4  # noqa: PLC0415

    from consent.models import ConsentRecord  # noqa: PLC0415
    from idp.fhir import consent  # noqa: PLC0415

    record = stage.context.session.query(ConsentRecord).filter_by(purpose="EHR-SHARE").one()
    facts = {column.key: getattr(record, column.key) for column in ConsentRecord.__table__.columns}
    visit = uuid4()
    other = ConsentRecord(**facts | {"capacity": "parent", "visit_id": visit, "data_from": record.given_at.date()})
    around = consent.Around("https://id.example.test", "ward", "mother", "Example Hospital", "99001")

    one = consent.of_record(other, around, active=True, changed_at=record.given_at)

    assert one["performer"][0]["type"] == "RelatedPerson"
    assert one["performer"][0]["identifier"]["value"] == "mother"
    assert one["patient"]["identifier"]["value"] == "ward"
    assert one["provision"]["data"][0]["meaning"] == "related"
    assert one["provision"]["data"][0]["reference"]["identifier"]["value"] == str(visit)
    assert one["provision"]["dataPeriod"] == {"start": record.given_at.date().isoformat()}
    assert one["meta"]["profile"][0].endswith("consentIntermediate")
