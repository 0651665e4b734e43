"""A consent taken back at the counter: who may ask, who may enter it, what ends, and who hears of it."""

from uuid import uuid4

import pytest
from sqlalchemy import update

from consent.errors import NotAllowed, NotFound
from consent.models import ConsentRecord, ConsentWithdrawal
from idp import alerts, counter_withdrawals
from idp.alerts import Notice
from idp.counter_withdrawals import refusal
from idp.subjects import Subject
from tests.fakes import MINUTE, SECOND
from tests.idp.test_paper_consents import BOY, GIRL, asked, enter, link, ward, young

__all__ = ["ward"]
FINE = {"running": True, "own": False, "witness": True, "guardian": True}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"running": False}, "visit_over"),
        ({"own": True}, "own_consents"),
        ({"witness": False}, "staff_level"),
        ({"guardian": False}, "no_guardian"),
    ],
)
def test_why_nothing_is_taken_back(changed, code):
    """The whole rule as a table."""
    assert refusal(**(FINE | changed)) == code


def take(ward, visit_id, *records, signer=""):
    told = {"signer": signer, "desk": ward.at_desk, "now": ward.now}
    settings, picked = ward.stage.context.settings, {getattr(one, "id", one) for one in records}
    return counter_withdrawals.take_back(ward.session, ward.ring, settings, ward.visit(visit_id), picked, **told)


def told(ward, person):
    kind = counter_withdrawals.TOLD
    return ward.session.query(Notice).filter_by(subject_id=person, kind=kind).count()


def refused(ward, visit_id, *records, **said):
    with pytest.raises(NotAllowed) as why:
        take(ward, visit_id, *records, **said)
    assert ward.events("consent.withdrawn") == []
    return why.value.code


def test_s19_what_was_given_on_paper_is_taken_back_at_the_same_counter(ward):
    """PDPA s.19: as easily as it was given; at once, on record as an officer's act, and the person is told."""
    visit_id = ward.open()
    record = enter(ward, visit_id, life="year")
    assert asked(ward).permit
    later = ward.later(MINUTE)

    assert take(later, visit_id, record) == 1

    assert not asked(later).permit
    row = ward.session.get_one(ConsentWithdrawal, record.id)
    assert (row.actor_id, row.reason, row.withdrawn_at) == (ward.clerk, "counter", later.now)
    (entry,) = ward.events("consent.withdrawn")
    assert (entry.actor_kind, entry.consent_id, entry.reason) == ("staff", record.id, "counter")
    assert {"capacity:officer", "signer:self", "hcode:99001", "role:clerk"} <= set(entry.codes)
    assert told(ward, ward.stage.citizen) == 1
    said = {"officer": ward.clerk, "locale": "en", "now": later.now}
    ((_, at),) = counter_withdrawals.ended_in(ward.session, ward.visit(visit_id), **said)
    assert at == later.now
    said["officer"] = ward.doctor
    assert counter_withdrawals.ended_in(ward.session, ward.visit(visit_id), **said) == []


def test_a_second_tap_ends_and_tells_nothing_more(ward):
    """Once, whenever the second one comes."""
    visit_id = ward.open()
    record = enter(ward, visit_id, life="year")

    assert [take(ward, visit_id, record), take(ward.later(SECOND), visit_id, record)] == [1, 0]

    assert len(ward.events("consent.withdrawn")) == 1
    assert told(ward, ward.stage.citizen) == 1


def test_a_consent_of_another_or_to_another_place_is_not_found(ward):
    """No list of other places, no end of what is given there, whatever id somebody sends."""
    visit_id = ward.open()
    record = enter(ward, visit_id, life="year")
    elsewhere = ward.visit(visit_id)

    with pytest.raises(NotFound):
        take(ward, visit_id, uuid4())
    elsewhere.recipient_id = uuid4()
    ward.session.flush()
    told = {"desk": ward.at_desk, "now": ward.now}
    assert counter_withdrawals.sheet(ward.session, ward.ring, ward.visit(visit_id), **told).running == ()
    with pytest.raises(NotFound):
        take(ward, visit_id, record)
    assert ward.session.get(ConsentWithdrawal, record.id) is None


def test_nobody_does_it_for_their_own_consents(ward):
    """Nor below the levels of a witness, nor without saying which."""
    visit_id = ward.open()
    record = enter(ward, visit_id, life="year")
    assert refused(ward, visit_id) == "picked"
    own = ward.open(ward.desk(ward.doctor), national_id="2999000010053")
    ward.at_desk = ward.desk(ward.clerk)
    assert refused(ward, own, record) == "own_consents"
    ward.session.execute(update(Subject).where(Subject.id == ward.clerk).values(ial="1.3"))
    ward.session.expire_all()
    assert refused(ward, visit_id, record) == "staff_level"


def test_s20_for_a_small_child_a_parent_asks(ward):
    """Under ten nobody else may; both hear of it."""
    child, mother, visit_id = young(ward, *GIRL)
    assert refused(ward, visit_id, uuid4()) == "no_guardian"
    parent = link(ward, child, mother, GIRL[1])
    record = enter(ward, visit_id, signer=parent.id)
    assert refused(ward, visit_id, record) == "signer"
    assert refused(ward, visit_id, record, signer="self") == "signer"
    assert refused(ward, visit_id, record, signer=str(uuid4())) == "signer"

    assert take(ward, visit_id, record, signer=str(parent.id)) == 1

    assert "signer:parent" in ward.events("consent.withdrawn")[0].codes
    assert (told(ward, child), told(ward, mother)) == (1, 1)


@pytest.mark.parametrize("who", ["self", "parent"])
def test_s20_from_ten_on_either_of_the_two_takes_it_back(ward, who):
    """Two are needed for a yes; a no of either counts alone. Who asks is said."""
    boy, mother, visit_id = young(ward, *BOY)
    parent = link(ward, boy, mother, BOY[1])
    record = enter(ward, visit_id, signer=parent.id)
    assert refused(ward, visit_id, record) == "signer"

    assert take(ward, visit_id, record, signer="self" if who == "self" else str(parent.id)) == 1

    assert (told(ward, boy), told(ward, mother)) == (1, int(who == "parent"))


def test_an_officer_who_is_the_parent_lets_a_colleague_do_it(ward):
    """Nobody enters what they ask for themselves."""
    boy, mother, visit_id = young(ward, *BOY)
    record = enter(ward, visit_id, signer=link(ward, boy, mother, BOY[1]).id)
    own = link(ward, boy, ward.clerk, BOY[1], by=ward.doctor)

    assert refused(ward, visit_id, record, signer=str(own.id)) == "own_consents"
    assert ward.session.get_one(ConsentRecord, record.id).subject_id == boy


def test_the_notice_names_no_place_and_no_code():
    """It could be read over a shoulder; nothing undoes it but a new consent."""
    assert counter_withdrawals.TOLD in alerts.ENDED
