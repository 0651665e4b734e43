"""Families in a real browser: for whom, both signatures, what a guardian sees; the counter beside it."""

from urllib.parse import urlsplit

import pytest

from idp.directory import seed as directory_seed
from tests.browser.test_counter import invited
from tests.stories.test_desk import proved
from tests.stories.test_family import CHILD, CLAIM, PAPER, SHARE, TEEN, asked_for_whom, chosen, entrusted

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def clerk(live):
    """The clerk and the doctor with passkeys of their own here, whoever came to work by an invitation before."""
    for role, number in (("doctor", directory_seed.DOCTOR), ("clerk", directory_seed.CLERK)):
        live.passkeys.pop(role, None)
        live.world.invitations[role] = f"code: {invited(live, number)}"
    live.staff("doctor")
    return live.staff("clerk")


def take_over(person, citizen):
    """This window goes on where the other browser of the same person is signed in."""
    kept = [
        {"name": one.name, "value": (one.value or "").strip('"'), "domain": "localhost", "path": one.path or "/"}
        for one in citizen.browser.http.cookies.jar
        if "localhost" in one.domain
    ]
    person.page.context.add_cookies(kept)


def read(person, state=""):
    """axe, and nothing that scrolls sideways."""
    person.look(state)
    assert person.sideways() <= 0, person.name()


def test_s20_a_family_on_two_phones(live, visitor, clerk):
    """PDPA s.20: for whom is asked and always visible; both see what was agreed and can end it."""
    mother = live.citizen()
    teen = live.citizen(live.world.next_person("young"))
    mother.open("/me")
    entrusted(live, clerk, mother, CHILD, (teen.national_id, TEEN))
    hers = visitor("phone", "th")
    take_over(hers, mother)
    asked = live.service(SHARE).ask(claims=CLAIM)
    hers.page.goto(f"{asked.url}&ui_locales=th")
    hers.walk(until="for_whom")
    read(hers)
    hers.page.locator("#for-form button:not(#for)", has_text=TEEN).click()
    hers.page.wait_for_load_state()
    hers.walk(until="cosign_wait")
    read(hers)

    teen.open("/me/family", until="me_family")
    theirs = visitor("phone", "en")
    take_over(theirs, teen)
    theirs.page.goto(f"{live.issuer}/me/family?lang=en")
    read(theirs, "inbox")
    theirs.press("#sign-1")
    read(theirs)
    theirs.press("#allow")
    read(theirs, "signed")
    hers.page.goto(f"{live.issuer}/me/family")
    read(hers, "mother")
    hers.press("a[id^=ward-] >> nth=0")
    read(hers)

    assert hers.found | theirs.found == {}


def test_the_counters_page_of_a_family_is_read_too(live, visitor, clerk):
    """PAGES: child and elder at the counter; what the officer saw, and who signs."""
    mother = live.citizen()
    mother.open("/me")
    page = clerk.browser.click(proved(live, clerk, mother.national_id), "family")
    person = visitor("desktop", "th")
    take_over(person, clerk)
    person.page.goto(page.url)
    read(person)
    assert person.page.locator(f"#family-form [name=paper][value={PAPER['paper']}], #family-form #paper").count() > 0

    clerk.browser.submit(clerk.browser.click(page, "back"), "close-form", "close")
    assert person.found == {}


def opened(person, selector, state=""):
    """The page behind a link, read."""
    person.press(selector)
    read(person, state)


def of_a_child(hers, home):
    """A child's pages on a phone: refuse and lift, ask and take back, withdraw."""
    hers.page.goto(home)
    read(hers, "ward")
    opened(hers, "#ward-access")
    hers.page.goto(home)
    opened(hers, "#ward-refusals", "none")
    opened(hers, "#new-topic")
    hers.page.locator("[name=topic] >> nth=0").check()
    opened(hers, "#refuse", "made")
    hers.press("#lift-1")
    hers.page.goto(f"{home}/rights")
    read(hers)
    for kind in ("erasure", "rectification"):
        hers.page.goto(f"{home}/rights/new/{kind}")
        read(hers, kind)
    hers.page.locator("#words").fill("วันเกิดไม่ถูกต้อง")
    opened(hers, "#send", "asked")
    hers.press("#take-back")
    hers.page.goto(home)
    opened(hers, "#withdraw-1")
    opened(hers, "#confirm", "undo")


def of_a_young_person(desk, home):
    """The pages of somebody with a say, at a desk's width."""
    desk.page.goto(f"{home}?lang=en")
    read(desk, "teen")
    for part in ("access", "refusals", "refusals/new/facility?q=99001", "rights", "rights/new/complaint"):
        desk.page.goto(f"{home}/{part}")
        read(desk, "teen")


def test_a_guardians_pages_of_a_ward_are_read_in_both_languages(live, visitor, clerk):
    """PDPA s.20, PAGES: for whom it is stands on each page, at a phone's width and a desk's."""
    mother = live.citizen()
    teen = live.citizen(live.world.next_person("young"))
    mother.open("/me")
    entrusted(live, clerk, mother, CHILD, (teen.national_id, TEEN))
    _service, _asked, page = asked_for_whom(live, mother)
    mother.walk(chosen(mother, page, "ชูใจ"))
    wards = mother.open("/me/family", until="me_family")
    child, other = (live.issuer + urlsplit(wards.links[f"ward-{n}-open"]).path for n in (1, 2))
    hers, desk, theirs = visitor("phone", "th"), visitor("desktop", "en"), visitor("phone", "th")
    take_over(hers, mother)
    take_over(desk, mother)

    of_a_child(hers, child)
    of_a_young_person(desk, other)

    teen.open("/me/family", until="me_family")
    take_over(theirs, teen)
    theirs.page.goto(f"{live.issuer}/me/family")
    opened(theirs, "#guardian-1-open", "as-ward")
    theirs.page.locator("#end-sure > summary").click()
    opened(theirs, "#end", "over")
    assert hers.found | desk.found | theirs.found == {}
