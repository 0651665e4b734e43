"""The leak guard of conftest.py, proved from inside."""

import pytest

from tests import leaks


@pytest.mark.parametrize(
    "text",
    [
        "signed in as 1999000010047",
        '{"event": "request", "name": "Somchai"}',
        '{"name": "\\u0e2a\\u0e21\\u0e0a\\u0e32\\u0e22"}',
        "sent to 010-000-0001",
        "sent to +66100000001",
        "นาย สมชาย ใจสมมติ",
    ],
)
def test_a_persona_is_found_however_it_is_spelt(text):
    """ARCHITECTURE: after every test, no persona's name or national ID in log lines or audit entries."""
    assert leaks.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "request_id=018f3c2e-9990-7000-8000-1999000010047a",
        "POST /oauth/token 200",
        '{"subject": "a1b2c3", "purpose": "SIGNIN"}',
    ],
)
def test_ordinary_lines_pass(text):
    """Random ids and codes are no persons."""
    assert not leaks.found_in(text)


def test_log_lines_are_told_from_other_output():
    """The sandbox prints people to try; that is not a log."""
    sections = [("call", "stdout", '{"event": "x"}\nTry: Somchai'), ("call", "log", "INFO logged")]

    assert leaks.log_lines(sections) == 'INFO logged\n{"event": "x"}'
