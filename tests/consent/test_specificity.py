"""Which standing refusal stops a question, and which consent is told more closely, as tables and by hypothesis."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import purposes, specificity
from consent.specificity import About, Asker, Consented, Level, StandingRefusal, biting, unit_mark
from tests.consent.cast import CLINIC
from tests.fakes import DAY, NOW

ELSEWHERE = UUID("019ab000-0000-7000-8000-000000000022")
VISIT = UUID("019ab000-0000-7000-8000-000000000041")
NO = UUID("019ab000-0000-7000-8000-000000000051")
TODAY = date(2026, 11, 23)  # in Bangkok, at NOW
HERE = {"recipient_id": CLINIC, "hcode": "99001"}
PLACE = StandingRefusal(NO, Level.facility, NOW, **HERE)
LAB = StandingRefusal(NO, Level.unit, NOW, **HERE, unit_mark=unit_mark("LAB"))
DOCTOR = StandingRefusal(NO, Level.person, NOW, **HERE, person="dr-1")
STAY = StandingRefusal(NO, Level.visit, NOW, visit_id=VISIT)
YEAR = StandingRefusal(NO, Level.period, NOW, data_from=date(2023, 1, 1), data_until=date(2023, 12, 31))
MIND = StandingRefusal(NO, Level.topic, NOW, topics=("mental",))
BEFORE, AFTER = Consented(NOW - DAY), Consented(NOW + DAY)


def stops(refusal, code="EHR-SHARE", *, recipient_id=CLINIC, asker=Asker(), about=About(), consented=AFTER):  # noqa: B008
    row = purposes.get(code)
    found = biting(
        [refusal],
        row,
        recipient_id=recipient_id,
        asker=asker,
        about=about,
        rests_on_consent=row.asks,
        consented=consented if row.asks else None,
    )
    assert found in (None, refusal)
    return found is refusal


@pytest.mark.parametrize(
    ("refusal", "asked", "stopped"),
    [
        (PLACE, {}, True),
        (PLACE, {"recipient_id": ELSEWHERE}, False),
        (PLACE, {"asker": Asker(hcode="99001")}, True),
        (PLACE, {"asker": Asker(hcode="99002")}, False),  # another house of the same organisation, and it says so
        (replace(PLACE, hcode=""), {"asker": Asker(hcode="99002")}, True),
        (LAB, {}, True),
        (LAB, {"asker": Asker(unit="LAB")}, True),
        (LAB, {"asker": Asker(unit=" lab")}, True),
        (LAB, {"asker": Asker(unit="ER")}, False),
        (LAB, {"asker": Asker(unit="LAB"), "recipient_id": ELSEWHERE}, False),
        (DOCTOR, {}, True),
        (DOCTOR, {"recipient_id": ELSEWHERE}, False),
        (DOCTOR, {"asker": Asker(person="dr-1"), "recipient_id": ELSEWHERE}, True),  # wherever they work
        (DOCTOR, {"asker": Asker(person="dr-2")}, False),
        (STAY, {"asker": Asker(visit=str(VISIT))}, True),
        (STAY, {}, False),
        (STAY, {"consented": replace(AFTER, visit_id=VISIT)}, True),
        (YEAR, {}, True),
        (YEAR, {"about": About(data_from=date(2023, 12, 31))}, True),
        (YEAR, {"about": About(data_from=date(2024, 1, 1))}, False),
        (YEAR, {"about": About(data_until=date(2023, 1, 1))}, True),
        (YEAR, {"about": About(data_until=date(2022, 12, 31))}, False),
        (YEAR, {"code": "CONTACT"}, False),  # no record of health in it
        (MIND, {"code": "EHR-SENS", "about": About(topics=("hiv", "mental"))}, True),
        (MIND, {"code": "EHR-SENS", "about": About(topics=("hiv",))}, False),
        (MIND, {}, False),
        (replace(PLACE, purposes=("PHR-SELF",)), {}, False),
        (replace(PLACE, purposes=("EHR-SHARE",)), {}, True),
        (replace(PLACE, past=False), {"about": About(data_until=TODAY)}, True),
        (replace(PLACE, past=False), {"about": About(data_until=TODAY - DAY)}, False),
        (replace(PLACE, future=False), {"about": About(data_from=TODAY)}, True),
        (replace(PLACE, future=False), {"about": About(data_from=TODAY + DAY)}, False),
        (replace(PLACE, future=False), {}, True),
    ],
)
def test_what_a_refusal_stops_where_a_consent_is_the_ground(refusal, asked, stopped):
    """Who does not state the person, unit or time that a refusal is about cannot show that it is another."""
    assert stops(refusal, **asked) is stopped


@pytest.mark.parametrize(
    ("refusal", "asker", "stopped"),
    [
        (PLACE, Asker(), False),
        (YEAR, Asker(), False),
        (LAB, Asker(), False),
        (LAB, Asker(hcode="99001", unit="LAB"), True),
        (DOCTOR, Asker(), False),
        (DOCTOR, Asker(person="dr-1"), True),
        (STAY, Asker(visit=str(VISIT)), True),
    ],
)
def test_no_refusal_blocks_treatment_as_such(refusal, asker, stopped):
    """Catalogue rule 12: not the place, not the past; but who treats, where in the house and when is the person's."""
    assert stops(refusal, "CARE", asker=asker) is stopped


@pytest.mark.parametrize("code", ["MYDATA", "WITHDRAW", "COMPLAINT", "PHR-SENS", "DIRECTORY", "STAFF", "AUDIT"])
def test_the_persons_own_rights_and_open_registers_are_stopped_by_none(code):
    """PDPA s.30: nobody shuts themselves out."""
    for refusal in (PLACE, LAB, DOCTOR, YEAR, MIND, STAY):
        assert not stops(refusal, code, about=About(topics=("mental",)), asker=Asker(visit=str(VISIT)))


RANGE = {"data_from": date(2023, 3, 1), "data_until": date(2023, 4, 1)}


@pytest.mark.parametrize(
    ("refusal", "consented", "stopped"),
    [
        (PLACE, AFTER, True),
        (PLACE, replace(AFTER, visit_id=VISIT), False),
        (PLACE, replace(BEFORE, visit_id=VISIT), True),  # it was there before the refusal
        (PLACE, replace(AFTER, given_at=NOW, visit_id=VISIT), True),
        (PLACE, replace(AFTER, topics=("hiv",)), False),
        (PLACE, replace(AFTER, **RANGE), False),
        (YEAR, replace(AFTER, **RANGE), False),
        (YEAR, replace(AFTER, visit_id=VISIT), True),  # names something else
        (YEAR, replace(AFTER, data_from=date(2022, 1, 1), data_until=date(2023, 2, 1)), True),  # more than it
        (replace(YEAR, recipient_id=CLINIC), replace(AFTER, **RANGE), True),  # as close, not closer
        (replace(YEAR, recipient_id=CLINIC), replace(AFTER, **RANGE, visit_id=VISIT), False),
        (LAB, replace(AFTER, **RANGE, visit_id=VISIT, topics=("hiv",)), True),  # a consent never names a unit
        (DOCTOR, replace(AFTER, **RANGE, visit_id=VISIT, topics=("hiv",)), True),
        (replace(STAY, visit_id=VISIT), replace(AFTER, **RANGE, visit_id=VISIT), True),
    ],
)
def test_only_a_later_and_closer_consent_passes(refusal, consented, stopped):
    """Issue 5: one of equal or greater specificity beats every consent."""
    assert stops(refusal, consented=consented, about=About(**RANGE)) is stopped


def test_a_topic_ticked_later_for_one_place_passes_a_refusal_of_it_everywhere():
    """Catalogue rule 10: topics are ticked one by one; another topic beside it does not help."""
    hiv = replace(MIND, topics=("hiv", "mental"))
    told = {"code": "EHR-SENS", "about": About(topics=("mental",))}

    assert not stops(hiv, consented=replace(AFTER, topics=("mental",)), **told)
    assert stops(hiv, consented=replace(AFTER, topics=("genetic",)), **told)
    assert stops(replace(hiv, recipient_id=CLINIC), consented=replace(AFTER, topics=("mental",)), **told)


@given(
    st.sampled_from([PLACE, LAB, DOCTOR, STAY, YEAR, MIND]),
    st.builds(
        Consented,
        given_at=st.integers(-3, 0).map(lambda days: NOW + timedelta(days=days)),
        visit_id=st.sampled_from([None, VISIT, NO]),
        data_from=st.sampled_from([None, date(2023, 3, 1)]),
        data_until=st.sampled_from([None, date(2023, 4, 1)]),
        topics=st.sampled_from([(), ("mental",), ("mental", "hiv")]),
    ),
)
def test_a_refusal_beats_every_consent_that_was_there_before_it(refusal, consented):
    """However closely that one was told."""
    told = {"about": About(topics=("mental",)), "asker": Asker(person="dr-1", unit="LAB", visit=str(VISIT))}
    assert stops(refusal, "EHR-SENS", consented=consented, **told)


@given(st.sampled_from([PLACE, LAB, DOCTOR, STAY, YEAR, MIND]), st.sampled_from(purposes.all()))
def test_saying_less_never_opens_more(refusal, row):
    """Monotone: a question that states nothing is stopped wherever one that states something is, save treatment."""
    stated = {"asker": Asker(person="dr-1", unit="LAB", hcode="99001"), "about": About(**RANGE)}
    if row.asks and stops(refusal, row.code, **stated):
        assert stops(refusal, row.code)


def test_a_units_name_is_compared_and_not_kept():
    """DECISIONS 5: what a person types is not readable in the row."""
    assert unit_mark("  Ward   7 ") == unit_mark("ward 7")
    assert unit_mark("ward 7") != unit_mark("ward 8")
    assert "ward" not in unit_mark("ward 7")


def test_topics_are_read_from_scopes():
    """Catalogue rule 10."""
    assert specificity.topics_of(["moph.sensitive.hiv", "patient/Patient.r", "moph.sensitive.mental"]) == (
        "hiv", "mental",
    )  # fmt: skip
