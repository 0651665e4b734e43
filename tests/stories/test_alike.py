"""Nobody learns from outside whether a national ID exists, is dead, or has an account (DECISIONS 2)."""

import re
import statistics
import time

import pytest

from tests.stories.browser import Browser

RANDOM = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"[A-Za-z0-9_-]{32,}", "RANDOM"),
    (r"\b[0-9a-f]{16}\b", "REQUEST"),
    (r"\b[A-Z]{4}\b", "REF"),
    (r"\d{1,2}:\d{2}(:\d{2})?", "TIME"),
    (r"\d{4}-\d{2}-\d{2}T[^\"<]*", "TIME"),
    (r"(?<=-)\d{2}-\d(?=\W)", "TAIL"),
    (r"(?<=x-)\d{2}-\d", "TAIL"),
)


@pytest.fixture
def account(live):
    """Somebody who has signed in before; their next code may go out at once."""
    person, service = live.citizen(), live.service(scope="openid profile")
    asked = service.ask()
    service.tokens(person.walk(person.browser.get(asked.url)), asked)
    live.wait_for_the_next_code(person)
    return person.national_id


def test_four_kinds_of_number_get_the_same_answers_byte_for_byte(live, account):
    """Status, headers and bytes are the same, random values aside: at the number and at a wrong code."""
    told = signature(live, account)

    for other in (live.somebody(), live.deceased(), live.nobody()):
        assert signature(live, other) == told


def test_four_kinds_of_number_take_about_the_same_time(live, account):
    """The request does the same work for every number; a branch on a look-up would show as a gap."""
    kinds = {"alive": live.somebody, "dead": live.deceased, "unknown": live.nobody}

    spent = [statistics.median(timing(live, make()) for _ in range(5)) for make in kinds.values()]

    assert max(*spent, timing(live, account)) - min(spent) < 0.25


def test_a_wrong_code_looks_alike_for_somebody_and_for_nobody(live):
    """A decoy counts its tries down like any other."""
    shown = {}
    for kind, national_id in {"somebody": live.somebody(), "nobody": live.nobody()}.items():
        browser = Browser()
        page = start(live, browser, national_id)
        answers = [browser.submit(page, "code-form", code="000000") for _ in range(6)]
        shown[kind] = [(answer.status, answer.name, plain(answer.html, national_id)) for answer in answers]
        assert "code-form" not in answers[-1].forms
        browser.close()

    assert shown["somebody"] == shown["nobody"]


def start(live, browser, national_id):
    page = browser.get(live.service(scope="openid profile").ask().url)
    return browser.submit(page, "login", national_id=national_id)


def signature(live, national_id):
    browser = Browser()
    page = start(live, browser, national_id)
    again = browser.submit(page, "code-form", code="000000")
    told = [(p.status, p.name, sorted(p.headers), plain(p.html, national_id)) for p in [*browser.seen, again]]
    browser.close()
    return told


def timing(live, national_id):
    browser = Browser()
    page = browser.get(live.service(scope="openid profile").ask().url)
    before = time.perf_counter()
    browser.submit(page, "login", national_id=national_id)
    browser.close()
    return time.perf_counter() - before


def plain(html, national_id):
    html = html.replace(national_id, "ID")
    for pattern, word in RANDOM:
        html = re.sub(pattern, word, html)
    return html
