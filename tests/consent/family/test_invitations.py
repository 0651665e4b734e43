"""A code is typed by one hand, also when two type it at once; of one person one invitation waits."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from consent.errors import Conflict
from consent.family import invitations
from consent.family.helping import Wanted
from consent.family.models import HelperInvitation
from tests.fakes import NOW

SEE = Wanted(("see",), ("record",), 30)
ROUNDS = 6


def at_once(*works):
    """All together; what each came to."""
    start, found = threading.Barrier(len(works)), []

    def go(work) -> None:
        start.wait()
        try:
            found.append(work())
        except Conflict:
            found.append(None)

    threads = [threading.Thread(target=go, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("n", range(ROUNDS))
def test_two_hands_that_type_one_code_at_once_are_one_hand(sessions, n):
    """One conditional statement, on both databases."""
    code = f"code-{n}"
    with sessions.writing() as session:
        invitations.invite(session, SEE, ward_id=uuid4(), code_hash=code, now=NOW)

    def take():
        with sessions.writing() as session:
            return invitations.take(session, code, by=uuid4(), now=NOW)

    found = at_once(take, take)

    assert len(found) == len([True, True])
    assert sum(one is not None for one in found) == 1


@pytest.mark.parametrize("n", range(ROUNDS))
def test_of_one_person_one_invitation_waits_whoever_asks_at_once(sessions, n):
    """The partial unique index."""
    person = uuid4()

    def invite(mark):
        def go():
            with sessions.writing() as session:
                return invitations.invite(session, SEE, ward_id=person, code_hash=f"{n}-{mark}", now=NOW)

        return go

    at_once(invite("a"), invite("b"))

    with sessions.reading() as session:
        waits = select(func.count()).where(HelperInvitation.ward_id == person, HelperInvitation.settled_at.is_(None))
        assert session.scalar(waits) == 1
