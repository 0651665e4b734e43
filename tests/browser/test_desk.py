"""Proving an identity at the counter in a real browser: by keyboard alone, with the person's own phone beside it."""

import re

import pytest

from idp.demo import seed
from idp.directory import seed as directory_seed
from tests.browser.test_counter import at_work, invited
from tests.stories.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def enter(person):
    """Press Enter where the page put the focus, and wait for what follows."""
    with person.page.expect_navigation():
        person.page.keyboard.press("Enter")


def focused(person):
    """Where the keyboard is."""
    return person.page.evaluate("document.activeElement.id")


def card_in(person, live, number):
    """A card in the reader of the sandbox, chosen by keys."""
    people = list(seed.SandboxRegistry(live.world.settings.sandbox_registry).people)
    person.page.goto(f"{live.issuer}/desk")
    assert focused(person) == "card"
    person.page.keyboard.press("Tab")
    for _ in range(people.index(number) + 1):
        person.page.keyboard.press("ArrowDown")
    person.page.keyboard.press("Tab")
    enter(person)


@pytest.mark.parametrize(("kind", "locale"), [("desktop", "th"), ("phone", "en")])
def test_from_the_card_to_the_slip_by_keyboard_alone(live, visitor, kind, locale):
    """PAGES, counter: card, chip, face, phone in hand, passkey, slip; Enter is always the next step."""
    clerk, number = visitor(kind, locale), "8999000010125" if kind == "phone" else "4999000010173"
    at_work(clerk, live, invited(live, directory_seed.CLERK))
    card_in(clerk, live, number)
    assert (clerk.name(), focused(clerk)) == ("desk_card", "open")
    clerk.page.keyboard.press("Tab")
    assert focused(clerk) == "prove"
    enter(clerk)
    assert (clerk.name(), focused(clerk)) == ("desk_case", "match")
    clerk.look("face")
    enter(clerk)
    phone_by_keyboard(clerk, live, number)
    assert focused(clerk) == "hand-over"
    clerk.look("passkey")
    enter(clerk)

    clerk.look("shown")
    phone = visitor("phone", locale, national_id=number)
    on_their_own_phone(clerk, phone)
    eventually(lambda: clerk.name() == "desk_case" or None, "the desk never went on", within_s=30)
    assert focused(clerk) == "slip"
    clerk.look("done")
    enter(clerk)
    clerk.look()
    assert focused(clerk) == "close"
    enter(clerk)
    assert clerk.name() == "desk"
    assert (clerk.found, phone.found) == ({}, {})


def phone_by_keyboard(clerk, live, number):
    """Enter sends the code to the number of the account; the code and Enter prove it."""
    assert focused(clerk) == "phone"
    clerk.look("phone")
    enter(clerk)
    assert focused(clerk) == "code"
    clerk.look("code")
    found = re.search(r"\b[A-Z]{4}\b", clerk.page.locator("#hand").inner_text())
    clerk.page.keyboard.type(live.citizen(number).sms(found.group(0)))
    assert clerk.sideways() <= 0
    enter(clerk)


def on_their_own_phone(clerk, phone):
    """The code is scanned; the two digits are typed at the counter; the phone adds its passkey."""
    phone.plug_in_authenticator()
    phone.page.goto(clerk.page.locator("#sandbox-phone").get_attribute("href"))
    phone.look("new")
    phone.press("#take")
    phone.look("digits")
    digits = phone.page.locator("#digits").inner_text().strip()
    assert focused(clerk) == "digits"
    clerk.page.keyboard.type(digits)
    enter(clerk)
    clerk.look("matched")
    phone.page.reload()
    eventually(lambda: phone.page.locator("#passkey-button").is_visible() or None, "the phone never went on")
    phone.look("passkey")
    phone.press("#passkey-button")
    phone.look("used")
    assert phone.sideways() <= 0


def test_papers_and_a_page_that_is_left_alone(live, visitor):
    """R6 by keyboard; a wrong field is said; and what nobody touches for a minute is wiped."""
    clerk = visitor("desktop", "en")
    at_work(clerk, live, invited(live, directory_seed.CLERK))
    clerk.page.goto(f"{live.issuer}/desk/papers")
    clerk.look("empty")
    assert focused(clerk) == "paper"
    clerk.page.locator("#number").focus()
    enter(clerk)
    clerk.look("wrong")
    clerk.page.locator("#number").fill("7999000010119")
    clerk.page.locator("#given_name_th").fill("มานี")
    clerk.page.locator("#birth_year").fill("2542")
    clerk.page.locator("#birth_year").focus()
    enter(clerk)
    assert (clerk.name(), focused(clerk)) == ("desk_case", "ask")
    clerk.page.locator("#no-match").focus()
    enter(clerk)
    clerk.look("stopped")

    clerk.page.clock.install()
    card_in(clerk, live, "3999000010141")
    clerk.page.clock.run_for(61_000)
    eventually(lambda: clerk.name() == "desk" or None, "the page was not wiped")
    clerk.look("wiped")
    assert clerk.found == {}
