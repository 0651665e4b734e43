"""A consent for one visit, at every moment of the visit and after: the decision ends it, whoever forgot to."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from consent import access, records
from consent.decision import Reason
from idp import counter, directory
from idp.circumstances import ROOMS
from tests.fakes import DAY, HOUR, SECOND
from tests.idp.ward import set_up

PURPOSE = "EHR-SHARE"


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def agree(ward, visit_id, **changes):
    choice = replace(
        ward.stage.choice(PURPOSE, scopes=["patient/Condition.rs"], basis="C26"), visit_id=visit_id, **changes
    )
    return records.give(ward.session, choice, now=ward.now)


def asked(ward):
    """What a data holder would hear about it now."""
    return access.request_access(
        ward.session,
        subject_id=ward.stage.citizen,
        recipient=directory.recipient_of(ward.session, ward.stage.hospital, now=ward.now),
        purposes=[PURPOSE],
        client_id="portal",
        aal=None,
        ial=None,
        event="introspect",
        write=False,
        now=ward.now,
        rooms=ROOMS,
    )


def test_it_holds_while_the_visit_does_and_not_a_second_longer(ward):
    """Given late in a visit, it would live into the next day by its own hours; the visit's end is sooner."""
    visit_id = ward.open()
    late = ward.later(23 * HOUR)
    record = agree(late, visit_id)
    end = ward.visit(visit_id).ends_at

    assert record.expires_at > end
    assert asked(ward.later(DAY - SECOND)).permit
    over = asked(ward.later(DAY))
    assert (over.permit, over.reason) == (False, Reason.visit_over)
    assert ward.visit(visit_id).ended_at is None, "nobody ended it, and no job ran"


def test_the_end_of_the_visit_ends_it_at_once_and_the_list_says_so(ward):
    """One entry, about the person, with the number of the move; the record itself is untouched."""
    visit_id = ward.open()
    record = agree(ward, visit_id)
    later = ward.later(HOUR)

    later.end(visit_id)

    assert not asked(later).permit
    (entry,) = ward.events("consent.expired")
    assert (entry.consent_id, entry.reason, entry.move > 0) == (record.id, "visit_over", True)
    (view,) = [
        one for one in records.for_subject(ward.session, ward.stage.citizen, now=later.now) if one.purpose == PURPOSE
    ]
    assert view.state == "ended"


def test_a_consent_for_longer_is_not_touched_by_a_visit(ward):
    """No visit stands in it."""
    visit_id = ward.open()
    agree(ward, None, lives_for=timedelta(days=365))
    later = ward.later(HOUR)

    later.end(visit_id)

    assert asked(later).permit
    assert ward.events("consent.expired") == []


def test_a_newer_answer_is_not_ended_with_an_older_visit(ward):
    """The key has moved on: a year was chosen afterwards."""
    visit_id = ward.open()
    agree(ward, visit_id)
    agree(ward.later(SECOND), None, lives_for=timedelta(days=365))
    later = ward.later(HOUR)

    later.end(visit_id)

    assert asked(later).permit


def test_a_visit_that_nobody_knows_permits_nothing(ward):
    """Fails closed."""
    agree(ward, uuid4())

    assert asked(ward).reason is Reason.visit_over


def test_the_worker_only_writes_down_what_the_clock_did(ward):
    """Days later, the same end."""
    visit_id = ward.open()
    agree(ward, visit_id)
    late = ward.later(2 * DAY)

    counter.purge(ward.session, now=late.now)

    assert ward.visit(visit_id).end_reason == "lapsed"
    assert not asked(late).permit
