"""RELIABILITY X20: a thousand challenges are guessed at by four processes at once."""

import pytest

from tests.idp.contact import guessers

CHALLENGES, PROCESSES, EACH = 1_000, 4, 5


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_of_twenty_guesses_at_each_of_a_thousand_codes_five_are_looked_at(sessions, ring, kek, figure):
    """Exactly 5,000 of 20,000, whichever process was faster."""
    ids = guessers.opened(sessions, ring, CHALLENGES)

    told = guessers.besiege(sessions, kek, ids, processes=PROCESSES, each=EACH)

    looked_at = [told[one, "wrong"] for one in ids]
    assert set(looked_at) == {5}
    figure(
        f"{PROCESSES} processes, {sum(told.values()):,} guesses at {CHALLENGES:,} codes: {sum(looked_at):,} looked at"
    )
