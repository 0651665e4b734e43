"""The people of a breach are told by the worker: some at a time, each once, whoever dies meanwhile (PDPA s.37(4))."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from consent.db import new_id
from consent.errors import Conflict
from consent.models import ConsentStanding
from consent.rights import breach
from consent.rights.models import BreachTold
from idp import breaches, jobs, subjects
from idp.alerts import Notice
from idp.db import Session
from idp.jobs import Job
from idp.people import Subject
from tests.fakes import HOUR, MINUTE, NOW
from tests.idp.web.stage import person, set_up

FIRST, SECOND = (UUID(f"019ab000-0000-7000-8000-0000000000{n}") for n in ("aa", "bb"))
NUMBERS = ("1999000010012", "1999000010021", "1999000010063", "1999000010071", "1999000010080")


@pytest.fixture
def case(sessions, ring, monkeypatch):
    """A confirmed breach of the portal with five people, told two at a time."""
    monkeypatch.setattr(breaches, "BATCH", 2)
    with sessions.writing() as session:
        stage = set_up(session, ring)
        for number in NUMBERS:
            one = subjects.create(session, ring, number, person(phone=""), now=NOW)
            allows(session, one.id, stage.hospital)
        allows(session, new_id(), stage.hospital)  # an account that is no more
        subjects.create(session, ring, "3999000010043", person(phone=""), now=NOW)  # whom the portal never met
        found = breaches.start(
            *(session, ring),
            nature="confidentiality",
            known_at=NOW,
            facts="x",
            by=FIRST,
            now=NOW,
            client_id="portal",
        )
        breaches.weigh(session, ring, found.id, risk="high", affected=5, assessment="y", by=FIRST, now=NOW)
        breach.ask_to_tell(session, found.id, by=FIRST, now=NOW)
        breaches.tell(session, found.id, by=SECOND, now=NOW)
    return found


def allows(session: Session, subject_id: UUID, recipient_id: UUID) -> None:
    facts = {"holder": "any", "purpose": "CONTACT", "state": "given", "basis": "C19", "moved_at": NOW, "version": 1}
    session.add(ConsentStanding(subject_id=subject_id, recipient_id=recipient_id, **facts))
    session.flush()


def batch(sessions, ring, settings, *, job=None, now=NOW):
    """What a worker does with its next job; whether there was one."""
    with sessions.writing() as session:
        taken = [job] if job else [one for one in jobs.claim_due(session, now=now) if one.kind == breaches.TELL]
    for one in taken:
        with sessions.writing() as session:
            breaches.spread(session, ring, settings, one, now=now)
    return bool(taken)


def told(sessions):
    """How many messages each person got."""
    with sessions.reading() as session:
        query = select(Notice.subject_id, func.count()).where(Notice.kind == "breach").group_by(Notice.subject_id)
        return {person: count for person, count in session.execute(query)}  # noqa: C416 -- rows, not pairs


def progress(sessions, case, *, now=NOW):
    with sessions.reading() as session:
        return breaches.telling(session, breach.get(session, case.id), now=now)


def test_s37_4_people_are_told_in_batches_and_the_page_counts_along(sessions, ring, settings, case):
    """Each batch is one short transaction, so that a breach of everybody holds up nobody's sign-in."""
    seen = []
    while batch(sessions, ring, settings):
        seen.append(progress(sessions, case).told)

    assert seen == [2, 4, 5]
    assert sorted(told(sessions).values()) == [1] * 5
    end = progress(sessions, case)
    assert (end.told, end.of, end.unreached, end.left, end.stuck) == (5, 5, 0, False, False)
    with sessions.writing() as session, pytest.raises(Conflict):
        breaches.go_on(session, case.id, now=NOW)


def dying(sessions, ring, settings, job):
    with sessions.writing() as session:
        breaches.spread(session, ring, settings, job, now=NOW)
        raise SystemExit


@pytest.mark.usefixtures("case")
def test_a_worker_that_dies_tells_nobody_twice_and_leaves_nobody_out(sessions, ring, settings):
    """It dies after its messages were written and before the commit; the job falls due again."""
    with sessions.writing() as session:
        (job,) = [one for one in jobs.claim_due(session, now=NOW) if one.kind == breaches.TELL]
    with pytest.raises(SystemExit):
        dying(sessions, ring, settings, job)
    assert told(sessions) == {}

    while batch(sessions, ring, settings, now=NOW + HOUR):
        pass

    assert sorted(told(sessions).values()) == [1] * 5


@pytest.mark.usefixtures("case")
def test_two_workers_with_the_same_job_tell_each_person_once(sessions, ring, settings):
    """A lease that ran out gives a job to a second worker while the first is still at it."""
    with sessions.writing() as session:
        (job,) = [one for one in jobs.claim_due(session, now=NOW) if one.kind == breaches.TELL]
    start, faults = threading.Barrier(2), []

    def work():
        start.wait()
        try:
            batch(sessions, ring, settings, job=job)
        except BaseException as fault:  # noqa: BLE001 -- handed to the test's own thread
            faults.append(fault)

    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    while batch(sessions, ring, settings):
        pass

    assert faults == []
    assert sorted(told(sessions).values()) == [1] * 5


def test_whom_nothing_reaches_holds_up_nobody_behind_them(sessions, ring, settings, case):
    """A key that is gone at this moment: that one is counted, the others are told."""
    with sessions.writing() as session:
        gone = session.scalars(select(Subject.id).order_by(Subject.id).where(Subject.status == "active")).all()[1]
        session.execute(update(Subject).where(Subject.id == gone).values(data_key=None))

    while batch(sessions, ring, settings):
        pass

    assert (progress(sessions, case).told, progress(sessions, case).unreached) == (5, 1)
    assert len(told(sessions)) == 4
    with sessions.reading() as session:
        assert session.scalars(select(BreachTold.subject_id).where(~BreachTold.reached)).all() == [gone]


def test_a_telling_that_was_given_up_is_taken_up_again(sessions, ring, settings, case):
    """After ten failures a job is dead: the page says so, and a button goes on where it stopped."""
    batch(sessions, ring, settings)
    with sessions.writing() as session:
        session.execute(update(Job).where(Job.kind == breaches.TELL).values(state="dead"))
    late = NOW + breaches.STUCK_AFTER + MINUTE
    assert not batch(sessions, ring, settings, now=late)
    assert progress(sessions, case, now=late).stuck

    with sessions.writing() as session:
        breaches.go_on(session, case.id, now=late)
    while batch(sessions, ring, settings, now=late):
        pass

    assert sorted(told(sessions).values()) == [1] * 5
