from uuid import uuid4

import pytest
from sqlalchemy import select

from consent.audit import log
from idp import outbox
from idp.contact import passages
from idp.contact.passages import MessagePassage, Tally
from tests.fakes import DAY, HOUR, MINUTE, NOW

FIRST_NEWS, NO_NEWS = True, False


@pytest.fixture
def sent(session):
    """One message that went through the first gateway."""
    passages.begin(session, "otp-1", "first", cost=50, now=NOW)


def receive(session, *, key="otp-1", gateway="first", delivered=True, now=NOW + MINUTE):
    code = "delivered" if delivered else "expired"
    return passages.receive(session, gateway=gateway, key=key, delivered=delivered, code=code, now=now)


def kept(session):
    row = session.scalars(select(MessagePassage).execution_options(populate_existing=True)).one()
    return row.receipt, row.receipt_code, row.receipt_at


@pytest.mark.usefixtures("sent")
def test_a_receipt_is_kept_with_its_time_and_the_second_says_nothing_new(session):
    """X15: duplicates."""
    assert receive(session) is FIRST_NEWS
    assert receive(session, now=NOW + HOUR) is NO_NEWS

    assert kept(session) == ("delivered", "delivered", NOW + MINUTE)


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_what_arrived_has_arrived_in_whatever_order_the_receipts_come(session, order):
    """X15: late and out of order."""
    for number, delivered in enumerate(order):
        receive(session, delivered=delivered, now=NOW + number * HOUR)

    assert kept(session)[0] == "delivered"


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("about", [{"key": "otp-2"}, {"gateway": "second"}, {"key": ""}])
def test_a_receipt_about_no_message_of_that_gateway_changes_nothing(session, about):
    """Nor does one gateway speak for another."""
    assert receive(session, **about) is NO_NEWS

    assert kept(session) == (None, None, None)


@pytest.mark.usefixtures("sent")
def test_a_message_that_did_not_arrive_is_one_entry_about_its_person(session, ring):
    """The person and the auditor can see that no code came; the second receipt adds nothing."""
    person = uuid4()
    outbox.enqueue(session, ring, kind="sms", to="+66100000035", body="x", key="otp-1", subject_id=person, now=NOW)

    for _ in range(2):
        receive(session, delivered=False)

    (entry,) = log.of_subject(session, person)
    assert (entry.event, entry.outcome, entry.reason) == ("message.undelivered", "failed", "expired")


def test_a_passage_begins_once(session):
    """The charge hangs on it: one insert on the primary key decides."""
    begun = [passages.begin(session, "otp-1", way, cost=50, now=NOW) for way in ("first", "first", "second")]
    passages.undo(session, "otp-1", "first")
    begun.append(passages.begin(session, "otp-1", "first", cost=50, now=NOW))

    assert begun == [True, False, True, True]


def test_the_operator_sees_a_day_of_each_gateway(session):
    """A gateway that takes everything and delivers nothing shows."""
    for number in range(3):
        passages.begin(session, f"otp-{number}", "first", cost=50, now=NOW)
    passages.begin(session, "old", "first", cost=50, now=NOW - DAY)
    passages.begin(session, "otp-1", "second", cost=50, now=NOW)
    receive(session, key="otp-0")
    receive(session, key="otp-1", delivered=False)

    assert passages.tallies(session, now=NOW + MINUTE) == [
        Tally("first", "delivered", 1),
        Tally("first", "failed", 1),
        Tally("first", "none", 1),
        Tally("second", "none", 1),
    ]


@pytest.mark.usefixtures("sent")
def test_after_a_month_nothing_is_left(session):
    """What is not needed is not kept; a later receipt is about nothing."""
    passages.purge(session, now=NOW + passages.KEPT_FOR)
    assert kept(session) == (None, None, None)
    passages.purge(session, now=NOW + passages.KEPT_FOR + MINUTE)

    assert receive(session, now=NOW + 31 * DAY) is NO_NEWS
