"""Requests: opened once, answered once, each step an entry."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from consent.audit import log, search
from consent.audit.log import Actor
from consent.db import table_of
from consent.errors import Conflict, NotAllowed, NotFound
from consent.rights import cases, clocks
from consent.rights.asked import POST, REVIEW, About, Paper
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase
from tests.consent.cast import ANOTHER, AUDITOR, PERSON
from tests.consent.test_races import ROUNDS, run
from tests.fakes import DAY, MINUTE, NOW

OFFICER = Actor.staff(AUDITOR)


def opened(session, kind=Kind.complaint, **changes):
    asked = {"subject_id": PERSON, "by": Actor.citizen(PERSON), "now": NOW, **changes}
    return cases.open_case(session, kind, **asked)


def told(session):
    """The events about the person, with their reason, oldest first."""
    return [(row.entry.event, row.entry.reason) for row in search.of_person(session, PERSON, limit=50)]


def test_a_request_is_a_case_with_a_due_day_and_an_entry(session):
    """PDPA s.30: DSAR case with due date."""
    case = opened(session, words=b"sealed")

    assert (case.state, case.due_at) == ("open", clocks.due(Kind.complaint, NOW))
    (entry,) = log.of_request(session, "", since=NOW - DAY)
    assert (entry.event, entry.actor_kind) == ("dsar.opened", "citizen")
    assert entry.codes == (f"case:{case.id}", "kind:complaint", "channel:web")


def test_a_double_tap_opens_one_case(session):
    """PAGES: double taps are safe. Another thing is another case."""
    first = opened(session)

    assert opened(session).id == first.id
    assert opened(session, about=About(record=uuid4())).id != first.id
    assert opened(session, Kind.objection).id != first.id
    assert opened(session, subject_id=ANOTHER, by=Actor.citizen(ANOTHER)).id != first.id


def test_two_processes_that_open_the_same_request_open_one_case(sessions):
    """Both get its id; another thing, or another's, is another case; answered, it can be asked again."""
    found, about = [], About(record=uuid4())

    def ask(n):
        with sessions.writing() as session:
            whereof = About(record=about.record, entry=UUID(int=n))
            found.append((n, opened(session, about=whereof, by=OFFICER, channel=REVIEW).id))

    run(ask, ask)

    assert len(found) == 2 * ROUNDS
    assert len({one for _, one in found}) == ROUNDS
    with sessions.writing() as session:
        assert len(cases.of_subject(session, PERSON)) == ROUNDS
        assert len(search.of_event(session, "dsar.opened", limit=99)) == ROUNDS
        first = cases.of_subject(session, PERSON)[0]
        whereof = About(record=first.about_record, entry=first.about_entry)
        cases.answer(session, first.id, by=OFFICER, now=NOW)
        assert opened(session, about=whereof, by=OFFICER, channel=REVIEW).id != first.id


def test_the_database_itself_keeps_equal_open_cases_apart(session):
    """Whoever has not seen the first one cannot write a second (`uq_rights_case_open`)."""
    case = opened(session)
    row = {column.name: getattr(case, column.name) for column in table_of(RightsCase).columns}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(table_of(RightsCase)).values({**row, "id": uuid4()}))


def test_s30_what_came_by_post_runs_from_the_day_it_came(session):
    """The draft rules want post and counter: the clock runs from receipt; who entered it and on what is kept."""
    came = NOW - 20 * DAY
    paper = Paper(POST, came, "id_copy", AUDITOR, "ab" * 32)

    case = opened(session, Kind.access, by=OFFICER, paper=paper)

    assert (case.channel, case.opened_at, case.due_at) == (POST, came, clocks.due(Kind.access, came))
    assert (case.entered_at, case.entered_by, case.evidence) == (NOW, AUDITOR, "id_copy")
    (entry,) = log.of_request(session, "", since=NOW - DAY)
    assert (entry.actor_kind, entry.codes[-1]) == ("staff", "channel:post")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"channel": "web"}, "channel"),
        ({"evidence": "known to us"}, "evidence"),
        ({"received_at": NOW + MINUTE}, "received_at"),
    ],
)
def test_a_paper_says_how_it_came_when_and_who_writes(session, wrong, code):
    """Otherwise nothing is opened."""
    with pytest.raises(NotAllowed) as refused:
        opened(session, paper=replace(Paper(POST, NOW, "id_copy", AUDITOR), **wrong))
    assert refused.value.code == code
    assert cases.of_subject(session, PERSON) == []


def test_an_answer_leaves_on_paper_once_and_not_before_it_is_there(session):
    """That it was posted or handed over is an entry, which the person sees."""
    case = opened(session, paper=Paper(POST, NOW, "id_copy", AUDITOR))
    for way, wrong in (("post", Conflict), ("pigeon", NotAllowed)):
        with pytest.raises(wrong):
            cases.sent(session, case.id, way=way, by=OFFICER, now=NOW)
    cases.answer(session, case.id, by=OFFICER, now=NOW)

    case = cases.sent(session, case.id, way="post", by=OFFICER, now=NOW + DAY)

    assert (case.sent_by, case.sent_at) == ("post", NOW + DAY)
    assert told(session)[-1] == ("dsar.sent", "post")
    with pytest.raises(Conflict):
        cases.sent(session, case.id, way="counter", by=OFFICER, now=NOW + DAY)


def test_a_queue_is_for_people_not_for_programs(session):
    """OWASP API4: a person has at most ten open requests, and may ask again when one is answered."""
    mine = [opened(session, about=About(record=uuid4())) for _ in range(cases.MOST_OPEN)]
    with pytest.raises(NotAllowed) as refused:
        opened(session, about=About(record=uuid4()))
    assert refused.value.code == "too_many"

    cases.answer(session, mine[0].id, by=OFFICER, now=NOW)
    assert opened(session, about=About(record=uuid4())).state == "open"


def test_s30_a_refusal_needs_a_reason_of_the_law_and_is_recorded(session):
    """PDPA s.30, s.36, s.39(7): refusal recorded; no reason, no refusal."""
    case = opened(session, Kind.access)
    for reason in ("", "busy", "another_law "):
        with pytest.raises(NotAllowed):
            cases.refuse(session, case.id, reason=reason, by=OFFICER, now=NOW)

    refused = cases.refuse(session, case.id, reason="another_law", by=OFFICER, now=NOW + DAY)

    assert (refused.state, refused.refusal, refused.closed_by) == ("refused", "another_law", AUDITOR)
    assert told(session)[-1] == ("dsar.refused", "another_law")
    assert cases.refusals(session) == {("access", "another_law"): 1}


@pytest.mark.parametrize("again", ["answer", "refuse", "take_back", "hold", "extend"])
def test_a_case_is_answered_once(session, again):
    """A one-time thing is consumed by one conditional statement."""
    case = opened(session)
    cases.answer(session, case.id, by=OFFICER, now=NOW)
    acts = {
        "answer": lambda: cases.answer(session, case.id, by=OFFICER, now=NOW),
        "refuse": lambda: cases.refuse(session, case.id, reason="excessive", by=OFFICER, now=NOW),
        "take_back": lambda: cases.take_back(session, case.id, subject_id=PERSON, now=NOW),
        "hold": lambda: cases.hold(session, case.id, reason="court", by=OFFICER, now=NOW),
        "extend": lambda: cases.extend(session, case.id, reason="complex", by=OFFICER, now=NOW),
    }

    with pytest.raises(Conflict):
        acts[again]()


def test_a_case_is_put_off_once_and_never_after_its_day(session):
    """A clock that has run out is not wound up again."""
    case = opened(session)
    due = case.due_at
    with pytest.raises(Conflict):
        cases.extend(session, case.id, reason="complex", by=OFFICER, now=due)

    assert cases.extend(session, case.id, reason="complex", by=OFFICER, now=due - MINUTE).due_at == due + 30 * DAY
    with pytest.raises(Conflict):
        cases.extend(session, case.id, reason="complex", by=OFFICER, now=due - MINUTE)
    assert told(session)[-1] == ("dsar.extended", "complex")


@pytest.mark.parametrize("kind", [Kind.access, Kind.erasure])
def test_s30_access_and_erasure_are_not_put_off(session, kind):
    """PDPA s.30: within 30 days, extension none."""
    case = opened(session, kind)
    with pytest.raises(NotAllowed) as refused:
        cases.extend(session, case.id, reason="complex", by=OFFICER, now=NOW)
    assert refused.value.code == "no_extension"


def test_somebody_elses_case_is_not_found(session):
    """CONVENTIONS: not found, never forbidden."""
    case = opened(session)
    for found in (lambda: cases.own(session, case.id, subject_id=ANOTHER), lambda: cases.get(session, uuid4())):
        with pytest.raises(NotFound):
            found()


def test_the_queue_is_by_urgency(session):
    """PAGES: the most urgent first; what is answered is elsewhere."""
    slow, fast = opened(session, Kind.erasure), opened(session, Kind.access)
    done = opened(session, Kind.objection)
    cases.answer(session, done.id, by=OFFICER, now=NOW)

    assert [one.id for one in cases.queue(session)] == [fast.id, slow.id]
    assert [one.id for one in cases.answered(session)] == [done.id]
    assert cases.overdue(session, now=fast.due_at - MINUTE) == 0
    assert cases.overdue(session, now=fast.due_at) == 1
