"""The live decision, as a table (catalogue rules 4, 5, 6, 12; DECISIONS 16-18)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import purposes
from consent.decision import Question, Reason, Standing, decide
from tests.consent.cast import APP, HOSPITAL
from tests.fakes import NOW

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
