"""RELIABILITY X20, small: over several processes five guesses a challenge are looked at, exactly."""

from tests.idp.contact import guessers


def test_three_processes_together_look_at_five_guesses_a_challenge(sessions, ring, kek):
    """Decremented first, by one conditional statement; the other forty of forty-five are refused unread."""
    ids = guessers.opened(sessions, ring, 8)

    told = guessers.besiege(sessions, kek, ids, processes=3, each=15)

    assert {one: (told[one, "wrong"], told[one, "spent"]) for one in ids} == dict.fromkeys(ids, (5, 40))
