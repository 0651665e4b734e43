from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from idp import jobs
from idp.jobs import LEASE, Job, pause_after
from tests.fakes import MINUTE, NOW, SECOND


def queue(sessions, *, run_at=NOW):
    with sessions.writing() as session:
        jobs.enqueue_job(session, "resolve-challenge", uuid4(), now=NOW, run_at=run_at)


def claim(sessions, now=NOW):
    with sessions.writing() as session:
        return jobs.claim_due(session, now=now)


def test_a_job_is_taken_by_one_worker_only(sessions):
    """RELIABILITY rule 1: one conditional statement on each row."""
    for _ in range(5):
        queue(sessions)

    with ThreadPoolExecutor(8) as pool:
        taken = [job.id for batch in pool.map(lambda _: claim(sessions), range(16)) for job in batch]

    assert len(taken) == len(set(taken)) == 5


def test_a_job_of_a_worker_that_died_falls_due_again(sessions):
    """RELIABILITY X1: kill -9 between taking and finishing loses nothing."""
    queue(sessions)
    assert len(claim(sessions)) == 1
    assert claim(sessions, NOW + LEASE - SECOND) == []

    (again,) = claim(sessions, NOW + LEASE)

    assert again.attempts == 2


def test_a_job_waits_for_its_time_and_ends_once(sessions):
    """A job that is done is never due."""
    queue(sessions, run_at=NOW + MINUTE)
    with sessions.reading() as session:
        assert not jobs.any_due(session, now=NOW)
        assert jobs.any_due(session, now=NOW + MINUTE)
    (job,) = claim(sessions, NOW + MINUTE)

    with sessions.writing() as session:
        jobs.finish(session, job.id)
        jobs.put_back(session, job, now=NOW + MINUTE)

    assert claim(sessions, NOW + MINUTE * 60) == []
    with sessions.reading() as session:
        assert session.scalar(select(Job.state)) == "done"


def test_a_job_put_back_runs_after_a_pause(sessions):
    """Try again, more and more slowly."""
    queue(sessions)
    (job,) = claim(sessions)
    with sessions.writing() as session:
        jobs.put_back(session, job, now=NOW)

    assert claim(sessions, NOW + SECOND) == []
    assert len(claim(sessions, NOW + 2 * SECOND)) == 1


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 2), (1, 2), (2, 4), (5, 32), (11, 2048), (12, 3600), (999, 3600)]
)
def test_pauses_double_up_to_an_hour(attempts, seconds):
    """RELIABILITY X15."""
    assert pause_after(attempts) == timedelta(seconds=seconds)
