"""One table says what is kept; this says that it is complete and kept by somebody."""

import pytest

from consent.rights import retention
from consent.rights.retention import RULES
from tests.fakes import DAY, YEAR


def test_a_rule_says_what_how_long_why_and_who_lets_go():
    """PDPA s.23, s.37(3): retention is told, and somebody obeys it."""
    assert len({rule.code for rule in RULES}) == len(RULES)
    for rule in RULES:
        for text in (rule.what, rule.since, rule.why):
            assert text.th, rule.code
            assert text.en, rule.code
        assert rule.by in ("worker", "person", "operator", "nobody")
        assert (rule.kept is None) == (rule.by in ("person", "nobody"))


def test_computer_crime_act_traffic_data_is_kept_for_ninety_days():
    """Computer Crime Act s.26: access logs at least 90 days; the operator's files."""
    assert retention.rule("traffic").kept >= 90 * DAY


def test_who_opened_what_can_be_read_for_three_years_at_least():
    """Issue 5: the access page is kept at least 3 years."""
    assert retention.rule("log_names").kept >= 3 * YEAR


def test_s37_3_backups_are_gone_when_an_erasure_is_due():
    """The deletion rules: 90 days, backups included."""
    assert retention.rule("backups").kept <= 90 * DAY


def test_an_unknown_rule_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        retention.rule("nothing")
