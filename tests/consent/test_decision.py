"""The live decision, as a table (catalogue rules 4, 5, 6, 12; DECISIONS 16-18)."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import purposes
from consent.decision import (
    About,
    Asker,
    Capacity,
    Emergency,
    Question,
    Reason,
    Standing,
    StandingRefusal,
    decide,
    outward,
)
from consent.purposes import Kind
from consent.specificity import Level
from tests.consent.cast import APP, CLINIC, HOSPITAL
from tests.fakes import HOUR, NOW

RECORD = UUID("019ab000-0000-7000-8000-000000000031")
GIVEN = Standing("given", RECORD, NOW + timedelta(days=1), NOW, None)
REFUSED = replace(GIVEN, state="refused", record_id=None, expires_at=None)
WITHDRAWN = replace(GIVEN, state="withdrawn", expires_at=None)
NOTICED = replace(GIVEN, state="noticed")
OVER = replace(GIVEN, expires_at=NOW)
SPENT = replace(GIVEN, uses_left=0)
OWN = replace(APP, own_app=True)
LAPSED = replace(HOSPITAL, licence_valid=False)


@pytest.mark.parametrize(
    ("purpose", "recipient", "levels", "standing", "reason", "asks"),
    [
        ("PHR-SELF", APP, ("2.1", "1.3"), GIVEN, Reason.permitted, False),
        ("PHR-SELF", APP, ("2.1", "1.3"), None, Reason.no_record, True),
        ("PHR-SELF", APP, ("2.1", "1.3"), REFUSED, Reason.refused, False),
        ("PHR-SELF", APP, ("2.1", "1.3"), WITHDRAWN, Reason.withdrawn, True),
        ("PHR-SELF", APP, ("2.1", "1.3"), OVER, Reason.expired, True),
        ("PHR-SELF", APP, ("1", "1.3"), GIVEN, Reason.aal_too_low, False),
        ("PHR-SELF", APP, ("2.1", "1.2"), GIVEN, Reason.ial_too_low, False),
        ("PHR-SELF", APP, (None, "1.3"), GIVEN, Reason.permitted, False),
        ("PHR-SELF", APP, (None, None), GIVEN, Reason.permitted, False),
        ("PHR-SELF", APP, (None, "1.1"), GIVEN, Reason.ial_too_low, False),
        ("PHR-SELF", APP, ("1", "1.1"), None, Reason.no_record, True),
        ("PHR-SELF", HOSPITAL, ("2.1", "1.3"), GIVEN, Reason.recipient_kind, False),
        ("PHR-SELF", replace(HOSPITAL, own_app=True), ("2.1", "1.3"), GIVEN, Reason.permitted, False),
        ("CERT-VIEW", APP, ("2.1", "1.3"), GIVEN, Reason.recipient_kind, False),
        ("CERT-VIEW", OWN, ("2.1", "1.3"), GIVEN, Reason.permitted, False),
        ("EHR-SHARE", HOSPITAL, ("2.1", "1.3"), GIVEN, Reason.permitted, False),
        ("EHR-SHARE", LAPSED, ("2.1", "1.3"), GIVEN, Reason.licence_invalid, False),
        ("EHR-SHARE", LAPSED, ("2.1", "1.3"), None, Reason.licence_invalid, False),
        ("PID", HOSPITAL, ("2.1", "1.3"), replace(GIVEN, uses_left=1), Reason.permitted, False),
        ("PID", HOSPITAL, ("2.1", "1.3"), SPENT, Reason.uses_spent, True),
        ("SIGNIN", APP, ("1", "1.1"), NOTICED, Reason.basis_recorded, False),
        ("SIGNIN", APP, ("1", "1.1"), None, Reason.no_record, True),
        ("SIGNIN", APP, ("1", "1.1"), replace(NOTICED, expires_at=NOW), Reason.expired, True),
        ("AUDIT", OWN, ("3", "2.2"), None, Reason.basis_recorded, False),
        ("AUDIT", OWN, ("2.2", "2.2"), None, Reason.aal_too_low, False),
        ("CLAIM", HOSPITAL, (None, None), None, Reason.recipient_kind, False),
        ("DIRECTORY", LAPSED, (None, None), None, Reason.basis_recorded, False),
    ],
)
def test_the_decision(purpose, recipient, levels, standing, reason, asks):  # noqa: PLR0917 -- the columns of a table
    """Receiver, licence, standing, levels: in this order, and only a missing answer asks."""
    aal, ial = levels

    verdict = decide(Question(purposes.get(purpose), recipient, aal, ial, NOW), standing)

    assert verdict.reason is reason
    assert verdict.permit is (reason in (Reason.permitted, Reason.basis_recorded))
    assert verdict.asks is asks
    assert verdict.record_id == (None if standing is None else standing.record_id)


def test_a_consent_ends_at_its_instant_and_not_before():
    """Catalogue rule 6: ends at the first of its ends."""
    question = Question(purposes.get("PHR-SELF"), APP, "2.1", "1.3", NOW)
    tick = timedelta(microseconds=1)

    assert decide(question, replace(GIVEN, expires_at=NOW + tick)).permit
    assert not decide(question, replace(GIVEN, expires_at=NOW)).permit


standings = st.builds(
    Standing,
    state=st.sampled_from(["given", "noticed", "refused", "withdrawn"]),
    record_id=st.one_of(st.none(), st.just(RECORD)),
    expires_at=st.one_of(st.none(), st.integers(-5, 5).map(lambda s: NOW + timedelta(seconds=s))),
    moved_at=st.just(NOW),
    uses_left=st.one_of(st.none(), st.integers(-1, 2)),
)


@given(
    st.sampled_from(purposes.all()),
    st.sampled_from([APP, OWN, HOSPITAL, LAPSED]),
    st.sampled_from([None, "1", "2.1", "2.2", "3"]),
    st.sampled_from([None, "1.1", "1.3", "2.1", "3"]),
    st.one_of(st.none(), standings),
)
def test_nothing_is_permitted_without_its_ground(purpose, recipient, aal, ial, standing):
    """PDPA s.19, s.26: for a purpose that is asked, only a running, unspent, unwithdrawn answer permits."""
    verdict = decide(Question(purpose, recipient, aal, ial, NOW), standing)

    if verdict.permit and (purpose.asks or purpose.kind is purposes.Kind.LAWFUL_NOTICE):
        assert standing is not None
        assert standing.state in ("given", "noticed")
        assert standing.expires_at > NOW
        assert standing.uses_left is None or standing.uses_left > 0
        assert recipient.licence_valid
    assert not (verdict.permit and verdict.asks)


LINK = UUID("019ab000-0000-7000-8000-000000000061")
VISIT = UUID("019ab000-0000-7000-8000-000000000062")
REFUSAL = StandingRefusal(LINK, Level.facility, NOW, recipient_id=CLINIC)
DAY_1, DAY_2 = date(2026, 1, 1), date(2026, 12, 31)
TIED = replace(GIVEN, visit_id=VISIT)
WARD = replace(GIVEN, capacity="parent", guardianship_id=LINK)
LIMITED = replace(GIVEN, categories=("visits", "allergies"), data_from=DAY_1, data_until=DAY_2)


def asked(purpose="EHR-SHARE", recipient=HOSPITAL, **more):
    return Question(purposes.get(purpose), recipient, "2.2", "2.1", NOW, **more)


@pytest.mark.parametrize(
    ("question", "standing", "reason", "asks"),
    [
        (asked(roll_out_open=False), GIVEN, Reason.not_onboarded, False),
        (asked(refusals=(REFUSAL,)), GIVEN, Reason.standing_refusal, True),
        (asked(refusals=(REFUSAL,)), None, Reason.no_record, True),
        (asked(refusals=(REFUSAL,)), REFUSED, Reason.refused, False),
        (asked(refusals=(REFUSAL,)), WITHDRAWN, Reason.standing_refusal, True),
        (asked(refusals=(REFUSAL,), about=About(categories=("costs",))), GIVEN, Reason.standing_refusal, True),
        (asked(visit_runs=True), TIED, Reason.permitted, False),
        (asked(visit_runs=False), TIED, Reason.visit_over, True),
        (asked(), TIED, Reason.visit_over, True),  # nobody looked: closed
        (asked(visit_runs=False), GIVEN, Reason.permitted, False),  # the citizen chose longer (rule 6)
        (asked(capacity=Capacity()), WARD, Reason.permitted, False),
        (asked(), WARD, Reason.guardian_ended, True),  # nobody looked: closed
        (asked(capacity=Capacity(ended=True)), WARD, Reason.guardian_ended, True),
        (asked(capacity=Capacity(ended=True)), GIVEN, Reason.permitted, False),  # their own answer
        (asked(capacity=Capacity(of_age=True)), WARD, Reason.of_age, True),
        (asked(capacity=Capacity(of_age=True, ended=True)), WARD, Reason.of_age, True),
        (asked(capacity=Capacity(needs_guardian=True)), GIVEN, Reason.needs_guardian, False),
        (asked(capacity=Capacity(needs_cosign=True)), GIVEN, Reason.needs_cosign, False),
        (asked(capacity=Capacity(needs_cosign=True)), replace(GIVEN, cosigned=True), Reason.permitted, False),
        (asked(about=About(categories=("costs",))), GIVEN, Reason.categories, False),
        (asked(about=About(categories=("lab_results",))), LIMITED, Reason.categories, False),
        (asked(about=About(("visits",), DAY_1, DAY_2)), LIMITED, Reason.permitted, False),
        (asked(about=About(data_from=DAY_1)), LIMITED, Reason.data_range, False),
        (asked(), LIMITED, Reason.data_range, False),
        (asked("EHR-SENS", about=About(topics=("hiv",))), GIVEN, Reason.permitted, False),
        (
            asked("EHR-SENS", about=About(topics=("hiv",))),
            replace(GIVEN, scopes=("moph.sensitive.mental",)),
            Reason.categories,
            False,
        ),
        (asked(about=About(topics=("hiv",))), GIVEN, Reason.categories, False),  # rule 10: of tagged records, none
        (asked(notice_changed=True), GIVEN, Reason.superseded_notice, True),
        (asked(values_changed=True), GIVEN, Reason.revalidate, True),
        (asked("BREAKGLASS"), None, Reason.emergency_over, False),
        (asked("BREAKGLASS"), NOTICED, Reason.emergency_over, False),
        (asked("BREAKGLASS", emergency=Emergency(NOW, NOW + HOUR)), None, Reason.basis_recorded, False),
        (asked("BREAKGLASS", emergency=Emergency(NOW - HOUR, NOW)), NOTICED, Reason.emergency_over, False),
        (
            asked("BREAKGLASS", emergency=Emergency(NOW, NOW + HOUR), refusals=(REFUSAL,)),
            None,
            Reason.basis_recorded,
            False,
        ),
        (asked("CARE", refusals=(REFUSAL,)), NOTICED, Reason.basis_recorded, False),
    ],
)
def test_the_decision_knows_hands_visits_limits_and_refusals(question, standing, reason, asks):
    """PDPA s.19, s.20, s.26(1); catalogue rules 6, 10, 11, 12."""
    verdict = decide(question, standing)

    assert (verdict.reason, verdict.asks) == (reason, asks)
    assert verdict.permit is (reason in (Reason.permitted, Reason.basis_recorded))


@pytest.mark.parametrize("reason", list(Reason))
def test_the_word_that_leaves_tells_nothing_of_refusals_family_or_age(reason):
    """Issue 5: a provider cannot see that a refusal exists."""
    word = outward(reason)

    assert word in {one.value for one in Reason}
    hidden = {"standing_refusal", "guardian_ended", "of_age", "needs_guardian", "needs_cosign"}
    assert word not in hidden
    assert outward(word) == word
    assert outward("not_a_reason_of_ours") == "not_a_reason_of_ours"


refusals = st.lists(
    st.builds(
        StandingRefusal,
        id=st.just(LINK),
        level=st.sampled_from(list(Level)),
        made_at=st.sampled_from([NOW - HOUR, NOW + HOUR]),
        recipient_id=st.sampled_from([None, CLINIC, LINK]),
        person=st.sampled_from(["", "a"]),
        topics=st.sampled_from([(), ("hiv",)]),
        past=st.just(True),
        future=st.booleans(),
    ),
    max_size=2,
).map(tuple)
held = st.builds(
    Standing,
    state=st.sampled_from(["given", "noticed", "refused", "withdrawn"]),
    record_id=st.just(RECORD),
    expires_at=st.sampled_from([NOW + HOUR, NOW]),
    moved_at=st.just(NOW),
    uses_left=st.sampled_from([None, 1, 0]),
    given_at=st.just(NOW),
    guardianship_id=st.sampled_from([None, LINK]),
    visit_id=st.sampled_from([None, VISIT]),
    scopes=st.sampled_from([(), ("moph.sensitive.hiv",)]),
)
asking = st.fixed_dictionaries(
    {
        "asker": st.sampled_from([Asker(), Asker(person="a"), Asker(person="b", hcode="99001")]),
        "about": st.sampled_from([About(), About(topics=("hiv",)), About(data_from=DAY_1, data_until=DAY_2)]),
        "visit_runs": st.sampled_from([None, True, False]),
        "capacity": st.sampled_from([None, Capacity(), Capacity(ended=True), Capacity(of_age=True)]),
    }
)


@given(st.sampled_from(purposes.all()), st.sampled_from([APP, OWN, HOSPITAL]), held, refusals, asking)
def test_a_refusal_only_ever_takes_away(purpose, recipient, standing, no, more):
    """Refusals beat grants: with one more refusal nothing is permitted that was not; its word is "nothing there"."""
    question = Question(purpose, recipient, None, None, NOW, **more)
    without, against = decide(question, standing), decide(replace(question, refusals=no), standing)

    assert without.permit or not against.permit
    if without.permit and not against.permit:
        assert against.reason is Reason.standing_refusal
        assert outward(against.reason) == outward(decide(question, None).reason) == "no_record"
    if purpose.kind in (Kind.RIGHT, Kind.PUBLIC):
        assert against == without


@given(
    st.sampled_from(purposes.all()),
    st.sampled_from([APP, OWN, HOSPITAL]),
    held,
    asking,
    st.sampled_from(["1", "2.1", "2.2", "3"]),
)
def test_a_stronger_sign_in_never_loses_what_a_weaker_one_has(purpose, recipient, standing, more, aal):
    """Levels are monotone (rule 4)."""
    weak = Question(purpose, recipient, aal, "2.1", NOW, **more)
    strong = replace(weak, aal="3", ial="3")

    assert decide(strong, standing).permit or not decide(weak, standing).permit


@given(held, asking)
def test_what_rests_on_a_visit_or_on_other_hands_is_shut_unless_somebody_looked(standing, more):
    """PDPA s.20, catalogue rule 6: by the clock, with no job, and closed when the question does not know."""
    verdict = decide(asked(**more), standing)

    if verdict.permit:
        assert standing.visit_id is None or more["visit_runs"] is True
        assert standing.guardianship_id is None or more["capacity"] == Capacity()
