"""A chosen helper in a real browser: each page of both, read by axe, on a phone in Thai and on a desktop in English."""

import pytest

from tests.browser.test_family import clerk, read, take_over
from tests.stories.test_desk import proved
from tests.stories.test_helper import SHARE, known_well

__all__ = ["clerk"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def chosen(live, his):
    """The form, once without what it needs, and the code."""
    his.page.goto(f"{live.issuer}/me/helpers?lang=th")
    read(his)
    his.press("#new")
    read(his)
    his.page.locator("#may-see").check()
    his.press("#make-code")
    read(his, "errors")
    assert his.page.locator("#may-see").is_checked()
    for tick in ("#may-withdraw", "#kinds-record", "#days-90"):
        his.page.locator(tick).check()
    his.press("#make-code")
    read(his)
    return his.page.locator("#helper-code").inner_text()


def typed(live, hers, code):
    """The code, once wrongly, and her yes."""
    hers.page.goto(f"{live.issuer}/me/helpers/code?lang=en")
    read(hers)
    hers.page.locator("#helper_code").fill("AAAA")
    hers.press("#take")
    read(hers, "errors")
    hers.page.locator("#helper_code").fill(code)
    hers.press("#take")
    read(hers)
    hers.press("#allow")


def agreed(live, his):
    """Her name, the words, and his yes."""
    his.page.goto(f"{live.issuer}/me/helpers")
    read(his, "waiting")
    his.press("#answer")
    read(his)
    his.press("#allow")
    read(his, "done")
    his.press("#mine-1-open")
    read(his)


def helped(live, hers):
    """What she sees of him, and what she takes back for him."""
    hers.page.goto(f"{live.issuer}/me/helpers")
    hers.press("#theirs-1-open")
    read(hers, "helps")
    hers.press("#withdraw-1")
    read(hers)
    hers.press("#withdraw")
    read(hers, "withdrawn")


def test_choosing_a_helper_on_two_devices(live, visitor, clerk):
    """PAGES: who, what, until when, and how to end it, from the page alone; errors keep what was ticked."""
    man, daughter = live.citizen(), live.citizen()
    known_well(live, clerk, man, daughter)
    service = live.service(SHARE)
    asked = service.ask()
    man.browser.stops = (service.redirect_uri,)
    service.tokens(man.walk(man.browser.get(asked.url)), asked)
    man.open("/me/helpers", until="me_helpers")
    daughter.open("/me/helpers", until="me_helpers")
    his, hers = visitor("phone", "th"), visitor("desktop", "en")
    take_over(his, man)
    take_over(hers, daughter)

    code = chosen(live, his)
    typed(live, hers, code)
    agreed(live, his)
    helped(live, hers)

    assert his.found | hers.found == {}


def test_the_counters_page_of_a_helper_is_read_too(live, visitor, clerk):
    """PAGES: the counter; the form, its faults, and the code on the officer's screen."""
    man = live.citizen()
    man.open("/me")
    page = clerk.browser.click(proved(live, clerk, man.national_id), "helper")
    person = visitor("desktop", "th")
    take_over(person, clerk)
    person.page.goto(page.url)
    read(person)
    person.press("#make-code")
    read(person, "errors")
    for tick in ("#may-see", "#kinds-record", "#days-30"):
        person.page.locator(tick).check()
    person.press("#make-code")
    read(person, "code")
    person.press("#refuse")

    case = clerk.browser.click(clerk.browser.get(page.url), "back")
    clerk.browser.submit(case, "close-form", "close")
    assert person.found == {}
