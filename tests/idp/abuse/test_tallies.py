"""Counts that all processes share are exact."""

from concurrent.futures import ThreadPoolExecutor

from idp.abuse import tallies
from tests.fakes import HOUR, MINUTE, NOW, SECOND


def test_parallel_counts_lose_nothing(sessions):
    """One statement adds and answers."""

    def add(_):
        with sessions.writing() as session:
            return tallies.add(session, "t", each=MINUTE, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(add, range(80))) == list(range(1, 81))


def test_a_stretch_begins_where_all_processes_say_it_does(session):
    """Minutes and hours of UTC; each has a row of its own."""
    moment = NOW + 61 * SECOND

    assert tallies.begun(moment, MINUTE) == NOW + MINUTE
    assert tallies.begun(moment, HOUR) == NOW
    assert [tallies.add(session, "t", each=MINUTE, now=at) for at in (NOW, moment, moment)] == [1, 1, 2]
    assert tallies.counted(session, "t", first=NOW, last=moment) == {NOW: 1, NOW + MINUTE: 2}
    assert tallies.one(session, "t", each=MINUTE, now=NOW) == 1
    assert tallies.one(session, "other", each=MINUTE, now=NOW) == 0
