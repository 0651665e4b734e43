"""Refusals in general beside FHIR Consent: machines learn nothing more by it, the person sees their own (PDPA s.19)."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from consent import refusing
from consent.refusing import No
from consent.specificity import Level
from idp import directory
from idp.fhir import systems
from idp.oauth import clients, resources
from idp.subjects import PersonSealer
from tests import leaks
from tests.fakes import MINUTE
from tests.idp.oauth.stage import claims_of
from tests.idp.web.stage import SECRET
from tests.idp.web.test_access import basic
from tests.idp.web.test_citizen import agreed, redeemed
from tests.idp.web.test_fhir import (
    BASE,
    STRANGE,
    found,
    get,
    knows_numbers,
    machines,
    mine,
    own_token,
    search,
    token_of,
)
from tests.idp.web.visitor import SOMCHAI

__all__ = ["machines", "mine"]
LABS, BEFORE = "https://labs.example.test", date(2020, 12, 31)
NURSE, DOCTOR, STAY = (UUID(int=number) for number in (7, 8, 9))
KINDS = {
    "nothing": None,
    "facility": {"level": Level.facility},
    "one facility": {"level": Level.facility, "hcode": "99001"},
    "unit": {"level": Level.unit, "unit": "ER"},
    "person": {"level": Level.person, "person": str(NURSE)},
    "period": {"level": Level.period, "data_until": BEFORE},
    "past": {"level": Level.facility, "future": False},
    "visit": {"level": Level.visit, "visit_id": STAY},
    "topic": {"level": Level.topic, "topics": ("hiv",)},
    "another purpose": {"level": Level.facility, "purposes": ("APPT",)},
}
ASKERS = {
    "nobody": {},
    "its emergency room": {"asker_unit": "ER"},
    "another unit": {"asker_unit": "OPD"},
    "another house": {"asker_hcode": "99002", "asker_unit": "OPD"},
    "that person": {"asker_person": str(NURSE)},
    "another person": {"asker_person": str(DOCTOR), "asker_unit": "OPD", "asker_hcode": "99001"},
    "that visit": {"asker_visit": str(STAY), "asker_unit": "ER"},
    "new data": {"asker_unit": "OPD", "data_from": "2030-01-01", "data_until": "2030-12-31"},
}
STOPPED = {  # whom each of them stops; "who states nothing passes nothing"
    "nothing": (),
    "facility": tuple(ASKERS),
    "one facility": tuple(who for who in ASKERS if who != "another house"),
    "unit": ("nobody", "its emergency room", "that person", "that visit"),
    "person": tuple(who for who in ASKERS if who != "another person"),
    "period": tuple(who for who in ASKERS if who != "new data"),
    "visit": ("that visit",),
}


def refuse(site, kind):
    """The person refuses this in general; the id."""
    facts = KINDS[kind]
    if facts is None:
        return None
    with site.work.sessions.writing() as session:
        return refusing.object_to(
            session,
            PersonSealer(site.work.rings.at(site.clock()), session),
            No(**{"recipient_id": site.hospital, "words": "ห้องที่ฉันไม่อยากให้เห็น", **facts}),
            subject_id=site.citizen,
            actor_id=site.citizen,
            aal="2.1",
            now=site.clock(),
        )


def lift(site, refusal_id):
    with site.work.sessions.writing() as session:
        refusing.lift(session, refusal_id, subject_id=site.citizen, actor_id=site.citizen, now=site.clock())


def asked_of_introspection(site, token, stated):
    """Whether the holder is told by introspection that the record may be read."""
    form = {"token": token, **stated}
    return "EHR-SHARE" in site.app.test_client().post("/oauth/introspect", data=form, headers=basic()).json.get(
        "purposes", ()
    )


def asked_of_decision(site, sub, stated):
    """The same question to the machine's own interface."""
    asker = {name.removeprefix("asker_"): value for name, value in stated.items() if name.startswith("asker_")}
    days = {name: value for name, value in stated.items() if name.startswith("data_")}
    body = {"patient": {"sub": sub}, "recipient": {"id": str(site.hospital)}, "purpose": "EHR-SHARE"}
    answer = site.app.test_client().post("/consent/v1/decide", json={**body, "asker": asker, **days}, headers=basic())
    assert answer.status_code == 200, answer.text
    return answer.json["permit"]


def asked_of_fhir(site, sub, stated):
    """The searchset that the same holder gets for the same asker."""
    return site.app.test_client().post(f"{BASE}/Consent/_search", data={"patient": sub, **stated}, headers=basic())


def test_s19_three_interfaces_side_by_side_say_the_same_of_every_asker(machines, visitor):
    """Issue 5: nobody finds a refusal by comparing. Who is not refused sees what stands, who is sees nothing at all."""
    agreed(machines, visitor)
    token = redeemed(machines, visitor)["access_token"]
    sub = claims_of(token)["sub"]
    machines.clock.tick(timedelta(seconds=1))
    nothing = asked_of_fhir(machines, "0" * 64, {}).json

    for kind, stopped in STOPPED.items():
        refusal = refuse(machines, kind)
        said = [who for who, stated in ASKERS.items() if not side_by_side(machines, token, sub, stated, nothing)]
        assert said == list(stopped), kind
        if refusal is not None:
            lift(machines, refusal)


def side_by_side(site, token, sub, stated, nothing):
    """What all three say of this asker: whether anything is there."""
    answer = asked_of_fhir(site, sub, stated)
    heard = [(one["status"], one["provision"]["type"]) for one in found(answer)]
    live = asked_of_introspection(site, token, stated)
    assert heard == ([("active", "permit")] if live else []), stated
    assert asked_of_decision(site, sub, stated) is live, stated
    assert live or answer.json == nothing, "not a link more than of somebody unknown"
    return live


def test_a_plain_no_reads_the_same_whatever_is_refused_in_general(machines, visitor):
    """The decision says `refused` before and after; so does FHIR, or the two would tell."""
    visitor.get(machines.authorize_url())
    visitor.sign_in()
    visitor.set_pin()
    visitor.send("consent-form", "refuse")
    knows_numbers(machines)
    asked = {"patient.identifier": f"{systems.CID}|{SOMCHAI}"}
    token = token_of(machines)
    before = found(search(machines, token, **asked))

    refuse(machines, "facility")

    assert found(search(machines, token, **asked)) == before
    assert [one["provision"]["type"] for one in before] == ["deny"]


def test_what_is_stated_of_a_look_stands_in_a_body_alone(machines, visitor):
    """Free words of a caller in no address and in no link; what cannot be read is refused, not passed over."""
    agreed(machines, visitor)
    sub = claims_of(redeemed(machines, visitor)["access_token"])["sub"]
    token = token_of(machines)

    assert get(machines, f"/Consent?patient={sub}&asker_unit=OPD", token).status_code == 400
    assert search(machines, token, patient=sub, data_from="yesterday").status_code == 400
    answer = search(machines, token, patient=sub, asker_person="สมชาย", _count="0")
    assert [link["relation"] for link in answer.json["link"]] == ["self"]
    assert "asker" not in answer.text
    assert not leaks.found_in(answer.text)


# --- the person themselves


def denied(resources_):
    return [one for one in resources_ if one["provision"]["type"] == "deny"]


def test_s19_a_person_reads_what_they_refuse_in_general_as_a_consent_that_denies(mine, visitor):
    """STANDARDS 1: `provision.type` deny; beside it the consent that it beats, as the person gave it."""
    record = agreed(mine, visitor)
    token = own_token(mine, visitor)
    refusal = refuse(mine, "facility")

    (one,) = denied(found(get(mine, "/Consent", token)))

    level = {"url": "http://localhost:8000/fhir/StructureDefinition/refusal-level", "valueCode": "facility"}
    assert (one["id"], one["status"]) == (str(refusal), "active")
    assert one["provision"]["extension"] == [level]
    assert one["policyRule"]["coding"][0]["code"] == "RIGHT30", "FHIR R4 ppc-1: a policy, or a rule"
    assert "profile" not in one["meta"], "PCF has no such document"
    assert one["performer"] == [one["patient"]]
    assert get(mine, f"/Consent/{refusal}", token).json == one
    assert get(mine, f"/Consent/{record}", token).json["status"] == "active"


def test_each_kind_of_refusal_says_what_it_names_and_no_name_of_anybody(mine, visitor):
    """Organisation, days, visit, topic and purposes; never a member of staff, nor the person's own words."""
    agreed(mine, visitor)
    token = own_token(mine, visitor)
    ids = {kind: str(refuse(mine, kind)) for kind in KINDS if kind != "nothing"}
    answer = get(mine, "/Consent?_count=100", token)
    seen = {one["id"]: one["provision"] for one in denied(found(answer))}
    said = {kind: seen[own] for kind, own in ids.items()}

    hospital = said["one facility"]["actor"][0]["reference"]
    assert hospital["identifier"] == {"system": systems.HCODE, "value": "99001"}
    assert hospital["display"] == "Example Hospital"
    assert said["person"]["actor"][0]["reference"] == {"type": "Practitioner", "display": "a member of staff"}
    assert said["period"]["dataPeriod"] == {"end": "2020-12-31"}
    assert set(said["past"]["dataPeriod"]) == {"end"}
    assert said["visit"]["extension"][0]["valueCode"] == "visit"
    assert said["visit"]["data"][0]["reference"]["identifier"]["value"] == str(STAY)
    assert said["topic"]["securityLabel"][0]["code"] == "HIV"
    assert said["another purpose"]["purpose"] == [{"system": "http://localhost:8000/purposes", "code": "APPT"}]
    assert "[]" not in answer.text, "FHIR R4 2.6.2: no array is empty"
    for secret in (str(NURSE), "ห้องที่ฉันไม่อยากให้เห็น"):
        assert secret not in answer.text


def test_a_refusal_that_was_lifted_stays_and_is_inactive(mine, visitor):
    """ITI-108: nothing is overwritten; and it is searched for by who is refused, too."""
    agreed(mine, visitor)
    token = own_token(mine, visitor)
    refusal = refuse(mine, "facility")
    assert len(denied(found(get(mine, "/Consent?actor=99001&status=active", token)))) == 1
    mine.clock.tick(MINUTE)
    lift(mine, refusal)

    (one,) = denied(found(get(mine, "/Consent?status=inactive", token)))

    assert one["id"] == str(refusal)
    assert one["provision"]["period"].keys() == {"start", "end"}


def test_nobody_elses_credentials_show_a_refusal(machines, mine, visitor):
    """By no search and by no id: to a machine it is the same bytes as what never was."""
    agreed(mine, visitor)
    refusal = refuse(mine, "facility")

    for headers in (basic(), {"Authorization": f"Bearer {token_of(machines)}"}):
        client = machines.app.test_client()
        there, nothing = (client.get(f"{BASE}/Consent/{one}", headers=headers) for one in (refusal, uuid4()))
        assert (there.status_code, there.data) == (nothing.status_code, nothing.data)
        assert there.status_code == 404


# --- whose business a consent about data "at any holder" is


@pytest.fixture
def labs(machines):
    """A holder of another organisation, registered to know people by number; no grant was ever for it."""
    with machines.work.sessions.writing() as session:
        other = directory.LegalEntity(
            name_th="แล็บตัวอย่าง",
            name_en="Example labs",
            kind="hospital",
            controller_contact="c@example.test",
            dpo_contact="d@example.test",
        )
        session.add(other)
        session.flush()
        common = {"name_th": "แล็บ", "name_en": "Labs", "legal_entity_id": other.id, "now": machines.clock()}
        clients.register(
            session, client_id="labs", kind="resource_server", purposes={}, grant_types=[], secret=STRANGE, **common
        )
        clients.register(
            session,
            client_id="labs-desk",
            kind="web",
            purposes={"PID": ["moph.pid"], "SIGNIN": ["openid"]},
            redirect_uris=["https://labs.example.test/callback"],
            secret=SECRET,
            **common,
        )
        resources.register(
            session, identifier=LABS, legal_entity_id=other.id, client_id="labs", introspects=True, now=machines.clock()
        )
    return machines


def by_number(site):
    asked = {"patient.identifier": f"{systems.CID}|{SOMCHAI}"}
    return site.app.test_client().post(f"{BASE}/Consent/_search", data=asked, headers=basic("labs", STRANGE))


def test_a_holder_that_never_met_a_person_sees_no_consent_of_theirs(labs, visitor):
    """PDPA s.22: who may know numbers must not find out where anybody is treated; the answer is that of nobody."""
    record = agreed(labs, visitor)
    nobody = labs.app.test_client().post(
        f"{BASE}/Consent/_search",
        data={"patient.identifier": f"{systems.CID}|1999000010152"},
        headers=basic("labs", STRANGE),
    )

    assert found(by_number(labs)) == []
    assert by_number(labs).json == nobody.json
    assert labs.app.test_client().get(f"{BASE}/Consent/{record}", headers=basic("labs", STRANGE)).status_code == 404


def test_a_holder_that_a_grant_is_for_sees_the_consent_that_it_rests_on(labs, visitor):
    """IHE PCF: who enforces a consent can read it, from the first token that could be shown there."""
    record = agreed(labs, visitor)
    labs.clock.tick(timedelta(seconds=1))
    visitor.get(labs.authorize_url(resource=LABS))

    (one,) = found(by_number(labs))

    assert one["id"] == str(record)
