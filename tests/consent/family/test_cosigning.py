"""A yes of one of two: settled once, whoever is faster; and none after its time."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from consent.errors import Conflict, NotAllowed, NotFound
from consent.family import cosigning
from consent.family.cosigning import Proposal
from tests.consent.cast import ANOTHER, PERSON, choice
from tests.fakes import DAY, NOW

LINK = UUID("019ab000-0000-7000-8000-000000000031")
UNTIL = NOW + timedelta(days=300)


def by_the_young(session, **changes):
    """The ward's own yes."""
    return choice(session, not_after=UNTIL, **changes)


def by_the_parent(session, **changes):
    """The yes of who stands beside them."""
    beside = {"actor_id": ANOTHER, "capacity": "parent", "guardianship_id": LINK, "not_after": UNTIL}
    return choice(session, **{**beside, **changes})


def proposed(session, said):
    found = cosigning.sign(session, said, until=UNTIL, now=NOW)
    assert isinstance(found, Proposal)
    return found


def test_two_second_signatures_make_one_record(session):
    """Both pages were open: one conditional update decides."""
    waits = proposed(session, by_the_young(session))
    record = cosigning.complete(session, waits, by_the_parent(session), now=NOW)

    with pytest.raises(Conflict):
        cosigning.complete(session, waits, by_the_parent(session), now=NOW)
    assert record.co_actor_id == ANOTHER


def test_a_signature_after_its_time_is_none(session):
    """Thirty days, or the end of the power beside the ward."""
    waits = proposed(session, by_the_young(session))
    assert waits.expires_at == NOW + cosigning.WAITS

    with pytest.raises(Conflict):
        cosigning.complete(session, waits, by_the_parent(session), now=waits.expires_at)
    with pytest.raises(NotFound):
        cosigning.find(session, waits.id, now=waits.expires_at)
    short = cosigning.sign(session, by_the_young(session), until=NOW + DAY, now=NOW)
    assert short.expires_at == NOW + DAY


def test_the_record_has_the_weaker_level_of_both_and_ends_with_the_power(session):
    """Catalogue rule 4: what both reached."""
    waits = proposed(session, by_the_parent(session, aal="2.2", ial="2.2"))
    record = cosigning.complete(session, waits, by_the_young(session, aal="2.1", ial="2.1"), now=NOW)

    assert (record.aal, record.ial) == ("2.1", "2.1")
    assert (record.capacity, record.co_capacity, record.guardianship_id) == ("parent", "self", LINK)
    assert record.expires_at <= UNTIL


def test_only_the_missing_signature_completes_it(session):
    """The ward and one beside them, over the same words and data."""
    waits = proposed(session, by_the_parent(session))

    for said in (by_the_parent(session, actor_id=PERSON), by_the_young(session, scopes=("patient/Patient.r",))):
        with pytest.raises(NotAllowed) as refused:
            cosigning.complete(session, waits, said, now=NOW)
        assert refused.value.code == "capacity"


def test_a_newer_first_signature_takes_the_place_of_the_older(session):
    """One proposal waits under a key."""
    first = proposed(session, by_the_young(session))
    second = proposed(session, replace(by_the_young(session), lives_for=DAY))

    assert [one.id for one in cosigning.of_ward(session, PERSON, now=NOW)] == [second.id]
    with pytest.raises(NotFound):
        cosigning.find(session, first.id, now=NOW)
