"""Whose consents a machine may see: its own business alone (IHE PCF, DECISIONS 7)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from consent import records, refusing
from consent.refusing import No
from consent.specificity import Level
from idp.fhir import finding, search
from idp.fhir.outcome import Unfit
from idp.fhir.search import Wanted
from idp.oauth import clients
from idp.oauth.own import Person
from idp.subjects import PersonSealer
from tests.fakes import DAY, MINUTE
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


def test_what_somebody_refuses_in_general_is_for_nobody_who_acts_for_them(stage):
    """PDPA s.20: who acts for somebody reads every answer, and no standing refusal, by no search and by no id."""
    session, now = stage.context.session, stage.context.now
    no = No(Level.facility, recipient_id=stage.hospital)
    who = {"subject_id": stage.citizen, "actor_id": stage.citizen, "aal": "2.1", "now": now}
    refusal = refusing.object_to(session, PersonSealer(stage.context.ring, session), no, **who)
    own, other = (
        finding.Asked(None, Person(stage.citizen, "portal", "portal.example.test", acting=acting))
        for acting in (False, True)
    )

    seen = {asked: finding.find(stage.context, asked, {}, in_body=False) for asked in (own, other)}

    assert [seen[asked]["total"] for asked in (own, other)] == [3, 2]
    assert finding.read(stage.context, own, refusal)["provision"]["type"] == "deny"
    with pytest.raises(Unfit) as unfit:
        finding.read(stage.context, other, refusal)
    assert unfit.value.status == 404


@pytest.mark.parametrize(("ticked", "there"), [("hiv", False), ("mental", True)])
def test_a_topic_that_is_refused_hides_the_consent_that_opens_it(stage, ticked, there):
    """Introspection asks about the topics of a token; so does a search about those of the consent (rule 10)."""
    session, now = stage.context.session, stage.context.now
    who = {"subject_id": stage.citizen, "actor_id": stage.citizen, "aal": "2.1", "now": now}
    choice = stage.choice("EHR-SENS", scopes=[f"moph.sensitive.{ticked}"])
    records.give(session, replace(choice, aal="2.2", ial="2.1"), now=now)
    assert "EHR-SENS" in purposes_of(found(stage, "portal"))
    sealer = PersonSealer(stage.context.ring, session)
    refusing.object_to(session, sealer, No(Level.topic, topics=("hiv",)), **{**who, "now": now + MINUTE})

    assert ("EHR-SENS" in purposes_of(found(stage.later(MINUTE), "portal"))) is there


def test_a_consent_for_some_days_is_in_force_whatever_day_is_asked(stage):
    """The question of a search without days is about the consent's own; `dataPeriod` says which they are."""
    session, now = stage.context.session, stage.context.now
    days = {"data_from": now.date() - DAY, "data_until": now.date()}
    choice = replace(stage.choice("EHR-SHARE"), **days)
    records.give(session, choice, now=now + MINUTE)

    active = found(stage.later(MINUTE), "portal", Wanted(status=frozenset({"active"})))

    assert {"EHR-SHARE", "APPT"} == purposes_of(active)


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
