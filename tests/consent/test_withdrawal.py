"""Withdrawal: at once, without conditions, once (PDPA s.19)."""

import pytest
from sqlalchemy import func, select

from consent import records
from consent.audit import log
from consent.errors import NotAllowed, NotFound
from consent.models import ConsentWithdrawal
from consent.withdrawal import withdraw
from tests.consent.cast import ANOTHER, PERSON, choice, key
from tests.fakes import HOUR, NOW


def take_back(session, record, *, subject_id=PERSON, reason=None):
    return withdraw(session, record.id, subject_id=subject_id, actor_id=subject_id, reason=reason, now=NOW + HOUR)


def test_withdrawing_ends_the_consent_and_is_logged(session):
    """PDPA s.19: withdrawal takes effect with nothing more asked of the citizen."""
    record = records.give(session, choice(session), now=NOW)

    ended = take_back(session, record, reason="not_needed")

    assert ended is record
    stand = records.standing(session, key())
    assert (stand.state, stand.record_id, stand.expires_at, stand.move) == ("withdrawn", record.id, None, 2)
    kept = session.get_one(ConsentWithdrawal, record.id)
    assert (kept.reason, kept.withdrawn_at, kept.actor_id) == ("not_needed", NOW + HOUR, PERSON)
    entry = log.of_subject(session, PERSON)[0]
    assert (entry.event, entry.consent_id, entry.move, entry.reason) == (
        "consent.withdrawn",
        record.id,
        2,
        "not_needed",
    )


def test_withdrawing_twice_writes_once(session):
    """A double tap is safe."""
    record = records.give(session, choice(session), now=NOW)
    take_back(session, record)
    before = len(log.of_subject(session, PERSON))

    assert take_back(session, record) is record

    assert len(log.of_subject(session, PERSON)) == before
    assert session.scalar(select(func.count()).select_from(ConsentWithdrawal)) == 1


def test_anothers_consent_is_not_found(session):
    """Someone else's consent is not found, never forbidden."""
    record = records.give(session, choice(session), now=NOW)

    with pytest.raises(NotFound):
        take_back(session, record, subject_id=ANOTHER)
    assert records.standing(session, key()).state == "given"


def test_what_rests_on_no_consent_cannot_be_withdrawn(session):
    """Catalogue rule 3: a notice has no Allow and no Withdraw."""
    record = records.note(session, choice(session, "SIGNIN"), now=NOW)

    with pytest.raises(NotAllowed) as refusal:
        take_back(session, record)
    assert refusal.value.code == "not_withdrawable"


def test_withdrawing_an_older_record_ends_what_replaced_it(session):
    """The no is about the purpose, not about one row of ours."""
    old = records.give(session, choice(session), now=NOW)
    new = records.give(session, choice(session), now=NOW)

    assert take_back(session, old) is new
    assert records.standing(session, key()).state == "withdrawn"


def test_a_reason_is_a_code_and_never_an_obstacle(session):
    """PDPA s.19: free to withdraw; free text about a person has no place in a row that never goes."""
    record = records.give(session, choice(session), now=NOW)

    take_back(session, record, reason="because of 1999000010012 and so on")

    assert session.get_one(ConsentWithdrawal, record.id).reason == "other"


def test_what_was_withdrawn_can_be_given_again(session):
    """PDPA s.19: freely given, freely withdrawn, any number of times."""
    first = records.give(session, choice(session), now=NOW)
    take_back(session, first)
    second = records.give(session, choice(session), now=NOW + HOUR)

    stand = records.standing(session, key())
    assert (stand.state, stand.record_id, stand.move) == ("given", second.id, 3)
    assert take_back(session, second) is second
