"""One consent as one line of time: what belongs to it, how it was joined, and what does not."""

from datetime import timedelta
from uuid import uuid4

import pytest

from consent import receipts, records, timeline
from consent.access import request_access
from consent.audit import log
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from consent.receipts import Act
from consent.timeline import Joined
from consent.withdrawal import withdraw
from tests.consent.cast import ANOTHER, APP, AUDITOR, CLINIC, PERSON, choice
from tests.fakes import HOUR, NOW

QUARTER = timedelta(days=92)


def line_of(session, record_id, *, now=NOW + 3 * QUARTER):
    return timeline.of_consent(session, record_id, auditor_id=AUDITOR, reason="case 12", now=now)


def told(line):
    return [(moment.row.entry.event, moment.joined) for moment in line.moments]


def ask(session, *, now, event="introspect"):
    facts = {"recipient": APP, "purposes": ["PHR-SELF"], "client_id": "holder", "aal": None, "ial": "2.1"}
    return request_access(session, subject_id=PERSON, event=event, write=True, now=now, **facts)


def a_life(session):
    """Given, used, withdrawn a quarter later, and refused after that."""
    record = records.give(session, choice(session), now=NOW)
    ask(session, now=NOW + HOUR)
    withdraw(session, record.id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW + QUARTER)
    ask(session, now=NOW + QUARTER + HOUR)
    return record


def test_a_consent_is_told_from_its_notice_to_the_refusal_after_its_end(session):
    """Issue: one line of time, across the pseudonyms of two quarters."""
    record = a_life(session)

    line = line_of(session, record.id)

    assert told(line) == [
        ("notice.published", Joined.NOTICE),
        ("consent.given", Joined.RECORD),
        ("introspect", Joined.RECORD),
        ("consent.withdrawn", Joined.RECORD),
        ("introspect.denied", Joined.RECORD),
        ("audit.searched", Joined.RECORD),
    ]
    assert len({moment.row.entry.subject for moment in line.moments} - {""}) == 3
    assert [moment.row.entry.reason for moment in line.moments][-2:] == ["withdrawn", "case 12"]
    assert (line.found.state, line.others, line.cut) == ("withdrawn", [], False)


def test_what_cannot_name_the_consent_is_joined_by_what_it_names_and_says_so(session):
    """A grant names its purposes; a refused request names the service alone; both only while this record is newest."""
    record = records.give(session, choice(session), now=NOW)
    facts = {"subject_id": PERSON, "client_id": "portal", "recipient_id": CLINIC}
    granted = {"actor": Actor.citizen(PERSON), "codes": ["SIGNIN", "PHR-SELF"], **facts}
    log.append(session, "authz.granted", now=NOW + HOUR, **granted)
    denied = {"actor": Actor.client("portal"), "outcome": "denied", "subject_id": PERSON}
    log.append(session, "authz.denied", now=NOW + 2 * HOUR, client_id="portal", codes=["access_denied"], **denied)
    for now, changes in (
        (NOW + HOUR, {"codes": ["EHR-SHARE"]}),
        (NOW + HOUR, {"subject_id": ANOTHER}),
        (NOW + HOUR, {"recipient_id": uuid4()}),
        (NOW - 2 * HOUR, {}),
    ):
        log.append(session, "authz.granted", now=now, **{**granted, **changes})
    log.append(session, "authz.denied", now=NOW + HOUR, client_id="another", **denied)
    newer = records.give(session, choice(session), now=NOW + 4 * HOUR)
    log.append(session, "authz.granted", now=NOW + 5 * HOUR, **granted)

    first, second = (line_of(session, one.id, now=NOW + 6 * HOUR) for one in (record, newer))

    joined = [event for event, how in told(first) if how is Joined.KEY]
    assert joined == ["authz.granted", "authz.denied"]
    assert [event for event, how in told(second) if how is Joined.KEY] == ["authz.granted"]
    assert (first.others, second.others, first.found.state) == ([newer.id], [record.id], "replaced")


def test_a_look_is_an_entry_about_that_person_and_that_consent(session):
    """Who looked at this consent is part of its line."""
    record = records.give(session, choice(session), now=NOW)

    look = line_of(session, record.id).moments[-1].row.entry

    assert (look.event, look.actor_kind, look.consent_id, look.reason) == (
        "audit.searched",
        "auditor",
        record.id,
        "case 12",
    )
    assert look.codes == (f"consent:{record.id}",)


@pytest.mark.parametrize("reason", ["", "about 1-9990-00010-01-2"])
def test_without_a_usable_reason_nothing_is_read_or_written(session, reason):
    """The same rule as for a search."""
    record = records.give(session, choice(session), now=NOW)

    with pytest.raises(NotAllowed):
        timeline.of_consent(session, record.id, auditor_id=AUDITOR, reason=reason, now=NOW)

    assert "audit.searched" not in {event for event, _ in told(line_of(session, record.id))[:-1]}


def test_an_unknown_consent_is_not_found(session):
    """Whoever asks."""
    with pytest.raises(NotFound):
        line_of(session, uuid4())
    with pytest.raises(NotFound):
        timeline.person_of(session, uuid4())


def test_a_consent_is_named_by_its_id_or_by_a_receipt(session):
    """What a citizen has in hand is the receipt."""
    record = records.give(session, choice(session), now=NOW)

    for named in (str(record.id), record.id.hex, receipts.number(record.id, Act.WITHDRAWN).lower()):
        assert timeline.record_id_of(named) == record.id
    assert timeline.person_of(session, record.id) == PERSON
    for nothing in ("", "x", "0000", "1999000010012"):
        assert timeline.record_id_of(nothing) is None
