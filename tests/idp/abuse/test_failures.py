"""Twenty wrong codes in a row close the way by SMS, for devices that the person never used; exactly twenty."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from idp import subjects
from idp.abuse import failures
from idp.abuse.failures import MOST, CodeFailures
from idp.login import sessions as sign_ins
from idp.proofing.sources.fake import SandboxRegistry
from tests.fakes import DAY, NOW

SOMCHAI = "3999000010035"
OURS, THEIRS = "device-of-somchai", failures.STRANGER


@pytest.fixture
def somchai(sessions, ring):
    """Somebody with a proved number."""
    with sessions.writing() as session:
        return subjects.create(session, ring, SOMCHAI, SandboxRegistry().people[SOMCHAI], now=NOW)


def pay(sessions, number="n", **more):
    with sessions.writing() as session:
        return failures.pay(session, number, now=NOW, **more)


def closed(sessions, number="n", **more):
    with sessions.reading() as session:
        return failures.is_closed(session, number, **more)


def test_two_hundred_guesses_at_once_are_twenty(sessions):
    """RELIABILITY rule 1: paid before they are compared, by one conditional statement."""
    with ThreadPoolExecutor(16) as pool:
        paid = list(pool.map(lambda _: pay(sessions), range(200)))

    assert paid.count(True) == MOST == 20
    assert closed(sessions)


def test_a_right_guess_starts_from_nothing(sessions):
    """In a row: nineteen failures, a right code, and nineteen more close nothing."""
    for _ in range(19):
        assert pay(sessions)
    with sessions.writing() as session:
        failures.forgive(session, "n")
    assert all(pay(sessions) for _ in range(19))

    assert not closed(sessions)


def test_strangers_do_not_close_the_way_of_a_known_device_nor_of_another_number(sessions):
    """ASVS 6.1.1: a lockout must not be a weapon."""
    for _ in range(25):
        pay(sessions)

    assert closed(sessions)
    assert not closed(sessions, device=OURS)
    assert not closed(sessions, "other")
    assert pay(sessions, device=OURS)


def test_a_known_device_has_twenty_of_its_own(sessions):
    """NIST SP 800-63B 5.2.2: a stolen phone guesses no longer either."""
    assert [pay(sessions, device=OURS) for _ in range(21)] == [True] * 20 + [False]
    assert not closed(sessions, device=THEIRS)


@pytest.mark.parametrize(("factor", "opens"), [("passkey", True), ("pin", True), ("sms", False), ("line", False)])
def test_any_proof_but_a_message_opens_the_way(sessions, ring, settings, somchai, factor, opens):  # noqa: PLR0917
    """RELIABILITY 3: until passkey, in person, or another proven factor."""
    number = ring.fingerprint(SOMCHAI)
    for _ in range(20):
        pay(sessions, number)

    with sessions.writing() as session:
        facts = {"kind": "citizen", "device": "", "settings": settings, "now": NOW}
        sign_ins.start(session, subject_id=somchai.id, factors={factor}, **facts)

    assert closed(sessions, number) is not opens


def test_a_number_that_was_only_typed_opens_nothing(sessions, ring, somchai):
    """Whoever holds a provisional account of somebody's number must not open the way to the real one."""
    number = ring.fingerprint(SOMCHAI)
    for _ in range(20):
        pay(sessions, number)
    with sessions.writing() as session:
        session.execute(subjects.NationalId.__table__.update().values(proved=False))
        failures.reopen(session, somchai.id)

    assert closed(sessions, number)


def test_old_counts_are_forgotten_but_a_closed_way_stays_closed(sessions):
    """Only the person opens it."""
    pay(sessions, "few")
    for _ in range(20):
        pay(sessions, "many")

    with sessions.writing() as session:
        failures.purge(session, now=NOW + 401 * DAY)

    with sessions.reading() as session:
        assert session.scalars(select(CodeFailures.fingerprint)).all() == ["many"]
