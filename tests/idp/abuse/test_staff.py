"""How much one member of staff may ask for, and who hears of many people proved by paper."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select

from consent.audit import entry as entries
from consent.audit.models import AuditEntry
from idp.abuse import staff
from idp.abuse.tallies import Tally
from tests.fakes import HOUR, NOW

CLERK, HOSPITAL = uuid4(), uuid4()


@pytest.mark.storage
@pytest.mark.parametrize("what", ["nonce", "sms"])
def test_one_member_of_staff_gets_exactly_so_many_an_hour(sessions, ring, monkeypatch, what):
    """RELIABILITY rule 1: over all processes; another person and the next hour have their own."""
    monkeypatch.setitem(staff.MOST_AN_HOUR, what, 5)

    def may(person=CLERK, now=NOW):
        with sessions.writing() as session:
            return staff.may(session, ring, person, what, now=now)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: may(), range(20))) == 5
    assert may(uuid4())
    assert may(now=NOW + HOUR)


def test_nobody_is_counted_by_name(session, ring):
    staff.may(session, ring, CLERK, "sms", now=NOW)

    assert all(str(CLERK) not in name and CLERK.hex not in name for name in session.scalars(select(Tally.name)))


def test_the_eleventh_person_proved_by_paper_in_a_day_is_told_once(session, ring):
    """R6: an officer who makes many people from papers is seen by whoever watches; nobody waits for it."""
    for _ in range(13):
        told = {"recipient_id": HOSPITAL, "codes": ("hcode:99001",), "now": NOW}
        staff.seen_by_eye(session, ring, (CLERK, uuid4()), **told)

    told = [entries.from_bytes(bytes(row.leaf_bytes)) for row in session.scalars(select(AuditEntry))]
    assert [(one.event, one.reason) for one in told] == [("abuse.alarm", "many_by_eye")]
    assert {"measure:look", "hcode:99001"} <= set(told[0].codes)
