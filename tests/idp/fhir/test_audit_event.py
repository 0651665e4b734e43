"""One entry, one AuditEvent, nothing more than the entry says (IHE BALP)."""

import pytest

from consent.audit.entry import Entry
from consent.audit.events import EVENTS
from consent.db import new_id
from idp.fhir import audit_event
from tests.fakes import NOW

ISSUER = "https://id.example.test"
PERSON = "ab" * 16


def entry(event="introspect", **changes):
    facts = {
        "id": new_id(),
        "at": NOW,
        "event": event,
        "actor_kind": "client",
        "actor": "holder",
        "subject": PERSON,
        "client_id": "portal",
        "recipient_id": new_id(),
        "purpose": "EHR-SHARE",
        "basis": "C26",
        "consent_id": new_id(),
        "codes": ("patient/Condition.rs",),
        "request_id": "abc123",
        **changes,
    }
    return Entry(**facts)


def codes(resource):
    return resource["type"]["code"], resource["subtype"][0]["code"], resource["action"]


@pytest.mark.parametrize(
    ("event", "outcome", "wanted"),
    [
        ("introspect", "ok", ("110113", "AuthZ-Consent", "E")),
        ("introspect.denied", "denied", ("110113", "AuthZ-Consent", "E")),
        ("data.opened", "ok", ("110106", "disclose", "R")),
        ("token.issued", "ok", ("110114", "ITI-71", "E")),
        ("signin.done", "ok", ("110100", "signin.done", "E")),
    ],
)
def test_each_family_follows_its_pattern(event, outcome, wanted):
    """BALP: AuthZconsent, PrivacyDisclosure.Source, ITI-71; everything else is an activity of this server."""
    assert codes(audit_event.render(entry(event, outcome=outcome), issuer=ISSUER)) == wanted


def test_a_decision_names_client_organisation_and_authorizer_patient_and_consent():
    """AuthZconsent: agents and entities; outcome 0 permits, anything else denies, with the reason."""
    one = entry("introspect.denied", outcome="denied", reason="withdrawn")

    event = audit_event.render(one, issuer=ISSUER, seq=7)

    types = [agent["type"]["coding"][0]["code"] for agent in event["agent"]]
    assert types == ["110150", "110150", "PROV", "authserver"]
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "withdrawn")
    assert event["entity"][0]["role"]["code"] == "1"
    assert event["entity"][1]["what"]["reference"] == f"Consent/{one.consent_id}"
    assert event["extension"][0]["valueUnsignedInt"] == 7
    whys = [coding["code"] for coding in event["purposeOfEvent"][0]["coding"]]
    assert whys == ["TREAT", "EHR-SHARE", "C26"]


def test_an_opening_says_which_data_and_which_unit():
    """PrivacyDisclosure.Source: source and destination; kinds of data as entities."""
    marks = ("data:allergies", "data:visits", "read:2026-11-23T03:00:00Z", "hcode:99001", "unit:ER")
    event = audit_event.render(entry("data.opened", codes=marks), issuer=ISSUER)

    kinds = [one["type"]["code"] for one in event["entity"] if one.get("role", {}).get("code") == "4"]
    assert kinds == ["allergies", "visits"]
    assert [agent["type"]["coding"][0]["code"] for agent in event["agent"]][:2] == ["110153", "110152"]
    assert event["agent"][2]["who"]["identifier"]["value"] == "99001"


def test_ones_own_copy_holds_no_pseudonym_of_oneself():
    """What a person hands on cannot be joined with another copy of the log."""
    own = str(audit_event.render(entry(), issuer=ISSUER, own=True))
    auditors = str(audit_event.render(entry(), issuer=ISSUER))

    assert PERSON not in own
    assert PERSON in auditors


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_every_event_has_a_rendering(event):
    """FHIR R4: type, recorded, agent with a requestor, source; whatever the entry lacks."""
    bare = Entry(id=new_id(), at=NOW, event=event, actor_kind="system", actor="worker")

    found = audit_event.render(bare, issuer=ISSUER)

    assert found["resourceType"] == "AuditEvent"
    assert {"type", "recorded", "agent", "source"} <= found.keys()
    assert sum(agent["requestor"] for agent in found["agent"]) == 1
    assert found["recorded"] == "2026-11-23T03:00:00.000Z"
    assert "entity" not in found
