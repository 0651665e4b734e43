"""The first use of a token at a place is one caller's alone; repeats are added up and written once a second."""

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

from sqlalchemy import select

from idp.oauth import uses
from idp.oauth.pipeline import Context
from idp.oauth.uses import TokenUse
from tests.fakes import NOW

PLACE = "https://records.example.test"
LATER = timedelta(seconds=1)


def context_of(session, ring, settings):
    return Context(session, ring, settings, NOW)


def counted(session):
    return {row.jti: row.repeats for row in session.execute(select(TokenUse.jti, TokenUse.repeats))}


def test_of_many_who_use_a_token_at_once_one_is_the_first(sessions, ring, settings):
    """DECISIONS 20: the first use has an entry, so exactly one caller may believe to be it."""
    found, gate = [], Barrier(6)

    def ask():
        gate.wait()
        with sessions.writing() as session:
            found.append(uses.first(context_of(session, ring, settings), "t", PLACE))

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [False] * 5 + [True]


def test_repeats_are_written_once_a_second_and_none_is_lost(session, ring, settings):
    """A holder that asks at every call must not cost a write at each."""
    now = context_of(session, ring, settings)
    for _ in range(4):
        uses.first(now, "often", PLACE)
    assert counted(session) == {"often": 0}

    uses.first(now, "once", PLACE)
    uses.first(replace(now, now=NOW + LATER), "often", PLACE)

    assert counted(session) == {"often": 4, "once": 0}


def test_a_first_use_that_was_undone_is_first_again(sessions, ring, settings):
    """No entry, no use: the row shares the fate of the entry that it stands for."""
    for undo in (True, False):
        with sessions.write() as session, session.begin() as transaction:
            assert uses.first(context_of(session, ring, settings), "t", PLACE)
            if undo:
                transaction.rollback()

    with sessions.writing() as session:
        assert not uses.first(context_of(session, ring, settings), "t", PLACE)


def test_yesterdays_counters_are_forgotten(session, ring, settings):
    """A token lives five minutes; what was counted of it may go after a day."""
    now = context_of(session, ring, settings)
    uses.first(now, "old", PLACE)
    uses.first(replace(now, now=NOW + uses.USES_KEPT), "new", PLACE)

    assert uses.purge(session, now=NOW + uses.USES_KEPT + LATER) == 1
    assert counted(session) == {"new": 0}
