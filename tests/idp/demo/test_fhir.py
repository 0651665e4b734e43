"""The made-up records are the same each time and differ from person to person."""

import json

import pytest

from idp.demo import fhir


@pytest.mark.parametrize("kind", fhir.TYPES)
def test_the_same_person_always_has_the_same_record(kind):
    """Deterministic from the sub: a copy can be compared with its source."""
    first = fhir.resources(kind, "sub-a")

    assert first
    assert first == fhir.resources(kind, "sub-a")
    assert {resource["resourceType"] for resource in first} == {kind}
    assert json.dumps(first) != json.dumps(fhir.resources(kind, "sub-b"))


@pytest.mark.parametrize("kind", fhir.TYPES)
def test_every_resource_is_marked_as_a_test_and_has_a_line_for_the_page(kind):
    """HTEST (HL7 v3 ActReason): no one may take it for a real record."""
    for resource in fhir.resources(kind, "sub-a"):
        assert resource["meta"]["tag"][0]["code"] == "HTEST"
        assert fhir.summary(resource)


def test_ids_within_one_record_differ():
    """FHIR R4, 2.27: an id is unique among the resources of its type."""
    ids = [resource["id"] for resource in fhir.resources("Observation", "sub-a")]

    assert len(ids) == len(set(ids))
