"""Standing refusals: written, asked at every question, lifted, and read back by their person alone."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import event, select

from consent import questions, records, refusing
from consent.audit import log
from consent.decision import Capacity, Reason
from consent.errors import NotAllowed, NotFound
from consent.models import ConsentObjection
from consent.questions import Rooms
from consent.refusing import No
from consent.specificity import Level
from tests.consent.cast import ANOTHER, APP, CLINIC, HOSPITAL, PERSON, choice
from tests.consent.test_access import ask, entries
from tests.fakes import HOUR, MINUTE, NOW

VISIT = UUID("019ab000-0000-7000-8000-000000000041")
LINK = UUID("019ab000-0000-7000-8000-000000000042")


class Seals:
    """Turns a text round, for one person and one field."""

    def seal(self, plain, *, owner, field):
        """Ciphertext of a kind."""
        return f"{owner}|{field}|{plain[::-1]}".encode()

    def open(self, sealed, *, owner, field):
        """The text."""
        whose, name, words = sealed.decode().split("|")
        assert (whose, name) == (str(owner), field)
        return words[::-1]


PLACE = No(Level.facility, recipient_id=CLINIC, hcode="99001", words="ที่นั่น")


def refuse(session, no=PLACE, *, subject_id=PERSON, now=NOW):
    return refusing.object_to(session, Seals(), no, subject_id=subject_id, actor_id=subject_id, aal="1", now=now)


def test_a_refusal_is_asked_from_the_next_question_on_and_until_it_is_lifted(session):
    """Issue 5: it beats the consent that stands; lifting gives back what was agreed to."""
    records.give(session, choice(session), now=NOW)
    assert ask(session, "PHR-SELF").permit

    own = refuse(session)
    assert ask(session, "PHR-SELF").reason is Reason.standing_refusal
    assert ask(session, "PHR-SELF", recipient=replace(APP, id=LINK)).reason is Reason.no_record

    assert refusing.lift(session, own, subject_id=PERSON, actor_id=PERSON, now=NOW + HOUR)
    assert ask(session, "PHR-SELF").permit
    assert not refusing.lift(session, own, subject_id=PERSON, actor_id=PERSON, now=NOW + HOUR)
    assert [entry.event for entry in entries(session, "refusal.made", "refusal.lifted")] == [
        "refusal.made",
        "refusal.lifted",
    ]


def test_the_entry_of_a_stop_names_the_refusal_and_no_purpose_beside_it_is_stopped(session):
    """The citizen sees who follows which consent and which refusal; signing in goes on (rule 12)."""
    records.give(session, choice(session), now=NOW)
    records.note(session, choice(session, "SIGNIN"), now=NOW)
    own = refuse(session)

    access = ask(session, "SIGNIN", "PHR-SELF")

    assert {code: verdict.permit for code, verdict in access.verdicts.items()} == {"SIGNIN": True, "PHR-SELF": False}
    (entry,) = entries(session, "introspect.denied")
    assert (entry.reason, entry.codes, entry.purpose) == ("standing_refusal", (f"refusal:{own}",), "PHR-SELF")


def test_the_entry_of_a_refusal_names_no_receiver(session):
    """What a person refuses is nobody's business but theirs and the auditor's."""
    own = refuse(session)

    (entry,) = log.of_subject(session, PERSON)
    assert (entry.recipient_id, entry.client_id, entry.codes) == (None, "", ("level:facility", f"refusal:{own}"))


def test_who_refuses_nothing_costs_no_statement_more(session):
    """RELIABILITY: the decision is asked at every introspection."""
    records.give(session, choice(session), now=NOW)
    records.give(session, replace(choice(session, "CONTACT"), visit_id=None), now=NOW)
    asked = []
    engine = session.get_bind().engine
    facts = {"subject_id": PERSON, "recipient": APP, "purposes": ["PHR-SELF", "CONTACT"], "aal": None, "ial": None}

    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    questions.look(session, now=NOW, **facts)
    without = len(asked)
    refuse(session, subject_id=ANOTHER)
    asked.clear()
    questions.look(session, now=NOW, **facts)
    of_another = len(asked)
    own = refuse(session)
    asked.clear()
    questions.look(session, now=NOW, **facts)
    with_one = len(asked)
    refusing.lift(session, own, subject_id=PERSON, actor_id=PERSON, now=NOW)
    asked.clear()
    questions.look(session, now=NOW, **facts)
    event.remove(engine, "before_cursor_execute", note)

    assert (without, of_another, with_one, len(asked)) == (1, 1, 2, 1)


@pytest.mark.parametrize(
    ("no", "code"),
    [
        (No(Level.facility), "incomplete"),
        (No(Level.unit, unit="LAB"), "incomplete"),
        (No(Level.person, recipient_id=CLINIC), "incomplete"),
        (No(Level.visit), "incomplete"),
        (No(Level.period), "incomplete"),
        (No(Level.topic), "incomplete"),
        (replace(PLACE, past=False, future=False), "incomplete"),
        (No(Level.topic, topics=("love",)), "unknown"),
        (replace(PLACE, purposes=("NOPE",)), "unknown"),
        (replace(PLACE, purposes=("WITHDRAW",)), "unknown"),
        (replace(PLACE, purposes=("CARE",)), "unknown"),
        (No(Level.person, person="x", purposes=("BREAKGLASS",)), "unknown"),
        (No(Level.topic, topics=("hiv",), purposes=("EHR-SHARE",)), "unknown"),
        (No(Level.period, data_from=date(2024, 1, 2), data_until=date(2024, 1, 1)), "data_range"),
    ],
)
def test_a_refusal_names_what_its_level_names(session, no, code):
    """A refusal that stops nothing, or everything, by mistake helps nobody."""
    with pytest.raises(NotAllowed) as refused:
        refuse(session, no)

    assert refused.value.code == code
    assert refusing.running(session, PERSON) == ()


def test_one_hundred_are_enough(session, monkeypatch):
    """Every decision reads them all."""
    monkeypatch.setattr(refusing, "MOST_RUNNING", 2)
    first = refuse(session)
    refuse(session)
    with pytest.raises(NotAllowed) as refused:
        refuse(session)
    assert refused.value.code == "too_many"

    refusing.lift(session, first, subject_id=PERSON, actor_id=PERSON, now=NOW)
    assert refuse(session)


def test_anothers_refusal_is_not_found(session):
    """CONVENTIONS: never forbidden, always not found."""
    own = refuse(session)
    for refusal_id, person in ((own, ANOTHER), (LINK, PERSON)):
        with pytest.raises(NotFound):
            refusing.lift(session, refusal_id, subject_id=person, actor_id=person, now=NOW)
    assert len(refusing.running(session, PERSON)) == 1


def test_a_person_reads_their_own_words_back(session):
    """Lifted ones too, newest first."""
    first = refuse(session)
    refuse(session, No(Level.unit, recipient_id=CLINIC, unit="LAB", words="ห้องแล็บ " + "ก" * 200), now=NOW + MINUTE)
    refusing.lift(session, first, subject_id=PERSON, actor_id=PERSON, now=NOW + HOUR)

    unit, place = refusing.of_subject(session, Seals(), PERSON)
    assert (place.words, place.lifted_at, unit.lifted_at) == ("ที่นั่น", NOW + HOUR, None)
    assert len(unit.words) == refusing.LONGEST_WORDS
    assert refusing.of_subject(session, Seals(), ANOTHER) == []


def test_it_is_kept_who_refused_and_who_lifted_it(session):
    """PDPA s.20: whoever acts for somebody is written beside them."""
    made = {"subject_id": PERSON, "actor_id": ANOTHER, "aal": "2.1"}
    own = refusing.object_to(session, Seals(), PLACE, **made, now=NOW)
    (view,) = refusing.of_subject(session, Seals(), PERSON)
    assert (view.actor_id, view.lifted_by) == (ANOTHER, None)

    refusing.lift(session, own, subject_id=PERSON, actor_id=PERSON, now=NOW + MINUTE)

    (view,) = refusing.of_subject(session, Seals(), PERSON)
    assert (view.actor_id, view.lifted_by) == (ANOTHER, PERSON)


@pytest.mark.parametrize("level", Level)
def test_a_refusal_is_narrowed_to_what_it_can_stop(level):
    """A box that stops nothing would be a promise; an emergency is stopped by none."""
    codes = {row.code for row in refusing.refusable(level)}

    assert codes
    assert "BREAKGLASS" not in codes
    assert ("CARE" in codes) == (level in (Level.person, Level.unit, Level.visit))
    assert ("CONTACT" in codes) == (level not in (Level.period, Level.topic))


def test_a_later_consent_for_this_visit_passes_a_refusal_of_the_place(session):
    """One of equal or greater specificity beats every consent; this one names more, and came later."""
    refuse(session)
    records.give(session, replace(choice(session, "EHR-SHARE"), visit_id=VISIT), now=NOW + MINUTE)
    rooms = Rooms(visit_runs=lambda _session, visit_id, _now: visit_id == VISIT)

    assert ask(session, "EHR-SHARE", recipient=HOSPITAL, rooms=rooms).permit
    refuse(session, now=NOW + HOUR)
    assert ask(session, "EHR-SHARE", recipient=HOSPITAL, rooms=rooms).reason is Reason.standing_refusal


def test_a_consent_for_one_visit_ends_with_it_and_no_job_is_needed(session):
    """Catalogue rule 6, per_visit: asked at every use; with nobody to ask it is over."""
    running = [VISIT]
    rooms = Rooms(visit_runs=lambda _session, visit_id, _now: visit_id in running)
    records.give(session, replace(choice(session, "EHR-SHARE"), visit_id=VISIT), now=NOW)

    assert ask(session, "EHR-SHARE", recipient=HOSPITAL, rooms=rooms).permit
    running.clear()
    assert ask(session, "EHR-SHARE", recipient=HOSPITAL, rooms=rooms).reason is Reason.visit_over
    assert ask(session, "EHR-SHARE", recipient=HOSPITAL).reason is Reason.visit_over


@pytest.mark.parametrize(
    ("capacity", "reason"),
    [
        (Capacity(), Reason.permitted),
        (Capacity(ended=True), Reason.guardian_ended),
        (Capacity(of_age=True), Reason.of_age),
        (None, Reason.guardian_ended),
    ],
)
def test_an_answer_in_other_hands_counts_as_long_as_they_may_act(session, capacity, reason):
    """PDPA s.20: asked at every use."""
    given = replace(choice(session), capacity="parent", guardianship_id=LINK, actor_id=ANOTHER)
    records.give(session, given, now=NOW)

    rooms = Rooms(capacity=lambda _session, link, _now: capacity if link == LINK else None)
    assert ask(session, "PHR-SELF", rooms=rooms).reason is reason


def test_every_row_of_the_table_is_of_one_person(session):
    """Somebody else's refusal stops nothing of mine."""
    records.give(session, choice(session), now=NOW)
    refuse(session, subject_id=ANOTHER)

    assert ask(session, "PHR-SELF").permit
    assert session.scalars(select(ConsentObjection.subject_id)).all() == [ANOTHER]
