"""The pages of proving and of looking after an account, each read by axe: a phone in Thai, a desk in English."""

import pytest
from sqlalchemy import delete

from idp.abuse.alarms import HOLD, OTHER_PROOF, Alarm
from idp.wiring import wall_clock

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WIDTHS = pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])
CARD = {"given_name": "สมหญิง", "family_name": "ทดสอบสุข", "day": "14", "year": "2528", "laser": "ZZ0-0000000-04"}


def read(person, state=""):
    """axe, and nothing that scrolls sideways."""
    person.look(state)
    assert person.sideways() <= 0, person.name()


def press(person, *selectors):
    """One after the other, each page read."""
    for selector in selectors:
        person.press(selector)
        read(person, selector.strip("#"))


@WIDTHS
def test_from_a_typed_phone_to_the_card_and_its_break(live, visitor, kind, locale):
    """THAI.md 3b R1, R2: another number, the choice of proof, saved, refused, and the break after three."""
    person = visitor(kind, locale, national_id=live.world.next_person("phoneless"))
    page = person.page
    page.goto(f"{live.issuer}/sign-in?next=/me&ial=1.3&lang={locale}")
    person.walk(until="code")
    press(person, "#without-sms", "#by-sms", "#other-phone", "#phone-form #continue")
    page.locator("#phone").fill("010-000-0771" if locale == "th" else "010-000-0772")
    page.locator("#of_age").check()
    press(person, "#phone-form #continue")
    person.walk(until="proofing")
    press(person, "#by-card", "#check-card", "#save")
    person.press("#by-card")
    for _ in range(3):
        for field, text in CARD.items():
            page.locator(f"#{field}").fill(text)
        page.locator("#month").select_option("2")
        press(person, "#check-card")
        assert page.evaluate("document.activeElement.id") == "said"
    assert page.locator("#card-form").count() == 0
    press(person, "#other-ways")

    assert (person.name(), person.found) == ("proofing", {})


@WIDTHS
def test_an_account_is_looked_after(live, visitor, kind, locale):
    """PAGES: factors, a sheet of codes, another phone, LINE, “not me”, and what helps when all is lost."""
    person = visitor(kind, locale)
    page = person.page
    page.goto(f"{live.issuer}/sign-in?next=/me/security&aal=2.1&lang={locale}")
    person.walk()
    read(person, "full")
    press(person, "#print-codes", "#kept", "#change-phone", "#phone-form #continue")
    for path in ("/me/line", "/not-me", "/recover", "/verify"):
        page.goto(live.issuer + path)
        read(person)
    page.goto(f"{live.issuer}/not-me")
    press(person, "#not-me-form #continue")

    assert person.found == {}


@WIDTHS
def test_ways_that_are_not_ours(live, visitor, kind, locale):
    """ThaID and LINE from the sign-in page; each says what will happen, and has a way back."""
    live.world.provider("thaid")
    live.world.provider("line")
    person = visitor(kind, locale)
    person.page.goto(f"{live.issuer}/sign-in?next=/me&lang={locale}")
    for way in ("thaid", "line"):
        press(person, f"#use-{way}")
        person.press(f"#to-{way}")
        person.page.wait_for_selector("#deny")
        press(person, "#deny")
        assert person.name() == way
        press(person, "#other-way")
        assert person.name() == "login"

    assert person.found == {}


@pytest.fixture
def alarm(live):
    """Somebody guesses at everybody, until the end of this test."""
    now = wall_clock()
    with live.world.sessions.writing() as session:
        session.add(Alarm(name=OTHER_PROOF, raised_at=now, until=now + HOLD))
    yield
    with live.world.sessions.writing() as session:
        session.execute(delete(Alarm))


@pytest.mark.usefixtures("alarm")
def test_another_proof_while_everybody_is_guessed_at(live, visitor):
    """RELIABILITY 3: what an unknown device is asked for, and the way back."""
    person = visitor("phone", "th")
    person.page.goto(f"{live.issuer}/sign-in?next=/me&lang=th")
    person.walk(until="another_proof")
    press(person, "#card", "#check-card", "#other-ways", "#other-way")

    assert (person.name(), person.found) == ("other_way", {})
