"""A machine's question over HTTP: POST /consent/v1/decide."""

import json

import pytest
from sqlalchemy import select

from consent.audit import log
from consent.models import ConsentObjection
from idp.directory import Facility, LegalEntity
from idp.oauth import clients
from idp.oauth.resources import ResourceServer
from tests.fakes import DAY, MINUTE
from tests.idp.web.stage import HOLDER, SECRET
from tests.idp.web.test_citizen import agreed, consent_id
from tests.idp.web.test_refusals import refused

SOMCHAI, UNKNOWN = "3999000010035", "3999000010043"


@pytest.fixture
def machines(site):
    """A system of the hospital that may name patients by number, one that may not, and a system of another house."""
    with site.work.sessions.writing() as session:
        names = {"name_th": "โรงพยาบาลอื่น", "name_en": "Other Hospital", "kind": "hospital"}
        other = LegalEntity(**names, controller_contact="c@example.test", dpo_contact="d@example.test")
        session.add(other)
        session.flush()
        kinds = {"kind": "system", "grant_types": ["client_credentials"], "secret": SECRET, "now": site.clock()}
        for name, house, purposes in (
            ("by-number", site.hospital, {"PID": []}),
            ("by-sub", site.hospital, {}),
            ("elsewhere", other.id, {"PID": []}),
        ):
            clients.register(
                session,
                client_id=name,
                name_th="ระบบ",
                name_en="System",
                legal_entity_id=house,
                purposes=purposes,
                **kinds,
            )
    return site


def asked(site, client="by-number", **question):
    """One question, as the client sends it with its own secret."""
    body = {"patient": {"national_id": SOMCHAI}, "recipient": {"hcode": "99001"}, "purpose": "EHR-SHARE", **question}
    body = {name: value for name, value in body.items() if value is not None}
    return site.app.test_client().post("/consent/v1/decide", json=body, auth=(client, SECRET))


def entries(site, *events):
    with site.work.sessions.reading() as session:
        return [one for one in log.of_subject(session, site.citizen, limit=50) if one.event in events]


def test_a_consent_that_stands_is_a_yes_with_its_bounds(machines, visitor):
    """Issue 5: may hospital B read category Y of this patient now?"""
    agreed(machines, visitor)

    answer = asked(machines)

    assert answer.status_code == 200
    told = answer.json
    assert (told["permit"], told["reason"], told["purpose"], told["basis"]) == (True, "permitted", "EHR-SHARE", "C26")
    assert told["obligations"]["offline_s"] == 60
    assert told["expires_at"] == int((machines.clock() + DAY).timestamp())
    assert asked(machines, purpose=None, category="allergies").json["purpose"] == "EHR-SHARE"
    assert answer.headers["Cache-Control"] == "no-store"


def test_each_question_is_one_entry_that_the_person_reads(machines, visitor):
    """PDPA s.27: who asked about what, and what they heard."""
    agreed(machines, visitor)

    asked(machines, purpose=None, category="allergies")
    asked(machines, purpose="PHR-SELF")

    no, yes = entries(machines, "decision.asked", "decision.denied")
    assert (yes.event, yes.client_id, yes.purpose, yes.consent_id) == (
        "decision.asked", "by-number", "EHR-SHARE", consent_id(machines),
    )  # fmt: skip
    assert set(yes.codes) == {"hcode:99001", "kind:allergies"}
    assert (no.event, no.purpose, no.reason) == ("decision.denied", "PHR-SELF", "recipient_kind")


QUESTIONS = ({}, {"purpose": None, "category": "lab_results"}, {"purpose": "CARE"}, {"categories": ["lab_results"]})


def test_unknown_never_agreed_and_refused_in_general_are_the_same_bytes(machines, visitor):
    """Issue 5: the same answer for unknown patients, and a provider cannot see that a refusal exists."""
    never_agreed = [asked(machines, **question).data for question in QUESTIONS]
    agreed(machines, visitor)
    refused(visitor, place="99001")

    for question, before in zip(QUESTIONS, never_agreed, strict=True):
        unknown = asked(machines, patient={"national_id": UNKNOWN}, **question).data
        nobody = asked(machines, patient={"national_id": "1234"}, **question).data
        assert asked(machines, **question).data == before == unknown == nobody, question
        assert json.loads(unknown) == {"permit": False, "reason": "no_record"}
    visitor.get("/me/refusals")
    visitor.send("lift-form-1", "lift-1")
    assert asked(machines).json["permit"]


UNITS = (
    ({}, False),
    ({"unit": "LAB"}, False),
    ({"unit": " lab "}, False),
    ({"unit": "ER"}, True),
    ({"unit": "ER", "hcode": "99001"}, True),
)


def test_a_refused_unit_is_kept_out_and_who_states_no_unit_too(machines, visitor):
    """Issue 5: "not this unit". Who does not say where they sit cannot show that it is elsewhere."""
    agreed(machines, visitor)
    visitor.get("/me/refusals/new/unit?q=99001")
    visitor.send("refusal-form", "refuse", place="99001", unit="LAB")

    for asker, permit in UNITS:
        assert asked(machines, asker=asker).json["permit"] is permit, asker


def test_withdrawal_is_heard_at_the_next_question(machines, visitor):
    """DECISIONS 17."""
    agreed(machines, visitor)
    assert asked(machines).json["permit"]
    visitor.get(f"/me/consents/{consent_id(machines)}/withdraw")
    visitor.send("withdraw-form", "confirm")

    assert asked(machines).json == {"permit": False, "reason": "withdrawn"}


def test_a_person_is_named_by_the_sub_of_the_askers_own_sector(machines, visitor):
    """DECISIONS 7: the portal's sub means this person to the hospital's systems, and nobody to another's."""
    agreed(machines, visitor)
    with machines.work.sessions.reading():
        ring = machines.work.rings.at(machines.clock())
    sub = ring.pairwise(machines.citizen, "portal.example.test")

    assert asked(machines, "by-sub", patient={"sub": sub}).json["permit"]
    assert asked(machines, "by-sub", patient={"sub": "x" * 64}).json == {"permit": False, "reason": "no_record"}


WHO_MAY_NOT = (
    ("by-sub", {}, "access_denied"),  # by number, and not registered for numbers
    ("elsewhere", {}, "access_denied"),  # about another house, and no holder of data
    ("portal", {"patient": {"sub": "x"}}, "insufficient_scope"),  # no machine
)


def test_who_may_not_ask_hears_so_whatever_patient_was_named(machines):
    """The refusal comes before any patient is looked for."""
    for client, question, error in WHO_MAY_NOT:
        for number in (SOMCHAI, UNKNOWN):
            answer = asked(machines, client, **{"patient": {"national_id": number}, **question})
            assert (answer.status_code, answer.json["error"]) == (403, error), client
    assert entries(machines, "decision.asked", "decision.denied") == []


def test_without_proof_of_who_asks_there_is_no_answer(machines):
    """RFC 6750 section 3."""
    client = machines.app.test_client()
    for auth in (None, ("by-number", "wrong"), ("nobody", SECRET)):
        answer = client.post("/consent/v1/decide", json={}, auth=auth)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert ("error=" in answer.headers["WWW-Authenticate"]) == (auth is not None), "section 3.1"


def test_a_token_for_the_question_is_got_with_client_credentials(machines, visitor):
    """RFC 6749 section 4.4: a protocol scope, and no purpose of the catalogue."""
    agreed(machines, visitor)
    client = machines.app.test_client()
    form = {"grant_type": "client_credentials", "scope": "moph.consent.decide"}
    got = client.post("/oauth/token", data=form, auth=("by-number", SECRET))
    assert got.status_code == 200, got.text
    body = {"patient": {"national_id": SOMCHAI}, "recipient": {"hcode": "99001"}, "purpose": "EHR-SHARE"}
    headers = {"Authorization": f"Bearer {got.json['access_token']}"}

    assert client.post("/consent/v1/decide", json=body, headers=headers).json["permit"]
    machines.clock.tick(10 * MINUTE)
    assert client.post("/consent/v1/decide", json=body, headers=headers).status_code == 401


UNREADABLE = (
    {"purpose": "NOPE"},
    {"purpose": "CLAIM"},  # rests on no patient's record
    {"purpose": None},
    {"category": "lab_results"},  # beside the purpose
    {"purpose": None, "category": "secrets"},
    {"patient": {}},
    {"patient": {"sub": "x", "national_id": SOMCHAI}},
    {"patient": "x"},
    {"recipient": {"hcode": "00000"}},
    {"recipient": {"id": "x"}},
    {"data_from": "yesterday"},
    {"topics": ["love"]},
    {"categories": "all"},
    {"asker": {"person": ["x"]}},
    {"asker": {"unit": "x" * 200}},
)


def test_a_question_that_cannot_be_read_is_a_400_and_no_entry(machines):
    """Nothing that a caller makes up reaches a decision or the log."""
    for question in UNREADABLE:
        answer = asked(machines, **question)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request"), question
        assert SOMCHAI not in answer.text
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 3000):
        answer = machines.app.test_client().post("/consent/v1/decide", data=body, auth=("by-number", SECRET))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request"), body
    assert entries(machines, "decision.asked", "decision.denied") == []


def test_a_holder_of_data_asks_about_whoever_would_read_from_it(machines, visitor):
    """The holder knows the patient by the sub of its own sector."""
    agreed(machines, visitor)
    with machines.work.sessions.writing() as session:
        place = session.scalar(select(Facility).where(Facility.hcode == "99001"))
        assert place is not None
    sub = machines.work.rings.at(machines.clock()).pairwise(machines.citizen, "records.example.test")

    told = asked(machines, "holder", patient={"sub": sub}).json

    assert told["permit"], HOLDER
    assert asked(machines, "holder", patient={"sub": sub}, data_from="2020-01-01").json["permit"]
    refused(visitor, "period", from_day="1/1/2566")
    assert not asked(machines, "holder", patient={"sub": sub}).json["permit"]
    assert asked(machines, "holder", patient={"sub": sub}, data_until="2022-12-31").json["permit"]
    with machines.work.sessions.reading() as session:
        assert session.scalar(select(ConsentObjection.level)) == "period"


def test_a_holder_asks_about_nothing_that_is_not_read_from_it(machines, visitor):
    """DECISIONS 10: who is treated where, and for what, is nobody's to find out who only holds other data."""
    agreed(machines, visitor)
    with machines.work.sessions.writing() as session:
        place = session.get(ResourceServer, HOLDER)
        place.accepts = json.dumps(["patient/AllergyIntolerance"])
    sub = machines.work.rings.at(machines.clock()).pairwise(machines.citizen, "records.example.test")
    with machines.work.sessions.writing() as session:
        clients.register(
            session,
            client_id="far-holder",
            kind="resource_server",
            name_th="คลัง",
            name_en="Store",
            legal_entity_id=session.scalar(select(LegalEntity.id).where(LegalEntity.name_en == "Other Hospital")),
            purposes={"PID": []},
            secret=SECRET,
            now=machines.clock(),
        )
        session.get(ResourceServer, HOLDER).client_id = "far-holder"

    told = asked(machines, "far-holder", purpose="INSURE")

    assert (told.status_code, told.json["error"]) == (403, "access_denied")
    assert asked(machines, "far-holder", patient={"sub": sub}, purpose="INSURE").json["error"] == told.json["error"]
    assert asked(machines, "far-holder", purpose="EHR-SHARE").status_code == 200


@pytest.mark.parametrize(
    "more", [{"data_form": "2026-01-01"}, {"asker": {"departement": "ER"}}, {"patient": {"hn": "1"}}]
)
def test_a_member_that_is_not_known_is_refused_and_never_passed_over(machines, more):
    """It may have been meant to narrow the question: answering the wider one would be a guess."""
    told = asked(machines, **more)
    assert told.status_code == 400
    assert told.json["error"] == "invalid_request"
