"""PDPA s.34: what is paused is not used, whatever else stands; it ends by the clock, after the person was told."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from consent import questions, records
from consent.audit import search
from consent.audit.log import Actor
from consent.decision import Question, Reason, decide, outward
from consent.errors import Conflict, NotAllowed, NotFound
from consent.purposes import Kind as PurposeKind
from consent.purposes import all as all_purposes
from consent.purposes import get
from consent.rights import cases, restricting
from consent.rights.clocks import Kind
from tests.consent.cast import ANOTHER, APP, AUDITOR, CLINIC, HOSPITAL, PERSON, choice
from tests.consent.test_decision import GIVEN, NOTICED, REFUSED, WITHDRAWN
from tests.fakes import DAY, HOUR, MINUTE, NOW

SECOND = timedelta(seconds=1)


@pytest.fixture
def case(session):
    """A request of the person to pause something."""
    by = Actor.citizen(PERSON)
    return cases.open_case(session, Kind.restriction, subject_id=PERSON, by=by, now=NOW)


def verdict(session, purpose="PHR-SELF", *, now=NOW, recipient=APP):
    asked = {"subject_id": PERSON, "recipient": recipient, "purposes": [purpose], "aal": None, "ial": None}
    return questions.look(session, **asked, now=now).verdict(purpose)


def begun(session, case, purpose="PHR-SELF", *, now=NOW, **changes):
    return restricting.begin(session, case, purpose=purpose, by=AUDITOR, now=now, **changes)


@pytest.mark.parametrize(
    ("code", "standing", "reason"),
    [
        ("PHR-SELF", GIVEN, Reason.restricted),
        ("EHR-SHARE", GIVEN, Reason.restricted),
        ("PHR-SELF", WITHDRAWN, Reason.withdrawn),
        ("PHR-SELF", REFUSED, Reason.refused),
        ("PHR-SELF", replace(GIVEN, expires_at=NOW), Reason.expired),
        ("SIGNIN", NOTICED, Reason.basis_recorded),
        ("CARE", NOTICED, Reason.basis_recorded),
        ("CERT-VIEW", GIVEN, Reason.permitted),
    ],
)
def test_s34_what_rests_on_a_consent_waits_and_nothing_else(code, standing, reason):
    """PDPA s.34: an optional use is denied while the pause runs; care, law and the person's own acts go on."""
    receiver = replace(HOSPITAL if code in ("EHR-SHARE", "CARE") else APP, own_app=code == "CERT-VIEW")
    question = Question(get(code), receiver, None, None, NOW)

    found = decide(question, replace(standing, restricted_until=NOW + SECOND))

    assert (found.reason, found.asks) == (reason, decide(question, standing).asks)
    assert decide(question, replace(standing, restricted_until=NOW)) == decide(question, standing)


@pytest.mark.parametrize("code", [row.code for row in all_purposes()])
def test_s34_of_every_purpose_only_a_consent_can_be_paused(session, case, code):
    """The rule and the verb agree, row by row."""
    if get(code).kind is PurposeKind.CITIZEN_CONSENT:
        assert begun(session, case, code).runs_at(NOW)
        return
    with pytest.raises(NotAllowed) as refused:
        begun(session, case, code)
    assert refused.value.code == "purpose"


def test_s34_the_receiver_hears_a_plain_no():
    """That something is disputed is between the person and us; like a no it is not asked again."""
    question = Question(get("PHR-SELF"), APP, None, None, NOW)
    assert outward(Reason.restricted) == "refused"
    assert not decide(question, replace(GIVEN, restricted_until=NOW + DAY)).asks


@pytest.mark.parametrize(
    ("pause", "stops"),
    [
        ({"purpose": "PHR-SELF"}, True),
        ({"purpose": restricting.EVERY}, True),
        ({"purpose": "PHR-SELF", "recipient_id": CLINIC}, True),
        ({"purpose": "LAB-VIEW"}, False),
        ({"purpose": "PHR-SELF", "recipient_id": uuid4()}, False),
    ],
    ids=["purpose", "every", "receiver", "other purpose", "other receiver"],
)
def test_s34_a_pause_stops_the_next_question_about_what_it_names(session, case, pause, stops):
    """From the next question on, of every token; a consent given meanwhile is paused as well."""
    records.give(session, choice(session), now=NOW)
    assert verdict(session).permit

    begun(session, case, **pause)

    assert verdict(session).reason is (Reason.restricted if stops else Reason.permitted)
    records.give(session, choice(session), now=NOW + MINUTE)
    assert verdict(session, now=NOW + MINUTE).permit is not stops


def test_s34_its_end_is_told_first_and_comes_by_the_clock(session, case):
    """Three days between the announcement and the end; no job has to run."""
    records.give(session, choice(session, lives_for=None), now=NOW)
    pause = begun(session, case)

    told = restricting.announce(session, pause.id, by=AUDITOR, now=NOW + HOUR)

    assert told.until == NOW + HOUR + restricting.TOLD_BEFORE
    assert verdict(session, now=told.until - SECOND).reason is Reason.restricted
    assert verdict(session, now=told.until).permit
    with pytest.raises(Conflict):
        restricting.announce(session, pause.id, by=AUDITOR, now=NOW + 2 * HOUR)
    entries = [row.entry.event for row in search.of_person(session, PERSON, limit=50)]
    assert [one for one in entries if one.startswith("restriction.")] == ["restriction.begun", "restriction.ending"]


def test_s34_the_person_ends_it_at_once_and_once(session, case):
    """It is their right, not a duty of theirs."""
    records.give(session, choice(session), now=NOW)
    pause = begun(session, case)
    with pytest.raises(NotFound):
        restricting.end(session, pause.id, subject_id=ANOTHER, actor_id=ANOTHER, now=NOW)

    assert restricting.end(session, pause.id, subject_id=PERSON, actor_id=PERSON, now=NOW + HOUR)

    assert verdict(session, now=NOW + HOUR).permit
    assert not restricting.end(session, pause.id, subject_id=PERSON, actor_id=PERSON, now=NOW + HOUR)


def test_a_double_tap_pauses_once(session, case):
    """And after its end it can begin anew."""
    pause = begun(session, case)
    assert begun(session, case).id == pause.id
    restricting.announce(session, pause.id, by=AUDITOR, now=NOW)
    assert begun(session, case, now=NOW + MINUTE).id != pause.id
    assert len(restricting.of_case(session, case.id)) == 2
