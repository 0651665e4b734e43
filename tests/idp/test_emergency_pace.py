"""Many broken glasses by one clinician: never blocked, seen by reviewers, in the log once a day; from what is there."""

import pytest

from idp import emergencies, emergency_pace, emergency_reviews
from idp.emergency_pace import MOST_OPENED, MOST_TRIED, Busy
from tests.fakes import DAY, HOUR, MINUTE
from tests.idp.bay import SAID, set_up
from tests.idp.ward import HERE, THERE


@pytest.fixture
def bay(session, ring, settings):
    """A hospital with a doctor, a head and an officer."""
    return set_up(session, ring, settings)


def busy(bay, reviewer=None):
    return emergency_reviews.busy(bay.session, reviewer or bay.officer, now=bay.now)


def alarms(bay):
    return [one.reason for one in bay.events("abuse.alarm")]


def tries(bay, count):
    for _ in range(count):
        emergencies.note_unfound(bay.session, bay.ward.ring, desk=bay.desk(), aal="urn:yinyom:aal:2.2", now=bay.now)


def test_the_sixth_opening_of_a_day_is_seen_and_not_blocked(bay):
    """Five are a hard night; the sixth opens as well, and somebody looks. Unknown people count."""
    for _ in range(MOST_OPENED):
        bay.open(unknown=True)
    assert (busy(bay), alarms(bay)) == ([], [])

    later = bay.later(HOUR)
    later.open()
    later.open(unknown=True)

    assert busy(later) == [Busy(HERE, MOST_OPENED + 2, 0)]
    (entry,) = later.events("abuse.alarm")
    used = later.events("breakglass.used")[-1]
    assert (entry.reason, entry.actor_kind, entry.actor) == ("many_emergencies", "staff", used.actor)
    assert (entry.subject, {"measure:look", "hcode:99001"} <= set(entry.codes)) == ("", True)


def test_the_same_press_twice_counts_once(bay):
    """A double tap is one opening."""
    opened = bay.open(unknown=True)
    for _ in range(MOST_OPENED):
        told = {"said": SAID, "patient": None, "desk": bay.desk(), "locale": "th", "now": bay.now}
        assert emergencies.open_access(bay.session, bay.ward.ring, opened, **told) == opened

    assert (busy(bay), alarms(bay)) == ([], [])


def test_the_next_day_begins_anew_and_alarms_anew(bay):
    """24 hours for who looks; one alarm a day of the calendar."""
    for _ in range(MOST_OPENED + 1):
        bay.open(unknown=True)
    tomorrow = bay.later(DAY + MINUTE)
    assert busy(tomorrow) == []
    for _ in range(MOST_OPENED + 3):
        tomorrow.open(unknown=True)

    assert alarms(tomorrow) == ["many_emergencies"] * 2


def test_numbers_that_are_nobodys_are_counted_too(bay):
    """Ten may be slips of a tired hand; eleven are a search."""
    bay.open(unknown=True)  # names nobody either, and is no attempt
    tries(bay, MOST_TRIED)
    assert (busy(bay), alarms(bay)) == ([], [])

    tries(bay.later(MINUTE), 2)

    assert busy(bay.later(MINUTE)) == [Busy(HERE, 1, MOST_TRIED + 2)]
    assert alarms(bay) == ["many_numbers"]


def test_two_clinicians_are_not_added_up_and_two_places_are(bay):
    """One person's openings everywhere together; each place with its own number."""
    for n in range(MOST_OPENED + 1):
        bay.open(unknown=True, desk=bay.desk(hcode=THERE if n % 2 else HERE))

    assert busy(bay) == [Busy(HERE, 3, 0), Busy(THERE, 3, 0)]
    assert busy(bay, bay.head) == [Busy(HERE, 3, 0)]
    assert busy(bay, bay.ward.doctor) == []
    assert emergency_pace.many(bay.session, now=bay.later(DAY + MINUTE).now) == []
