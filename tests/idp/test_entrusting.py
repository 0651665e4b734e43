"""What two officers must have seen before somebody at a counter has a helper."""

from types import SimpleNamespace

import pytest
from sqlalchemy import update

from consent.audit import log
from consent.db import new_id
from consent.errors import NotAllowed
from consent.family import invitations
from idp import entrusting, four_eyes, representatives
from idp.assurance import Aal
from idp.four_eyes import Countersign
from tests.fakes import MINUTE
from tests.idp.test_representatives import SEE, WORDS, accepted, home, invited, taken

__all__ = ["home"]


@pytest.fixture
def desk(home):
    """An officer who is known well (and is nobody of the two)."""
    place = SimpleNamespace(hcode="99001", role="officer", legal_entity_id=home.stage.hospital)
    codes = ("hcode:99001", "role:officer")
    return SimpleNamespace(person_id=home.people["ward"], aal=Aal.AAL2_2, place=place, codes=codes)


@pytest.fixture
def case(home):
    """The father's face was compared with his card."""
    return SimpleNamespace(id=new_id(), subject_id=home.people["father"], ial="2.1")


def signed(home, desk, case, act="helper", by=None):
    """A colleague has signed."""
    asked = four_eyes.ask(home.session, case.id, act, desk=desk, now=home.now)
    by = by or new_id()
    home.session.execute(update(Countersign).where(Countersign.id == asked).values(signed_by=by, signed_at=home.now))
    return by


def agreed(home, desk, case):
    """The officer enters the person's yes."""
    asked = entrusting.waiting(home.session, case, desk=desk, now=home.now)
    words = representatives.notice(home.session, locale="th", details=WORDS, now=home.now)
    return entrusting.agree(home.session, home.ring, case, asked, notice=words, desk=desk, now=home.now)


def test_with_a_colleagues_signature_it_begins(home, desk, case):
    """The card and two officers stand for a sign-in; the level of who somebody is stays what it was."""
    accepted(home)
    second = signed(home, desk, case)

    link = agreed(home, desk, case)

    row = home.session.get(entrusting.links.Guardianship, link.id)
    assert (row.given_by, row.second_by, row.case_id) == (desk.person_id, second, case.id)


@pytest.mark.parametrize("act", ["guardianship", "recovery"])
def test_a_signature_for_something_else_is_none(home, desk, case, act):
    """Each act has its own."""
    accepted(home)
    signed(home, desk, case, act)

    with pytest.raises(NotAllowed) as refused:
        agreed(home, desk, case)

    assert refused.value.code == "second_person"


def test_a_signature_of_before_the_helpers_yes_is_none(home, desk, case):
    """Who signs has seen the name."""
    found = taken(home, invited(home))
    signed(home, desk, case)
    later = home.later(MINUTE)
    representatives.accept(later.session, later.ring, found, person_id=home.people["mother"], now=later.now)

    with pytest.raises(NotAllowed) as refused:
        agreed(later, desk, case)

    assert refused.value.code == "second_person"


def test_neither_of_the_two_signs_as_a_colleague(home, desk, case):
    """Nor does an officer enter themselves."""
    accepted(home)
    signed(home, desk, case, by=home.people["mother"])

    with pytest.raises(NotAllowed) as second:
        agreed(home, desk, case)
    desk.person_id = home.people["mother"]
    with pytest.raises(NotAllowed) as first:
        agreed(home, desk, case)
    case.subject_id = desk.person_id
    with pytest.raises(NotAllowed) as own:
        entrusting.invite(home.session, home.ring, case, SEE, desk=desk, now=home.now)

    assert (second.value.code, first.value.code, own.value.code) == ("second_person", "own_case", "own_case")
    assert invitations.of_ward(home.session, home.people["father"], now=home.now) is not None


def test_the_log_says_that_an_officer_did_it_and_not_the_person(home, desk, case):
    """Before a court, the person's own hand is only what the person's own hand did: the code, the no, the end."""
    told = {"desk": desk, "now": home.now}
    entrusting.invite(home.session, home.ring, case, SEE, **told)
    entrusting.turn_down(home.session, case, **told)
    accepted(home)
    signed(home, desk, case)
    link = agreed(home, desk, case)
    entrusting.end(home.session, home.ring, home.stage.context.settings, case, link.id, **told)

    found = log.of_subject(home.session, case.subject_id)
    kinds = {(one.event, one.actor_kind) for one in found if one.event != "alert.sent"}
    assert {("helper.turned_down", "staff"), ("guardian.ended", "staff"), ("consent.withdrawn", "staff")} <= kinds
    assert sum(one.event == "helper.invited" and one.actor_kind == "staff" for one in found) == 1
    assert ("guardian.ended", "citizen") not in kinds
