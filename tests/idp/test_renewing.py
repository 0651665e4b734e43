"""When an answer that stands is asked for again: the pure rules, and the MAC that tells only "other than before"."""

from dataclasses import replace

import pytest

from idp import renewing, subjects
from idp.assurance import Ial
from idp.subjects import PersonSealer
from tests.fakes import HOUR, NOW
from tests.idp.web.stage import person

ALL = ("name", "birthdate", "gender", "email", "phone", "address")


@pytest.mark.parametrize(
    ("at", "proofed_at", "now_at", "now_proofed_at", "again"),
    [
        ("1.3", NOW, Ial.IAL1_3, NOW, False),
        ("1.3", NOW, Ial.IAL2_1, NOW + HOUR, True),
        ("1.3", NOW, Ial.IAL1_3, NOW + HOUR, False),
        ("2.1", NOW, Ial.IAL1_1, NOW + HOUR, False),
        ("1.3", None, Ial.IAL2_1, NOW + HOUR, False),
        ("1.3", NOW + HOUR, Ial.IAL2_1, NOW, False),
    ],
    ids=["as it was", "better", "the same again", "worse", "not written down then", "proved before the answer"],
)
def test_only_a_later_proof_at_a_higher_level_asks_again(at, proofed_at, now_at, now_proofed_at, again):
    """Issue 5: a new proofing asks again by rule; a card that was read anew at the same level is no reason."""
    assert renewing.known_better(at, proofed_at, now_at=now_at, now_proofed_at=now_proofed_at) is again


@pytest.fixture
def citizen(session, ring):
    """Somchai's account and profile."""
    made = subjects.create(session, ring, "3999000010035", person(), now=NOW)
    return made.id, subjects.profile(session, ring, made.id)


@pytest.mark.parametrize("field", ["phone", "email", "address", "birth_date", "gender", "family_name_th"])
def test_each_value_that_is_shown_is_part_of_the_mac(session, ring, citizen, field):
    """A new value of any of them is another MAC; the same values are the same."""
    owner, profile = citizen
    sealer = PersonSealer(ring, session)

    before = renewing.values_mac(sealer, owner, profile, ALL)

    assert renewing.values_mac(PersonSealer(ring, session), owner, profile, ALL) == before
    assert renewing.values_mac(sealer, owner, replace(profile, **{field: "other"}), ALL) != before


def test_values_that_are_not_shown_are_no_part_of_it(session, ring, citizen):
    """A new phone asks nothing again where only a name is shown; health data are not here to be compared."""
    owner, profile = citizen
    sealer = PersonSealer(ring, session)
    moved = replace(profile, phone="other")

    assert renewing.values_mac(sealer, owner, moved, ("name",)) == renewing.values_mac(
        sealer, owner, profile, ("name",)
    )
    assert renewing.values_mac(sealer, owner, profile, ("visits", "allergies")) is None


def test_two_people_with_one_phone_do_not_look_alike(session, ring, citizen):
    """The key is the person's own: nobody who reads the table can compare, or try numbers."""
    _, profile = citizen
    other = subjects.create(session, ring, "1999000010152", person(), now=NOW)
    sealer = PersonSealer(ring, session)

    macs = {renewing.values_mac(sealer, owner, profile, ("phone",)) for owner in (citizen[0], other.id)}

    assert len(macs) == 2
