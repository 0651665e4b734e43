"""When a data holder has fallen silent: by its own rhythm, told once, and once more when it is back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from idp import silence, vitals
from idp.oauth import resources
from idp.reports import HolderReport
from idp.silence import LEAST, PERIOD, UNKNOWN, HolderRhythm, Rhythm
from tests.fakes import DAY, HOUR, MINUTE, NOW
from tests.idp.fhir.reports import HOLDER
from tests.idp.oauth.stage import set_up

WEEK = 7 * DAY
OLD = NOW - 10 * WEEK


def beats(*pauses, since=OLD):
    """The rhythm of a holder with these pauses, again and again until the period is over."""
    rhythm = Rhythm(since, since, since)
    while rhythm.last_at - since < PERIOD:
        for pause in pauses:
            rhythm = rhythm.heard(rhythm.last_at + pause)
    return rhythm


@pytest.mark.parametrize(
    ("rhythm", "limit"),
    [
        (Rhythm(NOW, NOW, NOW), UNKNOWN),  # one report: nothing is known
        (Rhythm(NOW - DAY, NOW, NOW - DAY, HOUR), UNKNOWN),
        (beats(HOUR), LEAST),  # all day, every day
        (beats(*[HOUR] * 12, 12 * HOUR), DAY),  # closed at night
        (beats(*[DAY] * 4, 3 * DAY), 6 * DAY),  # closed at weekends
    ],
)
def test_how_long_a_holder_may_say_nothing(rhythm, limit):
    """PURE: twice its longest pause; hours at least, days while nobody knows."""
    assert rhythm.limit == limit


def test_an_outage_is_not_learned_as_a_rhythm():
    """A month of silence does not make the next month of silence usual; slower work is learned step by step."""
    rhythm = beats(HOUR)

    after = rhythm.heard(rhythm.last_at + 30 * DAY)

    assert after.limit == 2 * LEAST
    assert after.heard(after.last_at + 30 * DAY).limit == 4 * LEAST


def test_a_pause_is_forgotten_after_two_periods():
    """New Year is not what is usual at Songkran."""
    rhythm = beats(HOUR).heard(OLD + PERIOD + 6 * HOUR)
    assert rhythm.limit > LEAST

    for _ in range(2):
        end = rhythm.last_at + PERIOD + DAY
        while rhythm.last_at < end:
            rhythm = rhythm.heard(rhythm.last_at + HOUR)

    assert rhythm.limit == LEAST


@pytest.fixture(name="_registered")
def registered(session, ring, settings):
    """A hospital, one data holder that is registered, one more that never spoke."""
    set_up(session, ring, settings)


def report(session, *moments, holder=HOLDER):
    """Reports that were taken at these moments."""
    facts = {"client_id": "holder", "holder": holder, "body_mac": "x"}
    rows = [{**facts, "report_id": uuid4(), "read_at": at, "reported_at": at} for at in moments]
    session.execute(insert(HolderReport), rows)


def hourly(session, *, days, until):
    report(session, *(until - index * HOUR for index in range(24 * days)))


def told(session):
    rows = session.scalars(select(AuditEntry.leaf_bytes).order_by(AuditEntry.id))
    entries = [from_bytes(bytes(leaf)) for leaf in rows]
    return [(one.event, one.holder) for one in entries if one.event.startswith("holder.")]


def state(session, now):
    return {voice.holder: voice.state(now) for voice in silence.voices(session, now=now)}[HOLDER]


@pytest.mark.usefixtures("_registered")
def test_s30_a_holder_that_falls_silent_is_told_once_and_once_that_it_is_back(session):
    """PDPA s.30: what nobody reports nobody sees, so silence is an entry, a figure, and a line for the operator."""
    hourly(session, days=30, until=NOW)
    assert silence.listen(session, now=NOW) == 0
    assert state(session, NOW + 5 * HOUR) == "speaking"

    late = NOW + 7 * HOUR
    assert [silence.listen(session, now=late) for _ in range(3)] == [1, 0, 0]
    assert state(session, late) == "silent"

    report(session, late + MINUTE)
    assert [silence.listen(session, now=late + HOUR) for _ in range(2)] == [1, 0]
    assert told(session) == [("holder.silent", HOLDER), ("holder.back", HOLDER)]
    assert state(session, late + HOUR) == "speaking"


@pytest.mark.usefixtures("_registered")
def test_who_never_spoke_is_not_called_silent(session):
    """There is no rhythm to judge by; it is counted apart."""
    assert silence.listen(session, now=NOW + WEEK) == 0
    assert state(session, NOW + WEEK) == "never"
    assert told(session) == []


@pytest.mark.usefixtures("_registered")
def test_a_second_worker_tells_nothing_again(session):
    """What it read before the first one wrote is settled by one conditional statement."""
    hourly(session, days=30, until=NOW)
    late = NOW + DAY
    silence.listen(session, now=late)

    assert silence._told(session, HOLDER, late=True, now=late) == 0


@pytest.mark.usefixtures("_registered")
def test_a_busy_holder_is_read_hour_by_hour(session):
    """A thousand reports of one hour are one step; what is left after many steps waits for the next round unjudged."""
    report(session, *(NOW - PERIOD + index * timedelta(seconds=3) for index in range(1000)))
    rhythm, whole = silence._caught_up(session, HOLDER, None, now=NOW)
    assert (rhythm.last_at, rhythm.longest, whole) == (NOW - PERIOD + timedelta(seconds=2997), timedelta(0), True)

    hourly(session, days=27, until=NOW)
    silence.MOST_STEPS, before = 10, silence.MOST_STEPS
    try:
        assert silence._caught_up(session, HOLDER, None, now=NOW)[1] is False
        assert silence.listen(session, now=NOW + WEEK) == 0
    finally:
        silence.MOST_STEPS = before
    assert silence.listen(session, now=NOW + 2 * WEEK) == 1


@pytest.mark.usefixtures("_registered")
def test_the_operators_figures(session):
    """Counts by state, and how late the latest is; no label names a holder."""
    hourly(session, days=30, until=NOW)
    silence.listen(session, now=NOW)

    found = [one for one in vitals.gauges(session, now=NOW + 12 * HOUR) if one.name.startswith("yinyom_holder")]

    others = len(resources.everyone(session)) - 1
    assert {(one.name, one.labels.get("state")): one.value for one in found} == {
        ("yinyom_holders", "speaking"): 0,
        ("yinyom_holders", "silent"): 1,
        ("yinyom_holders", "never"): others,
        ("yinyom_holder_silence_ratio", None): 2.0,
    }


@pytest.mark.usefixtures("_registered")
def test_a_rhythm_never_goes_back(session):
    """A slower worker with an older view changes nothing that a faster one has written."""
    hourly(session, days=2, until=NOW)
    silence.listen(session, now=NOW)

    silence._learn(session, HOLDER, Rhythm(OLD, OLD, OLD))

    assert session.scalar(select(HolderRhythm.last_at)) == NOW
