"""Refusals in general in a real browser: two languages, two screens, each page and state read by axe."""

import pytest

from tests.browser.test_rights import read

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WIDTHS = pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])
FIRST_PLACE = "input[name=place]"


def at_my_refusals(visitor, live, kind, locale):
    """Somebody new, signed in by two factors, without JavaScript on the phone."""
    person = visitor(kind, locale, javascript=kind == "desktop")
    person.page.goto(f"{live.issuer}/sign-in?next=/me/refusals&aal=2.1&lang={locale}")
    person.walk(until="me_refusals")
    return person


@WIDTHS
def test_from_the_page_alone_one_refuses_reads_what_it_does_and_lifts_it(live, visitor, kind, locale):
    """Issue 5: place, unit, visit, time, topic; what is missing is said; lifting is one tap."""
    person = at_my_refusals(visitor, live, kind, locale)
    page = person.page
    read(person, "empty")
    for level in ("facility", "unit"):
        person.press(f"#new-{level}")
        read(person, f"{level}-find")
        page.locator("#q").fill("ไม่มีที่นี่")
        person.press("#find-button")
        read(person, f"{level}-none")
        page.locator("#q").fill("99001")
        person.press("#find-button")
        read(person, level)
        if level == "unit":
            person.press("#refuse")
            read(person, "unit-wrong")
            page.locator("#unit").select_option("LAB")
        page.locator(FIRST_PLACE).first.check()
        person.press("#refuse")
    for level, fields in (("period", {"#from_day": "1/1/2566", "#until_day": "31/12/2566"}), ("topic", {})):
        person.press(f"#new-{level}")
        read(person, level)
        person.press("#refuse")
        read(person, f"{level}-wrong")
        for field, typed in fields.items():
            page.locator(field).fill(typed)
        if level == "period":
            page.locator("#only summary").click()
            page.locator("#purpose-RES-CONTACT").check()
            read(person, "period-only")
        for topic in page.locator("input[name=topic]").all()[:2]:
            topic.check()
        person.press("#refuse")
    person.press("#new-visit")
    read(person, "visit-none")
    page.goto(f"{live.issuer}/me/refusals/new/person")
    read(person, "person-none")
    page.goto(f"{live.issuer}/me/refusals")
    read(person, "listed")
    person.press("#lift-1")
    read(person, "lifted")

    assert person.found == {}
