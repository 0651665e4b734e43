"""A workshop is not punished for who else uses its address (RELIABILITY 3). Small here, 500 people in `make faults`."""

from tests.idp.web import siege

PEOPLE = 30


def test_a_workshop_signs_in_while_its_address_guesses_at_as_many_people(settings, sessions, clock, ring):
    """Less than one in a hundred is asked for another proof, nobody is turned away, no guess is looked at twice."""
    siege.endured(settings, sessions, clock, ring, people=PEOPLE)
