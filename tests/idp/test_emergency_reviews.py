"""Broken glass is judged: by somebody else, in time, once; and what was not justified does not end with a word."""

import io
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from consent.rights import cases, clocks
from consent.rights.asked import About
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase
from idp import complaint_pack, directory, emergency_access, emergency_reviews, erasure, vitals
from idp.directory import StaffAssignment
from idp.emergency_access import EmergencyReview
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND
from tests.idp.bay import PATIENT, SAID, set_up
from tests.idp.ward import HERE, THERE


@pytest.fixture
def bay(session, ring, settings):
    """A hospital with a doctor, a head and an officer."""
    return set_up(session, ring, settings)


def ended(bay, **said):
    emergency_id = bay.open(**said)
    bay.end(emergency_id)
    return emergency_id


def judge(bay, emergency_id, reviewer=None, **changes):
    told = {"reviewer": reviewer or bay.officer, "outcome": "justified", "words": "เหตุผลสมควร", "now": bay.now}
    emergency_reviews.judge(bay.session, bay.ward.ring, emergency_id, **told | changes)


def queue(bay, reviewer=None):
    return emergency_reviews.queue(bay.session, reviewer or bay.officer, now=bay.now)


def test_every_opening_of_a_record_waits_for_a_judgement_until_it_has_one(bay):
    """Mandatory: what nobody judges stays, and is overdue after 72 hours."""
    emergency_id = ended(bay)
    bay.open(unknown=True)  # nobody's record was opened

    (waiting,) = queue(bay)
    assert (waiting.id, waiting.due_at, waiting.overdue) == (emergency_id, NOW + 72 * HOUR, False)
    assert not queue(bay.later(72 * HOUR - SECOND))[0].overdue
    assert queue(bay.later(72 * HOUR))[0].overdue

    judge(bay, emergency_id)

    assert queue(bay) == []
    assert [one.outcome for one in emergency_reviews.done(bay.session, bay.officer, now=bay.now)] == ["justified"]
    (entry,) = bay.events("breakglass.reviewed")
    assert (entry.reason, entry.basis) == ("justified", "VITAL")


def test_the_most_urgent_comes_first(bay):
    """By the day it is due."""
    later = bay.later(HOUR)
    second, first = ended(later), ended(bay)

    assert [one.id for one in queue(later)] == [first, second]


def gauges(bay):
    found = vitals.gauges(bay.session, now=bay.now)
    return {one.labels["state"]: one.value for one in found if one.name == "yinyom_emergency_reviews"}


def test_what_is_overdue_is_an_alarm(bay):
    """The operator's gauge counts what waits and what waits too long."""
    ended(bay)
    bay.open(unknown=True)
    ended(bay.later(DAY))

    assert gauges(bay) == {"waiting": 2, "overdue": 0}
    assert gauges(bay.later(3 * DAY)) == {"waiting": 2, "overdue": 1}


def test_a_late_judgement_says_that_it_was_late(bay):
    """In the log."""
    emergency_id = ended(bay)

    judge(bay.later(73 * HOUR), emergency_id)

    assert "late" in bay.events("breakglass.reviewed")[0].codes


def give_role(bay, person, role, hcode=None):
    directory.assign(bay.session, subject_id=person, role=role, hcode=hcode, granted_by=None, now=NOW)


def test_nobody_judges_what_they_opened_themselves(bay):
    """Not as head, not as officer; the table refuses it as well."""
    give_role(bay, bay.ward.doctor, "dpo")
    give_role(bay, bay.ward.doctor, "head", HERE)
    emergency_id = ended(bay)

    assert queue(bay, bay.ward.doctor)[0].why_not == "own_opening"
    for outcome in ("justified", "not_justified"):
        with pytest.raises(NotAllowed) as refused:
            judge(bay, emergency_id, bay.ward.doctor, outcome=outcome)
        assert refused.value.code == "own_opening"
    row = {"emergency_id": emergency_id, "opened_by": bay.ward.doctor, "reviewed_by": bay.ward.doctor}
    row |= {"outcome": "justified", "words": b"x", "reviewed_at": NOW}
    with pytest.raises(IntegrityError), bay.session.begin_nested():
        bay.session.execute(insert(EmergencyReview).values(row))


def test_the_patient_does_not_judge_it_either(bay):
    """Whoever is concerned is told and may complain; the judgement is another's."""
    give_role(bay, bay.patient, "dpo")
    emergency_id = ended(bay)

    with pytest.raises(NotAllowed) as refused:
        judge(bay, emergency_id, bay.patient)
    assert refused.value.code == "own_record"


def test_a_head_judges_at_home_and_nobody_else_at_all(bay):
    """Another facility's, a clerk, a doctor, a citizen: not found, as if there were none."""
    emergency_id = ended(bay)
    for stranger in (bay.ward.clerk, bay.ward.doctor, bay.patient):
        assert queue(bay, stranger) == []
        with pytest.raises(NotFound):
            judge(bay, emergency_id, stranger)
        with pytest.raises(NotFound):
            look(bay, emergency_id, stranger)
    bay.session.execute(update(StaffAssignment).where(StaffAssignment.role == "head").values(hcode=THERE))
    assert queue(bay, bay.head) == []
    with pytest.raises(NotFound):
        judge(bay, emergency_id, bay.head)
    bay.session.execute(update(StaffAssignment).where(StaffAssignment.role == "head").values(hcode=HERE))

    judge(bay, emergency_id, bay.head)


def test_a_duty_that_is_over_judges_nothing(bay):
    """Roles are dated."""
    emergency_id = ended(bay)
    bay.session.execute(update(StaffAssignment).where(StaffAssignment.role == "dpo").values(ends_at=NOW + MINUTE))

    with pytest.raises(NotFound):
        judge(bay.later(MINUTE), emergency_id)


def test_a_judgement_stands_once_and_for_ever(bay):
    """One row; no second word, no edit."""
    emergency_id = ended(bay)
    judge(bay, emergency_id)

    with pytest.raises(NotAllowed) as refused:
        judge(bay, emergency_id, bay.head, outcome="not_justified")
    assert refused.value.code == "reviewed"
    row = {"emergency_id": emergency_id, "opened_by": bay.ward.doctor, "reviewed_by": bay.head}
    assert not emergency_access.keep_review(
        bay.session, row | {"outcome": "not_justified", "words": b"x", "reviewed_at": NOW}
    )
    assert emergency_access.review_of(bay.session, emergency_id).outcome == "justified"


@pytest.mark.parametrize(("outcome", "words", "code"), [("fine", "ok then", "outcome"), ("justified", " x ", "words")])
def test_a_judgement_says_which_and_why(bay, outcome, words, code):
    """A word of the list, and a reason."""
    emergency_id = ended(bay)

    with pytest.raises(NotAllowed) as refused:
        judge(bay, emergency_id, outcome=outcome, words=words)
    assert refused.value.code == code


def test_what_still_runs_is_not_found_justified_beforehand(bay):
    """It may be stopped at once; it may not be blessed in advance."""
    emergency_id = bay.open()
    token = bay.token(emergency_id)

    with pytest.raises(NotAllowed) as refused:
        judge(bay, emergency_id)
    assert refused.value.code == "running"
    assert bay.active(token)

    judge(bay, emergency_id, outcome="not_justified", words="ผู้ป่วยรู้สึกตัวดี")

    assert not bay.active(token)
    assert bay.row(emergency_id).end_reason == "stopped"


def test_while_it_runs_a_form_without_a_choice_asks_for_one(bay):
    """Not "it still runs": nothing was judged at all."""
    with pytest.raises(NotAllowed) as refused:
        judge(bay, bay.open(), outcome="", words="")

    assert refused.value.code == "outcome"


def test_what_was_not_justified_opens_a_case_and_tells_the_person(bay):
    """The person need not find out by themselves."""
    emergency_id = ended(bay)

    judge(bay, emergency_id, outcome="not_justified", words="ไม่มีเหตุฉุกเฉิน")

    (case,) = bay.session.query(RightsCase).all()
    assert case.subject_id == bay.patient
    assert bay.told("emergency_unjustified") == 1


def test_a_person_who_asked_much_is_still_told_of_what_was_not_justified(bay):
    """The limit on open requests is on what the person sends, not on what we owe them."""
    emergency_id = ended(bay)
    for _ in range(cases.MOST_OPEN):
        cases.open_case(
            bay.session,
            Kind.complaint,
            subject_id=bay.patient,
            by=Actor.citizen(bay.patient),
            about=About(record=uuid4()),
            now=bay.now,
        )

    judge(bay, emergency_id, outcome="not_justified", words="ไม่มีเหตุฉุกเฉิน")

    assert bay.session.query(RightsCase).filter_by(kind="emergency").count() == 1
    assert bay.told("emergency_unjustified") == 1


def test_s73_the_papers_of_what_was_not_justified_hold_what_was_done(bay, settings):
    """The case that we open ourselves is about an emergency: its entries are the evidence. The due day is named."""
    judge(bay, ended(bay), outcome="not_justified", words="ไม่มีเหตุฉุกเฉิน")
    (case,) = bay.session.query(RightsCase).all()

    made = complaint_pack.make(bay.session, bay.ward.ring, settings, case.id, subject_id=bay.patient, now=bay.now)

    papers = zipfile.ZipFile(io.BytesIO(made))
    told = b"".join(papers.read(name) for name in papers.namelist() if name.startswith("log/")).decode()
    assert all(f"breakglass.{what}" in told for what in ("used", "ended", "reviewed"))
    last_day = (case.due_at - SECOND).astimezone(clocks.BANGKOK).date().isoformat()
    assert f"Due: {last_day}\n" in papers.read("complaint.txt").decode()


def look(bay, emergency_id, reviewer=None):
    told = {"reviewer": reviewer or bay.officer, "locale": "en", "now": bay.now}
    return emergency_reviews.look(bay.session, bay.ward.ring, emergency_id, **told)


def test_the_reviewer_sees_why_and_each_use_and_is_seen_looking(bay):
    """What was asked by whom, in its order; the number masked; the look itself in the log."""
    emergency_id = bay.open()
    bay.active(bay.token(emergency_id))
    bay.end(emergency_id)

    seen = look(bay, emergency_id)

    assert seen.words == SAID.words
    assert [one.event for one in seen.uses][:2] == ["disclosure.recorded", "breakglass.used"]
    assert "introspect" in [one.event for one in seen.uses]
    assert PATIENT not in str(seen)
    assert seen.masked_id.endswith("-3x-x") or "x" in seen.masked_id
    (entry,) = bay.events("audit.searched")
    assert (entry.subject, entry.actor_kind) == (bay.events("breakglass.used")[0].subject, "auditor")


def test_what_the_reviewer_wrote_is_read_again(bay):
    """Sealed under the patient's key, and shown with the judgement."""
    emergency_id = ended(bay)
    judge(bay, emergency_id)

    assert look(bay, emergency_id).review_words == "เหตุผลสมควร"


def test_the_uses_are_those_of_this_opening_alone(bay):
    """What came an hour before, or after it ended, belongs to another line."""
    ended(bay)
    later = bay.later(2 * HOUR)
    emergency_id = ended(later)

    events = [one.event for one in look(later.later(timedelta(0)), emergency_id).uses]

    assert events.count("breakglass.used") == 1


def test_no_use_is_pushed_out_of_sight_by_what_is_written_later(bay, monkeypatch):
    """Rule 11: every use is reviewed, however much was done about the person since."""
    monkeypatch.setattr(emergency_reviews, "A_PAGE", 3)
    emergency_id = bay.open()
    bay.active(bay.token(emergency_id))
    bay.end(emergency_id)
    later = bay.later(HOUR)
    for _ in range(5):
        ended(later)

    events = [one.event for one in look(later, emergency_id).uses]

    assert events[:2] == ["disclosure.recorded", "breakglass.used"]
    assert "introspect" in events


def test_a_person_is_not_erased_before_their_opening_was_judged(bay):
    """PDPA s.33: the judge reads and writes under the person's key; then nothing keeps it."""
    emergency_id = ended(bay)
    assert erasure.holds(bay.session, bay.patient, now=bay.now) == ["open_case"]

    judge(bay, emergency_id)

    assert erasure.holds(bay.session, bay.patient, now=bay.now) == []
