from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from idp.upstream import attempts
from idp.upstream.attempts import LIFETIME, UpstreamAttempt
from tests.fakes import NOW, SECOND

BROWSER = "b" * 43


def begun(session, ring, **changed):
    told = {"provider": "thaid", "aim": "prove", "browser": BROWSER, "now": NOW, **changed}
    return attempts.begin(session, ring, **told)


def taken(session, ring, state, **changed):
    return attempts.take(session, ring, state, **{"provider": "thaid", "browser": BROWSER, "now": NOW, **changed})


def test_an_answer_finds_what_it_belongs_to(session, ring):
    person = uuid4()
    state, secrets = begun(session, ring, subject_id=person, interaction_id="i-1")

    found = taken(session, ring, state)

    assert (found.aim, found.subject_id, found.secrets) == ("prove", person, secrets)
    assert found.secrets.interaction_id == "i-1"


def test_an_answer_counts_once(session, ring):
    """RFC 9700 section 4.7.1: a state is good for one answer."""
    state, _ = begun(session, ring)

    assert taken(session, ring, state) is not None
    assert taken(session, ring, state) is None


def test_of_many_answers_at_once_one_counts(sessions, ring):
    with sessions.writing() as session:
        state, _ = begun(session, ring)

    def answer(_):
        with sessions.writing() as own:
            return taken(own, ring, state) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answer, range(8))) == 1


@pytest.mark.parametrize(
    "changed",
    [{"browser": "c" * 43}, {"provider": "line"}, {"now": NOW + LIFETIME}],
    ids=["another browser", "another provider", "too late"],
)
def test_an_answer_of_elsewhere_or_too_late_belongs_to_nothing_and_spends_nothing(session, ring, changed):
    """RFC 9700 section 4.4: a mix-up of providers; 4.7: another's sign-in forced on this browser."""
    state, _ = begun(session, ring)

    assert taken(session, ring, state, **changed) is None
    assert taken(session, ring, state) is not None


@pytest.mark.parametrize("state", ["", "x", "x" * 5000, "\ud800"])
def test_a_state_that_nobody_made_belongs_to_nothing(session, ring, state):
    assert taken(session, ring, state) is None


def test_until_the_last_second_it_counts(session, ring):
    state, _ = begun(session, ring)

    assert taken(session, ring, state, now=NOW + LIFETIME - SECOND) is not None


def test_a_stolen_database_opens_no_sign_in(session, ring):
    """Neither the state nor what must match the answer is readable."""
    state, secrets = begun(session, ring, interaction_id="i-1")

    row = session.scalars(select(UpstreamAttempt)).one()
    assert state not in row.state_hash
    assert secrets.nonce.encode() not in row.kept
    assert BROWSER not in row.browser_hash


def test_what_is_over_is_forgotten(session, ring):
    begun(session, ring)
    begun(session, ring, now=NOW + LIFETIME)

    attempts.purge(session, now=NOW + LIFETIME + SECOND)

    assert session.scalar(select(func.count()).select_from(UpstreamAttempt)) == 1


def test_secrets_are_long_and_all_different(session, ring):
    made = [begun(session, ring) for _ in range(20)]

    words = {word for state, secrets in made for word in (state, secrets.nonce, secrets.verifier)}
    assert len(words) == 60
    assert min(map(len, words)) >= 43
