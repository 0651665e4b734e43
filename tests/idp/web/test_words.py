"""Dates, spans and log fields: pure things that pages lean on."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import g

from idp import observe
from idp.web import locale, values


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("th", "1 มกราคม 2570", "1 มกราคม 2570 เวลา 00:30 น."),
        ("en", "1 January 2027", "1 January 2027, 00:30"),
    ],
)
def test_dates_are_of_bangkok_and_in_the_era_of_the_language(site, language, day, moment):
    """PAGES: พ.ศ. in Thai; 17:30 UTC on 31 December is already the new year."""
    with site.app.test_request_context():
        g.locale = language
        at = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)
        assert locale.day(at) == day
        assert locale.moment(at) == moment
        assert locale.day(None) == locale.moment(None) == ""


@pytest.mark.parametrize(
    ("known", "thai", "english"),
    [
        ("1985-04-13", "13 เมษายน 2528", "13 April 1985"),
        ("1955-03", "มีนาคม 2498", "March 1955"),
        ("1933", "2476", "1933"),
        ("", "", ""),
    ],
)
def test_a_birth_date_shows_as_far_as_it_is_known(site, known, thai, english):
    """THAI 6: some people have only a year."""
    with site.app.test_request_context():
        g.locale = "th"
        assert values.birth_date(known) == thai
        g.locale = "en"
        assert values.birth_date(known) == english


@pytest.mark.parametrize(
    ("span", "written"),
    [(timedelta(days=365), "P365D"), (timedelta(hours=6), "PT6H"), (timedelta(minutes=10), "PT600S")],
)
def test_a_span_is_written_as_iso_8601_writes_it(span, written):
    """ISO 8601 durations are the values of the choices."""
    assert values.iso(span) == written


def test_only_known_fields_reach_a_log_line():
    """ARCHITECTURE, observability: an allow-list, so a careless keyword cannot leak."""
    told = {"event": "request", "status": 200, "national_id": "x", "path": "/me", "code": ""}
    assert observe.allow_listed(None, "info", told) == {"event": "request", "status": 200}


def test_the_place_of_an_error_is_ours_and_its_root_is_named():
    """ASVS 16.5: class and place, never the text."""
    with pytest.raises(ValueError, match="outer") as caught:
        _outer()
    assert type(observe.root_of(caught.value)) is KeyError
    assert "test_words.py:" in observe.where(caught.value)


def _outer():
    try:
        {}["inner"]
    except KeyError as error:
        raise ValueError("outer") from error
