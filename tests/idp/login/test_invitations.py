"""Staff invitations: 256 bits, one use, one day."""

from sqlalchemy import select

from idp.login import invitations
from tests.fakes import HOUR, NOW, SECOND


def test_an_invitation_opens_once(session, somchai):
    """RELIABILITY rule 1."""
    token = invitations.create(session, somchai, now=NOW)

    assert invitations.peek(session, f" {token}\n", now=NOW) == somchai
    assert invitations.redeem(session, token, now=NOW) == somchai
    assert invitations.peek(session, token, now=NOW) is None
    assert invitations.redeem(session, token, now=NOW) is None


def test_an_invitation_lasts_a_day(session, somchai):
    """Brief life of what is printed in a terminal."""
    token = invitations.create(session, somchai, now=NOW)

    assert invitations.peek(session, token, now=NOW + 24 * HOUR - SECOND) == somchai
    assert invitations.peek(session, token, now=NOW + 24 * HOUR) is None
    assert invitations.redeem(session, token, now=NOW + 24 * HOUR) is None


def test_a_new_invitation_ends_the_earlier_ones_of_that_person_alone(session, somchai, manee):
    """A code that was sent to the wrong place is withdrawn by making another."""
    first = invitations.create(session, somchai, now=NOW)
    other = invitations.create(session, manee, now=NOW)
    second = invitations.create(session, somchai, now=NOW)

    assert invitations.redeem(session, first, now=NOW) is None
    assert invitations.redeem(session, second, now=NOW) == somchai
    assert invitations.redeem(session, other, now=NOW) == manee


def test_nothing_but_the_hash_is_kept_and_nonsense_opens_nothing(session, somchai):
    """CONVENTIONS: store tokens and codes hashed."""
    token = invitations.create(session, somchai, now=NOW)

    kept = session.scalars(select(invitations.StaffInvitation.token_hash)).one()
    assert len(token) == 43
    assert token not in kept
    for nonsense in ("", "x", kept, "\ud800", "๙" * 50):
        assert invitations.peek(session, nonsense, now=NOW) is None
        assert invitations.redeem(session, nonsense, now=NOW) is None


def test_of_many_hands_one_redeems(sessions, somchai, at_once):
    """RELIABILITY rule 1."""
    with sessions.writing() as session:
        token = invitations.create(session, somchai, now=NOW)

    answers = at_once(8, lambda session: invitations.redeem(session, token, now=NOW))

    assert answers.count(somchai) == 1
