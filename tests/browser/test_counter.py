"""The counter in a real browser: by keyboard alone, two languages, two screens, each page read by axe."""

from datetime import UTC, datetime

import pytest

from idp.demo import seed
from idp.directory import seed as directory_seed
from idp.login import invitations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def at_work(person, live, code):
    """Enrol with a code, or come in again by the passkey that this device holds."""
    person.plug_in_authenticator()
    person.page.goto(f"{live.issuer}/staff/enrol")
    person.page.locator("#code").fill(code)
    person.press("#continue")
    person.press("#passkey-button")


def invited(live, number):
    """A new code for one of the sandbox's staff; an earlier one stops working."""
    person = live.citizen(number)
    with live.world.sessions.writing() as session:
        return invitations.create(session, live.subject_of(person), now=datetime.now(UTC))  # noqa: TID251 -- as the server


@pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])
def test_a_card_a_visit_and_the_record_by_keyboard_alone(live, visitor, kind, locale):
    """PAGES, counter: keyboard and scanner only; the notice is told, the clinic's page opens, the visit ends."""
    person = visitor(kind, locale)
    at_work(person, live, invited(live, directory_seed.DOCTOR))
    visit = opened_by_keyboard(person, live)
    person.press("#slip")
    person.look()
    person.page.goto(f"{live.issuer}/desk")
    person.look("listed")

    open_the_record(person, live, visit)
    person.page.goto(visit)
    person.press("#end")
    person.look("over")

    assert person.found == {}


def opened_by_keyboard(person, live):
    """From the one field to the open visit, without a mouse; the visit's address."""
    page = person.page
    assert person.name() == "desk"
    person.look("empty")
    assert page.evaluate("document.activeElement.id") == "card"

    page.keyboard.type("1234")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    person.look("wrong")
    page.goto(f"{live.issuer}/desk")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert person.name() == "desk_card"
    person.look()
    page.locator("#open").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert person.name() == "desk_visit"
    person.look("open")
    assert person.sideways() <= 0
    return str(page.url)


def open_the_record(person, live, visit):
    """One key press in the visit, and the hospital's own system shows the record."""
    page, clinic = person.page, live.world.clinic
    page.goto(visit)
    page.locator("#app-clinic").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{clinic}/**")
    assert page.locator("#has-Observation").is_visible()
    person.look("clinic")


def test_cards_that_open_nothing_and_two_workplaces(live, visitor):
    """A dead holder, an expired card, a child, a stranger; a nurse of two places says where she works."""
    person = visitor("phone", "th")
    at_work(person, live, invited(live, directory_seed.NURSE))
    assert person.name() == "staff_affiliation"
    person.look()
    person.press("#place-1")
    people = list(seed.SandboxRegistry(live.world.settings.sandbox_registry).people)
    for number in ("1999000010161", "3999000010043", "1999000010012", seed.NEWCOMER):
        person.page.goto(f"{live.issuer}/desk")
        person.page.locator("#slot").select_option(str(people.index(number) + 1))
        person.press("#read")
        assert person.name() == "desk_card"
        person.look(number[-4:])
        assert person.sideways() <= 0

    assert person.found == {}
