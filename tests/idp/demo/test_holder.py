"""The record holder answers to the right token only (RFC 6750, SMART letters)."""

import pytest

from idp.demo import fhir
from idp.demo.holder import create_holder
from idp.relying import Keys, Verifier
from tests.idp.relying.issuer import HERE, ISSUER, FakeIssuer

EVERYTHING = " ".join(f"patient/{kind}.rs" for kind in fhir.TYPES) + " moph.entitlement.read"


@pytest.fixture(scope="module")
def issuer():
    return FakeIssuer()


@pytest.fixture
def holder(issuer):
    keys = Keys(ISSUER, fetch=issuer.fetch, clock=issuer.clock)
    verifier = Verifier(ISSUER, HERE, keys=keys, clock=issuer.clock)
    return create_holder(verifier, base="http://127.0.0.1:1").test_client()


def bearer(issuer, **changes):
    return {"Authorization": f"Bearer {issuer.token(**{'scope': EVERYTHING, **changes})}"}


@pytest.mark.parametrize("kind", fhir.TYPES)
def test_a_search_gives_this_persons_records_and_no_others(holder, issuer, kind):
    """The sub of the token is the patient."""
    answer = holder.get(f"/fhir/{kind}", headers=bearer(issuer))

    assert answer.json["type"] == "searchset"
    assert [entry["resource"] for entry in answer.json["entry"]] == fhir.resources(kind, "c0ffee")
    assert answer.headers["X-Checked"] == "offline"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", fhir.TYPES)
def test_a_token_for_another_type_is_refused(holder, issuer, kind):
    """RFC 6750 section 3.1."""
    others = " ".join(f"patient/{other}.rs" for other in fhir.TYPES if other != kind)

    answer = holder.get(f"/fhir/{kind}", headers=bearer(issuer, scope=others))

    assert answer.status_code == 403
    assert answer.json["error"] == "insufficient_scope"


def test_reading_and_searching_are_two_letters(holder, issuer):
    """SMART 2.2: .r reads by id, .s searches."""
    mine = fhir.resources("Condition", "c0ffee")[0]["id"]
    only_search = bearer(issuer, scope="patient/Condition.s")
    only_read = bearer(issuer, scope="patient/Condition.r")

    assert holder.get(f"/fhir/Condition/{mine}", headers=only_search).status_code == 403
    assert holder.get("/fhir/Condition", headers=only_read).status_code == 403
    assert holder.get(f"/fhir/Condition/{mine}", headers=only_read).json["id"] == mine


def test_somebody_elses_record_is_not_found(holder, issuer):
    """Never forbidden: that would tell that it exists."""
    theirs = fhir.resources("Condition", "another")[0]["id"]

    assert holder.get(f"/fhir/Condition/{theirs}", headers=bearer(issuer)).status_code == 404


def test_entitlement_needs_its_own_scope(holder, issuer):
    """COVERAGE is not EHR-SHARE."""
    assert holder.get("/entitlement", headers=bearer(issuer)).status_code == 200
    assert holder.get("/entitlement", headers=bearer(issuer, scope="patient/Condition.rs")).status_code == 403


def test_without_a_token_nothing_is_told(holder):
    """But whether it is alive, and how many reads there were."""
    assert holder.get("/fhir/Condition").status_code == 401
    assert holder.get("/livez").status_code == 200
    assert holder.get("/state").json == {"reads": {}}


CLINICIAN = {
    "scope": "openid user/Observation.rs user/Condition.r",
    "sub": "doctor",
    "patient": "c0ffee",
    "hcode": "99001",
}


def test_a_clinicians_token_opens_the_patients_record_and_no_other(holder, issuer):
    """SMART App Launch 2.2: `patient` says whose; neither the clinician's own nor anybody else's is found by it."""
    token = bearer(issuer, **CLINICIAN)
    own, theirs = (fhir.resources("Condition", who)[0]["id"] for who in ("doctor", "another"))
    mine = fhir.resources("Condition", "c0ffee")[0]["id"]

    found = holder.get("/fhir/Observation", headers=token).json["entry"]

    assert [entry["resource"] for entry in found] == fhir.resources("Observation", "c0ffee")
    assert holder.get(f"/fhir/Condition/{mine}", headers=token).status_code == 200
    assert {holder.get(f"/fhir/Condition/{wrong}", headers=token).status_code for wrong in (own, theirs)} == {404}
    assert holder.get("/fhir/Observation?patient=another", headers=token).status_code == 404
    assert holder.get("/fhir/Observation?patient=Patient/c0ffee", headers=token).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"patient": None},
        {"patient": ""},
        {"patient": ["c0ffee"]},
        {"scope": "user/Observation.rs patient/Observation.rs"},
        {"scope": "user/Observation.c"},
        {"scope": "system/Observation.rs"},
        {"scope": "openid"},
    ],
)
def test_a_token_that_opens_nobodys_record_is_refused(holder, issuer, changes):
    """A clinician's token without a patient is not read as the clinician's own, nor is a mixture of both."""
    answer = holder.get("/fhir/Observation", headers=bearer(issuer, **{**CLINICIAN, **changes}))

    assert (answer.status_code, answer.json["error"]) == (403, "insufficient_scope")
