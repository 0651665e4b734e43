"""The whole of it: 500 people sign in from one address in half an hour while it guesses at 500 (RELIABILITY 3)."""

import os

import pytest

from tests.idp.web import siege

PEOPLE = int(os.environ.get("YINYOM_SIEGE", "500"))  # as many numbers are guessed at


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_five_hundred_people_sign_in_while_their_address_guesses_at_as_many(settings, sessions, clock, ring, figure):
    """Less than one in a hundred is asked for another proof, nobody is turned away, five guesses a person at most."""
    found = siege.endured(settings, sessions, clock, ring, people=PEOPLE)

    figure(
        f"one address, 30 simulated minutes: {found.arrived} of {found.people} people arrived, {found.challenged} were "
        f"asked for another proof, {len(found.blocked)} turned away; of {found.numbers} numbers {found.turned} "
        f"met another proof, {found.guesses} guesses were looked at, {found.broke_in} right"
    )
