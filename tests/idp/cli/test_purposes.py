"""Administrators see which legal readings no lawyer has confirmed (consent/catalogue/README.md, column status)."""

import pytest

from consent import purposes
from idp.cli.purposes import BASES, REGULATION


def test_every_purpose_is_listed_with_the_state_of_its_legal_reading(idp):
    """One line a purpose; what is unverified says so."""
    lines = idp("purposes", "list").output.splitlines()

    assert [line.split("\t")[0] for line in lines] == [row.code for row in purposes.all()]
    assert [line.split("\t")[3] for line in lines] == [row.status for row in purposes.all()]


@pytest.mark.parametrize("row", purposes.all(), ids=lambda row: row.code)
def test_each_purpose_is_shown_with_its_law_and_the_mark(idp, row):
    """The section of law stands beside the mark, never alone."""
    shown = idp("purposes", "show", row.code).output

    assert ("UNVERIFIED" in shown) is (row.status != "verified")
    assert BASES[row.basis] in shown
    assert row.text.th in shown
    assert row.if_refused.en in shown


def test_what_touches_health_data_names_the_ministrys_regulation_as_a_reference_and_says_that_nobody_read_it(idp):
    """THAI law part: B.E. 2561 is recorded as a reference; its articles were not read, so none is quoted."""
    assert f"see also       {REGULATION}" in idp("purposes", "show", "EHR-SHARE").output
    assert REGULATION not in idp("purposes", "show", "SIGNIN").output
    assert "2561" in REGULATION
    assert "not read" in REGULATION


def test_a_purpose_that_leaves_thailand_says_where_to_and_what_protects_it(idp):
    """PDPA s.28: country and safeguard, with their own mark."""
    assert "abroad         JP, safeguard none (unverified)" in idp("purposes", "show", "NOTIFY").output
    assert "abroad" not in idp("purposes", "show", "SIGNIN").output


def test_an_unknown_purpose_is_refused_in_one_sentence(idp, refusal):
    """No traceback."""
    assert "no such purpose" in refusal(idp("purposes", "show", "NOTHING"))
