"""Who acted as what, for which time, on which paper: what a consent tells before it is written (PDPA s.19, s.20)."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from consent import purposes, records, standings
from consent.errors import NotAllowed
from tests.consent.cast import ANOTHER, PERSON, choice, key
from tests.fakes import DAY, HOUR, NOW

LINK = UUID("019ab000-0000-7000-8000-000000000061")
VISIT = UUID("019ab000-0000-7000-8000-000000000062")
PARENT = {"capacity": "parent", "guardianship_id": LINK, "actor_id": ANOTHER}
SECOND = {"co_actor_id": ANOTHER, "co_capacity": "parent", "co_signed_at": NOW, "guardianship_id": LINK}


def test_a_record_says_who_acted_as_what_and_what_it_is_about(session):
    """Issue 5: subject, actor, capacity, visit, time range, evidence, second signature, country, proof."""
    told = {
        **SECOND,
        "visit_id": VISIT,
        "data_from": date(2025, 1, 1),
        "data_until": date(2025, 12, 31),
        "evidence": "ab" * 32,
        "values_mac": "cd" * 32,
        "xb_country": "JP",
        "xb_safeguard": "contract",
        "proofing_at": NOW - DAY,
    }
    record = records.give(session, replace(choice(session), **told), now=NOW)

    session.expire(record)
    assert {name: getattr(record, name) for name in told} == told
    assert (record.capacity, record.subject_id, record.actor_id) == ("self", PERSON, PERSON)
    standing = standings.standing(session, key())
    assert (standing.cosigned, standing.guardianship_id, standing.visit_id) == (True, LINK, VISIT)
    assert (standing.data_from, standing.data_until) == (date(2025, 1, 1), date(2025, 12, 31))
    assert standing.categories == purposes.get("PHR-SELF").data_categories
    assert (standing.proofing_at, standing.values_mac, standing.given_at) == (NOW - DAY, "cd" * 32, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"capacity": "friend"},
        {"capacity": "parent"},
        {"capacity": "helper"},
        {"capacity": "officer"},
        {**SECOND, "co_actor_id": PERSON},
        {**SECOND, "guardianship_id": None},
        {**SECOND, "co_signed_at": None},
        {**SECOND, "co_capacity": None},
    ],
)
def test_who_acts_for_another_says_on_what(session, changes):
    """PDPA s.20: a link, a paper, and two different people where two must sign."""
    with pytest.raises(NotAllowed) as refused:
        records.give(session, replace(choice(session), **changes), now=NOW)

    assert refused.value.code == "capacity"
    assert standings.standing(session, key()) is None


def test_a_paper_names_the_officer_and_its_scan(session):
    """PAGES: consent on paper at the counter."""
    paper = replace(choice(session, "EHR-SHARE"), capacity="officer", evidence="ab" * 32, actor_id=ANOTHER)
    assert records.give(session, paper, now=NOW).capacity == "officer"


@pytest.mark.parametrize(
    ("purpose", "witness", "ial", "code"),
    [
        ("EHR-SHARE", ("2.2", "2.1"), "1.3", None),
        ("EHR-SHARE", ("2.1", "2.1"), "1.3", "aal_too_low"),  # the officer is signed in too weakly
        ("EHR-SHARE", ("2.2", "1.3"), "1.3", "aal_too_low"),  # the officer is known too badly
        ("EHR-SHARE", ("2.2", "2.1"), "1.1", "ial_too_low"),  # never the citizen's IAL
        ("EHR-SHARE", None, "1.3", "aal_too_low"),
        ("EHR-SENS", ("2.2", "2.1"), "2.1", "aal_too_low"),  # the row has no witness
    ],
)
def test_a_card_and_an_officer_stand_for_the_sign_in_and_for_nothing_else(session, purpose, witness, ial, code):
    """Catalogue rule 4, witnessed_at_counter."""
    answer = replace(choice(session, purpose), aal="", ial=ial, witness=witness)
    if code is None:
        assert records.give(session, answer, now=NOW).aal == ""
        return
    with pytest.raises(NotAllowed) as refused:
        records.give(session, answer, now=NOW)
    assert refused.value.code == code


def test_an_answer_ends_when_what_it_rests_on_ends(session):
    """PDPA s.20: the twentieth birthday, the end of an order; by the clock, with no job."""
    birthday = NOW + 3 * HOUR
    assert records.give(session, replace(choice(session), not_after=birthday), now=NOW).expires_at == birthday
    assert (
        records.give(session, replace(choice(session), not_after=NOW + 999 * DAY), now=NOW).expires_at < NOW + 91 * DAY
    )
    with pytest.raises(NotAllowed) as refused:
        records.give(session, replace(choice(session), not_after=NOW), now=NOW)
    assert refused.value.code == "life"


def test_a_time_of_data_does_not_end_before_it_begins(session):
    """PDPA s.22: limited to what was agreed."""
    backwards = {"data_from": date(2025, 2, 1), "data_until": date(2025, 1, 1)}
    with pytest.raises(NotAllowed) as refused:
        records.give(session, replace(choice(session), **backwards), now=NOW)
    assert refused.value.code == "data_range"
    assert records.give(session, replace(choice(session), data_from=date(2025, 1, 1)), now=NOW).data_until is None


def test_a_no_says_in_whose_name(session):
    """PDPA s.20: a guardian refuses as well as agrees."""
    refusal = records.refuse(session, replace(choice(session), **PARENT), now=NOW + timedelta(seconds=1))
    assert (refusal.capacity, refusal.guardianship_id, refusal.actor_id) == ("parent", LINK, ANOTHER)
