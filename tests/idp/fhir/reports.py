"""AuditEvents as holders post them, for the tests."""

from uuid import uuid4

from idp.fhir import systems

ISSUER = "http://localhost:8000"
HOLDER = "https://records.example.test"


def event(grant_id, sub, *, at, issuer=ISSUER, **changes):
    """A good report of one search for allergies, changed."""
    body = {
        "resourceType": "AuditEvent",
        "id": str(uuid4()),
        "type": {"system": systems.EVENT_TYPE, "code": "rest"},
        "subtype": [{"system": systems.INTERACTION, "code": "search-type"}],
        "action": "E",
        "recorded": at.isoformat(),
        "outcome": "0",
        "agent": [{"requestor": True, "policy": [f"{issuer}/grants/{grant_id}"]}],
        "source": {"observer": {"identifier": {"value": HOLDER}}},
        "entity": [patient(sub), data("AllergyIntolerance")],
    }
    return {**body, **changes}


def patient(sub):
    """Whose data."""
    return {"what": {"identifier": {"value": sub}}, "role": {"code": "1"}}


def data(kind):
    """Which data."""
    return {"what": {"type": kind}, "role": {"code": "4"}}
