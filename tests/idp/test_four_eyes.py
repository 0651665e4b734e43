"""Four eyes: two different people of one place, neither of them concerned; one signature, one act, five minutes."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from consent.errors import NotAllowed, NotFound
from idp import four_eyes
from idp.directory import StaffAssignment
from idp.four_eyes import LIFETIME, Countersign, refusal
from idp.subjects import Subject
from tests.fakes import NOW, SECOND
from tests.idp.ward import THERE, set_up

CASE, OTHER = UUID(int=1), UUID(int=2)
FIRST, SECOND_PERSON, PATIENT = UUID(int=11), UUID(int=12), UUID(int=13)


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"second": FIRST}, "same_person"),
        ({"concerned": SECOND_PERSON}, "own_case"),
        ({"concerned": FIRST}, "own_case"),
        ({"concerned": None}, None),
        ({"works_here": False}, "not_here"),
        ({"witness": False}, "staff_level"),
    ],
)
def test_whose_signature_counts(changes, code):
    """Never the same person, never the person concerned, and only staff of this place who may witness."""
    facts = {"first": FIRST, "second": SECOND_PERSON, "concerned": PATIENT, "works_here": True, "witness": True}

    assert refusal(**(facts | changes)) == code


def asked(ward, act="recovery", desk=None):
    return four_eyes.ask(ward.session, CASE, act, desk=desk or ward.desk(), now=NOW)


def sign(ward, which, *, colleague=None, case=CASE, now=NOW, desk=None):
    told = {"case_id": case, "colleague": colleague or ward.doctor, "concerned": ward.stage.citizen}
    four_eyes.sign(ward.session, which, **told, desk=desk or ward.desk(), now=now)


def take(ward, act="recovery", *, now=NOW):
    return four_eyes.take(ward.session, CASE, act, asked_by=ward.clerk, now=now)


def test_a_signature_is_used_once_for_its_act(ward):
    """What was signed for a recovery opens no old card, and nothing twice."""
    sign(ward, asked(ward))

    assert take(ward, "expired_card") is None
    assert take(ward) == ward.doctor
    assert take(ward) is None
    (entry,) = ward.events("proofing.countersigned")
    assert entry.actor != entry.subject


def test_a_signature_lives_five_minutes_and_belongs_to_its_case(ward):
    """Signed here and now."""
    which = asked(ward)
    with pytest.raises(NotFound):
        sign(ward, which, case=OTHER)
    with pytest.raises(NotFound):
        sign(ward, which, now=NOW + LIFETIME)
    sign(ward, which)

    assert take(ward, now=NOW + LIFETIME) is None


def test_nobody_signs_twice_or_what_they_asked(ward):
    """The database refuses it as well."""
    which = asked(ward)
    with pytest.raises(NotAllowed) as refused:
        sign(ward, which, colleague=ward.clerk)
    assert refused.value.code == "same_person"
    sign(ward, which)
    with pytest.raises(NotFound):
        sign(ward, which)
    own = asked(ward)
    alone = update(Countersign).where(Countersign.id == own).values(signed_by=ward.clerk, signed_at=NOW)
    with pytest.raises(IntegrityError), ward.session.begin_nested():
        ward.session.execute(alone)


def test_a_colleague_of_another_place_or_of_too_low_a_level_does_not_count(ward):
    """The doctor works in both places; the clerk only here."""
    there = ward.desk(ward.doctor, THERE)
    with pytest.raises(NotAllowed) as refused:
        sign(ward, asked(ward, desk=there), colleague=ward.clerk, desk=there)
    assert refused.value.code == "not_here"
    ward.session.execute(update(Subject).where(Subject.id == ward.doctor).values(ial_expires_at=NOW))
    ward.session.expire_all()
    with pytest.raises(NotAllowed) as refused:
        sign(ward, asked(ward))
    assert refused.value.code == "staff_level"


def test_two_processes_use_one_signature_once(sessions, ring, settings):
    """One conditional UPDATE decides."""
    with sessions.writing() as session:
        ward = set_up(session, ring, settings)
        sign(ward, asked(ward))
        clerk = ward.clerk
    found, together = [], threading.Barrier(2)

    def use():
        together.wait()
        with sessions.writing() as own:
            found.append(four_eyes.take(own, CASE, "recovery", asked_by=clerk, now=NOW))

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, found)) == sorted(map(str, (None, ward.doctor)))


def test_what_nobody_can_sign_any_more_is_forgotten(ward):
    """The log keeps who signed."""
    asked(ward)

    assert four_eyes.purge(ward.session, now=NOW + LIFETIME) == 0
    assert four_eyes.purge(ward.session, now=NOW + LIFETIME + SECOND) == 1


def test_only_known_acts_are_asked(ward):
    """A form's word is a stranger's word."""
    with pytest.raises(ValueError, match="lunch"):
        asked(ward, "lunch")


def test_a_signature_for_what_was_before_does_not_count(ward):
    """The colleague saw the number that was on the page when they were asked; another one needs another signature."""
    which = asked(ward)
    sign(ward, which)
    later = NOW + SECOND

    assert four_eyes.take(ward.session, CASE, "recovery", asked_by=ward.clerk, now=later, since=later) is None
    assert four_eyes.take(ward.session, CASE, "recovery", asked_by=ward.clerk, now=later, since=NOW) == ward.doctor


def test_an_auditor_of_the_place_signs_nothing(ward):
    """Whoever watches does not act: only who may sit at a desk here."""
    ward.session.execute(
        update(StaffAssignment).where(StaffAssignment.subject_id == ward.doctor).values(role="auditor")
    )

    with pytest.raises(NotAllowed) as refused:
        sign(ward, asked(ward))
    assert refused.value.code == "not_here"
