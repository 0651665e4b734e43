from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from consent.audit.models import AuditEntry
from idp.contact import passages, spend
from idp.contact.spend import Ledger, MessageDay
from idp.ports import SmsFailed
from tests.fakes import DAY, HOUR, NOW, Clock

SHORT = "123456 is your code."


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ก" * 70, 1),
        ("ก" * 71, 2),
        ("ก" * 134, 2),
        ("ก" * 135, 3),
        ("a" * 70 + "ก", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts_are_counted_as_networks_count_them(text, count):
    """3GPP TS 23.038 and 23.040: seven bits a sign, or 16 for Thai; a header in each of several."""
    assert spend.parts(text) == count


def test_a_days_total_never_passes_its_cap_however_many_ask_at_once(sessions):
    """RELIABILITY 3, X15: the daily cap holds, exactly."""
    ledger = Ledger(sessions, Clock(), part_cost=50, cap=50 * 25)

    def charge(number):
        try:
            ledger.charge(f"key-{number}", "first", SHORT)
        except SmsFailed:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        allowed = sum(pool.map(charge, range(40)))

    with sessions.reading() as session:
        assert (allowed, spend.spent_on(session, NOW)) == (25, 50 * 25)
        assert sum(one.count for one in passages.tallies(session, now=NOW)) == 25


def test_the_same_message_through_the_same_gateway_is_charged_once(sessions):
    """A retry under the same key is the same message; another gateway wants its own money."""
    ledger = Ledger(sessions, Clock(), part_cost=50, cap=None)
    for gateway in ("first", "first", "first", "second"):
        ledger.charge("key", gateway, SHORT)

    with sessions.reading() as session:
        assert spend.spent_on(session, NOW) == 100


def test_beyond_the_cap_nothing_goes_out_and_the_log_says_so_once_a_day(sessions):
    """An operator must hear of it; what was refused leaves no passage behind and may go out tomorrow."""
    clock = Clock()
    ledger = Ledger(sessions, clock, part_cost=50, cap=50)
    ledger.charge("a", "first", SHORT)
    for key in ("b", "c", "b"):
        with pytest.raises(SmsFailed) as failed:
            ledger.charge(key, "first", SHORT)
        assert (failed.value.code, failed.value.temporary) == ("spend_cap", True)
    ledger.charge("a", "first", SHORT)  # a retry of what was paid for goes on

    clock.tick(DAY)
    ledger.charge("b", "first", SHORT)

    with sessions.reading() as session:
        assert session.scalars(select(AuditEntry.event)).all() == ["message.capped"]
        assert session.scalars(select(MessageDay.spent)).all() == [50, 50]


def test_a_cap_that_a_long_text_would_pass_lets_a_short_one_through(sessions):
    """What is left is left."""
    ledger = Ledger(sessions, Clock(), part_cost=50, cap=100)
    ledger.charge("a", "first", SHORT)
    with pytest.raises(SmsFailed):
        ledger.charge("b", "first", "ก" * 71)

    ledger.charge("c", "first", SHORT)


def test_a_day_is_a_day_in_bangkok():
    """DECISIONS 4: midnight there is 17:00 UTC."""
    assert spend.day_of(datetime(2026, 11, 23, 16, 59, tzinfo=UTC)) == "2026-11-23"
    assert spend.day_of(datetime(2026, 11, 23, 17, 0, tzinfo=UTC)) == "2026-11-24"


def test_totals_are_kept_for_a_year_and_a_bit(sessions):
    """Long enough to compare months."""
    Ledger(sessions, Clock(), part_cost=50, cap=None).charge("a", "first", SHORT)

    with sessions.writing() as session:
        spend.purge(session, now=NOW + spend.KEPT_FOR)
        assert spend.spent_on(session, NOW) == 50
        spend.purge(session, now=NOW + spend.KEPT_FOR + DAY + HOUR)
        assert spend.spent_on(session, NOW) == 0
