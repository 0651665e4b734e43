import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from idp import patience
from idp.db import DatabaseUnavailable, make_engine, make_sessions
from idp.demo.folder import free_port
from idp.patience import Rest, is_gone


class Monotonic:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        """The present second."""
        return self.now


def test_while_all_is_well_everybody_may_ask():
    """X8: nothing stands between a request and its database."""
    rest = Rest(Monotonic())
    rest.worked()

    assert all(rest.admits() for _ in range(3))


def test_after_a_failure_one_asks_and_the_others_are_refused():
    """X8: no threads pile up behind a server that hangs."""
    clock = Monotonic()
    rest = Rest(clock)

    rest.failed()
    assert not rest.admits()
    clock.now += patience.REST_S
    assert [rest.admits() for _ in range(3)] == [True, False, False]
    rest.worked()
    assert rest.admits()


def test_one_who_asked_and_never_came_back_is_followed_by_another():
    """X8: a probe that died with its thread does not close the door for ever."""
    clock = Monotonic()
    rest = Rest(clock)
    rest.failed()
    clock.now += patience.REST_S
    assert rest.admits()

    clock.now += patience.LONGEST_TRY_S
    assert rest.admits()


@pytest.mark.parametrize(
    ("fault", "gone"),
    [
        (psycopg.OperationalError("no answer"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.LockNotAvailable(), False),
    ],
)
def test_a_slow_statement_is_no_server_that_is_away(fault, gone):
    """X8: one statement that took too long must not stop everybody."""
    assert is_gone(OperationalError("SELECT 1", {}, fault)) is gone
    assert not is_gone(None)


def test_a_server_that_is_away_is_asked_once_and_then_left_alone():
    """X7: refused at once from the second request on, without a connection being tried."""
    engine = make_engine(f"postgresql://app@127.0.0.1:{free_port()}/none")
    sessions = make_sessions(engine)

    with pytest.raises(DatabaseUnavailable, match="OperationalError"), sessions.reading() as session:
        session.connection()
    with pytest.raises(DatabaseUnavailable, match="resting"), sessions.writing():
        pytest.fail("it was asked again")
    engine.dispose()
