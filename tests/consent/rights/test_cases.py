"""Requests: opened once, answered once, each step an entry."""

from uuid import uuid4

import pytest

from consent.audit import log, search
from consent.audit.log import Actor
from consent.errors import Conflict, NotAllowed, NotFound
from consent.rights import cases, clocks
from consent.rights.cases import About
from consent.rights.clocks import Kind
from tests.consent.cast import ANOTHER, AUDITOR, PERSON
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
