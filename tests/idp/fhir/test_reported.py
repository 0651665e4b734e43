"""A holder's report, read strictly: whatever JSON comes, it is a report or a refusal."""

from uuid import uuid4

import pytest

from idp.fhir import reported, systems
from idp.fhir.outcome import Unfit
from tests.fakes import NOW
from tests.idp.fhir.reports import ISSUER, data, event, patient

SUB = "a" * 64


@pytest.mark.parametrize(
    "changes",
    [
        {"subtype": [{"code": ["read"]}]},
        {"subtype": [{"code": {}}]},
        {"entity": [patient(SUB), {"what": {"type": ["Condition"]}, "role": {"code": "4"}}]},
        {"entity": [patient(SUB), {"what": {"type": {}}, "role": {"code": "4"}}]},
        {
            "entity": [
                patient(SUB),
                {"type": {"system": ISSUER + systems.CATEGORIES, "code": ["allergies"]}, "role": {"code": "4"}},
            ]
        },
        {"entity": [{"role": {"code": ["1"]}}, data("Condition")]},
    ],
)
def test_lists_and_objects_where_words_belong_are_refused(changes):
    """A body of another shape is the holder's fault (422), never ours (500)."""
    with pytest.raises(Unfit) as refused:
        reported.read(event(uuid4(), SUB, at=NOW, **changes), issuer=ISSUER, now=NOW)

    assert refused.value.status == 422
