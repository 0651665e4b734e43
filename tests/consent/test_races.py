"""Giving and withdrawing at once from two sessions: history without gaps (RELIABILITY X22, DECISIONS 16)."""

import threading

from sqlalchemy import func, select

from consent import records
from consent.audit import log, search
from consent.errors import Conflict, NotAllowed
from consent.models import ConsentRecord, ConsentWithdrawal
from consent.withdrawal import undo, withdraw
from tests.consent.cast import PERSON, choice, key
from tests.fakes import NOW, SECOND

ROUNDS = 12


def run(*works):
    """Start all works together; what one raises, the test raises."""
    start, faults = threading.Barrier(len(works)), []

    def go(work) -> None:
        start.wait()
        try:
            for n in range(ROUNDS):
                work(n)
        except BaseException as fault:  # noqa: BLE001 -- handed to the test's own thread
            faults.append(fault)

    threads = [threading.Thread(target=go, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def until_kept(act):
    """Whoever loses a compare-and-swap thrice asks again, as a person would."""
    while True:
        try:
            return act()
        except Conflict:
            continue


def test_giving_and_withdrawing_at_once_leaves_one_history_without_gaps(sessions):
    """X22: final state is the last move; no two in force; every move has its entry."""
    with sessions.writing() as session:
        answer = choice(session)

    def give_and_withdraw(n: int) -> None:
        def give():
            with sessions.writing() as session:
                return records.give(session, answer, now=NOW + n * SECOND).id

        def take_back():
            with sessions.writing() as session:
                withdraw(session, record_id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW + n * SECOND)

        record_id = until_kept(give)
        until_kept(take_back)

    run(give_and_withdraw, give_and_withdraw)

    with sessions.writing() as session:
        stand = records.standing(session, key())
        rows = search.of_person(session, PERSON, limit=1000)
        moves = sorted((row.entry for row in rows if row.entry.move), key=lambda e: e.move)
        given = session.scalar(select(func.count()).select_from(ConsentRecord))
        ended = session.scalar(select(func.count()).select_from(ConsentWithdrawal))
    assert given == 2 * ROUNDS
    assert [entry.move for entry in moves] == list(range(1, stand.move + 1))
    assert stand.move == given + ended
    assert stand.state == "withdrawn"
    assert moves[-1].event == "consent.withdrawn"
    in_force = None
    for entry in moves:
        if entry.event == "consent.withdrawn":
            assert entry.consent_id == in_force
            in_force = None
        else:
            in_force = entry.consent_id
    assert in_force is None


def test_two_first_answers_at_once_are_two_moves_of_one_standing(sessions):
    """The first move has no row to lock: the key of the standing decides."""
    with sessions.writing() as session:
        answer = choice(session)

    def refuse(_: int) -> None:
        def act():
            with sessions.writing() as session:
                records.refuse(session, answer, now=NOW)

        until_kept(act)

    run(refuse, refuse)

    with sessions.reading() as session:
        assert records.standing(session, key()).move == 2 * ROUNDS
        assert sorted(entry.move for entry in log.of_subject(session, PERSON, limit=100)) == [*range(1, 2 * ROUNDS + 1)]


def test_a_withdrawal_undone_twice_at_once_is_one_new_consent(sessions):
    """Two taps at the same moment: one row decides, and the slower one writes nothing."""
    with sessions.writing() as session:
        answer = choice(session)

    def give_and_withdraw(n):
        with sessions.writing() as session:
            first = records.give(session, answer, now=NOW + n * SECOND).id
        with sessions.writing() as session:
            withdraw(session, first, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW + n * SECOND)
        return first

    for n in range(ROUNDS):
        first, made, start = give_and_withdraw(n), [], threading.Barrier(2)

        def tap(_=0, first=first, made=made, start=start, n=n):
            start.wait()
            with sessions.writing() as session:
                try:
                    again = undo(session, first, subject_id=PERSON, aal="2.2", ial="2.1", now=NOW + n * SECOND)
                except NotAllowed as refusal:
                    assert refusal.code == "replaced"  # noqa: PT017 -- the other tap had committed
                    return
                made.append(again)

        taps = [threading.Thread(target=tap) for _ in range(2)]
        for one in taps:
            one.start()
        for one in taps:
            one.join()
        assert len([one for one in made if one is not None]) == 1
