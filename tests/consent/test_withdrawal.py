"""Withdrawal: at once, without conditions, once (PDPA s.19)."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consent import purposes, records, standings, withdrawal
from consent.audit import log
from consent.errors import NotAllowed, NotFound
from consent.models import ConsentNotice, ConsentRecord, ConsentWithdrawal
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


def take_back_kind(session, record, kind, now=NOW + HOUR):
    return withdrawal.take_back_kind(session, record.id, kind, subject_id=PERSON, actor_id=PERSON, now=now)


def test_one_kind_of_data_is_taken_back_and_the_rest_runs_on_to_the_same_day(session):
    """PDPA s.19, s.22: what is taken back is gone with every scope that may open it; nothing else is."""
    record = records.give(session, choice(session, scopes=purposes.get("PHR-SELF").scopes), now=NOW)

    shrunk = take_back_kind(session, record, "allergies")

    assert shrunk.ended is record
    assert shrunk.removed == ("patient/AllergyIntolerance.rs",)
    assert "allergies" not in shrunk.rest.categories.split()
    assert set(shrunk.rest.scopes.split()) == set(record.scopes.split()) - set(shrunk.removed)
    assert (shrunk.rest.expires_at, shrunk.rest.aal, shrunk.rest.ial) == (record.expires_at, record.aal, record.ial)
    assert session.get_one(ConsentWithdrawal, record.id).reason == "kind"
    stand = records.standing(session, key())
    assert (stand.state, stand.record_id) == ("given", shrunk.rest.id)


def test_taking_back_the_only_kind_ends_the_whole_consent(session):
    """Nothing that can be opened is left, so nothing stands."""
    record = records.give(session, choice(session, "LAB-VIEW"), now=NOW)

    shrunk = take_back_kind(session, record, "lab_results")

    assert shrunk.rest is None
    assert records.standing(session, key("LAB-VIEW")).state == "withdrawn"


def test_a_kind_that_was_never_given_is_not_taken_back(session):
    """Nothing is written, whoever presses."""
    record = records.give(session, choice(session), now=NOW)
    assert take_back_kind(session, record, "costs") is None
    take_back(session, record)
    assert take_back_kind(session, record, "allergies") is None


def undo(session, record, *, aal="2.2", ial="2.1", after=timedelta(seconds=30)):
    moment = NOW + HOUR + after
    return withdrawal.undo(session, record.id, subject_id=PERSON, aal=aal, ial=ial, now=moment)


def test_a_withdrawal_is_undone_within_a_minute_by_a_new_consent(session):
    """Never an edit: the first consent stays ended, a second one in the same words runs to the same day."""
    first = records.give(session, choice(session), now=NOW)
    take_back(session, first)

    second = undo(session, first)

    assert second.id != first.id
    assert (second.scopes, second.categories, second.expires_at) == (first.scopes, first.categories, first.expires_at)
    assert (second.notice_sha256, second.channel) == (first.notice_sha256, "undo")
    assert session.get_one(ConsentWithdrawal, first.id)
    assert records.standing(session, key()).record_id == second.id


@pytest.mark.parametrize("spoil", ["too_late", "replaced", "again", "of_others", "notice_changed"])
def test_what_can_no_longer_be_undone_is_refused_and_writes_nothing(session, spoil):
    """A minute, once, by who agreed, to the words that they know."""
    by = {"actor_id": ANOTHER} if spoil == "of_others" else {}
    first = records.give(session, choice(session, **by), now=NOW)
    take_back(session, first)
    if spoil == "replaced":
        records.give(session, choice(session), now=NOW + HOUR)
    if spoil == "again":
        take_back(session, undo(session, first, after=timedelta(seconds=1)))
    if spoil == "notice_changed":
        newest = session.scalars(select(ConsentNotice).where(ConsentNotice.id == first.notice_id)).one()
        facts = {"purpose": newest.purpose, "locale": newest.locale, "body": newest.body, "sha256": "0" * 64}
        session.add(ConsentNotice(**facts, version=newest.version + 1, published_at=NOW))
        session.flush()
    before = session.scalar(select(func.count()).select_from(ConsentRecord))

    with pytest.raises(NotAllowed) as refusal:
        undo(session, first, after=timedelta(seconds=61 if spoil == "too_late" else 30))

    assert refusal.value.code == {"again": "replaced"}.get(spoil, spoil)
    assert session.scalar(select(func.count()).select_from(ConsentRecord)) == before


def test_who_signed_in_too_weakly_withdraws_but_does_not_agree_again(session):
    """Catalogue rule 4: agreeing needs the purpose's level, also when it is agreeing again."""
    first = records.give(session, choice(session), now=NOW)
    take_back(session, first)

    with pytest.raises(NotAllowed) as refusal:
        undo(session, first, aal="1")
    assert refusal.value.code == "aal_too_low"


def test_a_consent_of_counted_uses_is_not_made_new_by_undoing(session):
    """A withdrawal and its undoing give no use back."""
    first = records.give(session, choice(session, "TELEREC"), now=NOW)
    standings.use(session, first.id, client_id="portal", most=1, now=NOW)
    take_back(session, first)

    with pytest.raises(NotAllowed) as refusal:
        undo(session, first)
    assert refusal.value.code == "uses"
