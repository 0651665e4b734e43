"""Broken glass, its review and a paper consent in a real browser: by keyboard, two languages, two screens, axe."""

from uuid import uuid4

import pytest

from idp.demo import seed
from idp.directory import seed as directory_seed
from idp.emergency_access import EmergencyAccess
from idp.emergency_pace import MOST_OPENED
from tests.browser.test_counter import at_work, invited
from tests.fakes import DAY, HOUR
from tests.idp.pictures import photo
from tests.stories.test_emergency import invitation
from tests.stories.world import wall_clock

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENT = "8999000010125"


def focused(person):
    """Where the keyboard is."""
    return person.page.evaluate("document.activeElement.id")


def enter(person):
    """Press Enter where the focus is, and wait for what follows."""
    with person.page.expect_navigation():
        person.page.keyboard.press("Enter")


@pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])
def test_broken_glass_by_keyboard_alone(live, visitor, kind, locale):
    """From the counter's first page: one form, Enter, and the button that opens the record has the focus."""
    person, clinic = visitor(kind, locale), live.world.clinic
    at_work(person, live, invited(live, directory_seed.DOCTOR))
    page = person.page
    page.goto(f"{live.issuer}/desk")
    page.locator("#emergency").focus()
    enter(person)
    assert (person.name(), focused(person)) == ("desk_emergency", "patient_card")
    person.look("empty")
    page.locator("#open").focus()
    enter(person)
    assert person.name() == "desk_emergency"
    person.look("wrong")

    fill_in(person, live)
    enter(person)
    assert (person.name(), focused(person)) == ("desk_emergency_open", "app-clinic")
    person.look("open")
    assert person.sideways() <= 0
    address = str(page.url)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{clinic}/**")
    assert page.locator("#emergency").is_visible()
    page.goto(address)
    page.locator("#end-answers").focus()
    enter(person)
    person.look("over")
    page.goto(f"{live.issuer}/desk/emergency")
    page.locator("#reason-confused").check()
    page.locator("#emergency_words").fill("found in the street")
    page.locator("#open-unknown").focus()
    enter(person)
    person.look("unknown")
    page.goto(f"{live.issuer}/desk/emergency")
    person.look("listed")
    assert person.sideways() <= 0
    assert person.found == {}
    judged(live, visitor(kind, locale), address.rpartition("/")[2])


def fill_in(person, live):
    """Card, reason, words and hours, all by keys."""
    page = person.page
    people = list(seed.SandboxRegistry(live.world.settings.sandbox_registry).people)
    page.locator("#slot").focus()
    for _ in range(people.index(PATIENT) + 1):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("unconscious, road accident")
    assert person.page.locator("#reason-unconscious").is_checked()


def very_many(live):
    """One clinician of the facility opened more in a day than anybody does."""
    now = wall_clock()
    told = {"hcode": "99001", "recipient_id": directory_seed.HOSPITAL_ID, "reason": "unconscious", "words": b"sealed"}
    told |= {"hours": 1, "opened_by": uuid4(), "opened_at": now, "ends_at": now + HOUR, "review_due_at": now + DAY}
    told |= {"ended_at": now, "end_reason": "answers"}
    with live.world.sessions.writing() as session:
        session.add_all(EmergencyAccess(id=uuid4(), **told) for _ in range(MOST_OPENED + 1))


def judged(live, person, emergency_id):
    """The head of the facility: queue, case, a review without a word, and a kept one."""
    very_many(live)
    at_work(person, live, invitation(live, live.somebody(), "head", "--hcode", "99001"))
    page = person.page
    page.goto(f"{live.issuer}/staff/emergencies")
    assert page.locator("#busy li").first.is_visible()
    person.look("waiting")
    assert person.sideways() <= 0
    page.locator(f"#to-{emergency_id}").focus()
    enter(person)
    person.look("case")
    page.locator("#judge").focus()
    enter(person)
    person.look("wrong")
    page.locator("#outcome-justified").check()
    page.locator("#review_words").fill("Unconscious indeed; only what was needed was opened.")
    page.locator("#judge").focus()
    enter(person)
    assert person.name() == "emergency_queue"
    person.look("judged")
    page.locator("#done a").first.focus()
    enter(person)
    person.look("read")
    assert person.sideways() <= 0
    assert person.found == {}


@pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])
def test_a_consent_on_paper(live, visitor, kind, locale, tmp_path):
    """The sheet, a form without a scan, and the visit that says it was kept."""
    person = visitor(kind, locale)
    at_work(person, live, invited(live, directory_seed.CLERK))
    page = person.page
    people = list(seed.SandboxRegistry(live.world.settings.sandbox_registry).people)
    page.goto(f"{live.issuer}/desk")
    page.locator("#slot").select_option(index=people.index("6999000010102") + 1)
    person.press("#read")
    if page.locator("#open").count():
        person.press("#open")
    else:
        person.press("#to-visit")
    person.press("#paper-EHR-SHARE")
    assert person.name() == "desk_consent"
    person.look("sheet")
    page.locator("#enter").focus()
    enter(person)
    person.look("wrong")
    assert person.sideways() <= 0
    scan = tmp_path / "paper.jpg"
    scan.write_bytes(photo())
    page.locator("#scan").set_input_files(scan)
    page.locator("#seen").check()
    page.locator("#enter").focus()
    enter(person)
    assert person.name() == "desk_visit"
    person.look("kept")
    taken_back(person)
    assert person.found == {}


def taken_back(person):
    """The same consent at the same counter, by keyboard: nothing picked, one picked, and the slip that says so."""
    page = person.page
    page.locator("#take-back").focus()
    enter(person)
    assert person.name() == "desk_take_back"
    person.look("list")
    page.locator("#take").focus()
    enter(person)
    person.look("wrong")
    assert person.sideways() <= 0
    page.locator("#pick-1").focus()
    page.keyboard.press("Space")
    page.locator("#take").focus()
    enter(person)
    assert person.name() == "desk_slip"
    assert page.locator("#taken").is_visible()
    person.look("taken")
    assert person.sideways() <= 0
