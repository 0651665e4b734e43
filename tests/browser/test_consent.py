"""The consent page alone: what a person can say after reading it, on a phone, in two languages, without JavaScript."""

import re

import pytest

from consent import notices, purposes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HISTORY = "EHR-SHARE"


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("locale", ["th", "en"])
def test_from_the_page_alone_one_can_say_who_what_why_until_when_what_if_not_and_how_to_undo(
    live, visitor, locale, javascript
):
    """PDPA s.19, s.23; PAGES: one sentence each, seen without scrolling sideways, read by axe, no script needed."""
    person = visitor("phone", locale, javascript=javascript)
    person.page.goto(f"{live.portal}/sign-in?lang={locale}")
    person.walk(until="consent")
    page, row = person.page, purposes.get(HISTORY)

    who = page.locator("#who").inner_text()
    card = page.locator(f"#ask-{HISTORY}").inner_text()
    answers = {
        "who": re.search(r"\S+@\S+|\d{3}-\d{3}-\d{4}", who),
        "licensed": re.search("ใบอนุญาต|Licensed", who),
        "what": row.data_categories[0] and purposes.category("diagnoses").name.in_(locale) in card,
        "why": row.text.in_(locale) in page.locator(f"#why-{HISTORY}").inner_text(),
        "until when": re.search(r"25\d\d|20\d\d", card),
        "what if not": row.if_refused.in_(locale) in page.locator(f"#else-{HISTORY}").inner_text(),
        "how to undo": notices.undo_sentence(locale) in page.locator("#undo").inner_text(),
    }
    assert [asked for asked, answer in answers.items() if not answer] == []
    assert person.sideways() <= 0
    assert person.found == {}


@pytest.mark.parametrize("kind", ["phone", "desktop"])
def test_s19_a_no_is_as_large_and_as_near_as_a_yes(live, visitor, kind):
    """PDPA s.19: the same size, side by side or one under the other; every switch off, and as tall as a finger."""
    person = visitor(kind, "th")
    person.page.goto(f"{live.portal}/sign-in?lang=th")
    person.walk(until="consent")

    yes, no = (person.page.locator(name).bounding_box() for name in ("#allow", "#refuse"))
    assert abs(yes["width"] - no["width"]) <= 1
    assert abs(yes["height"] - no["height"]) <= 1
    assert min(yes["height"], no["height"]) >= 48
    boxes = person.page.locator('input[name="purpose"]')
    assert boxes.count() >= 2
    assert not any(boxes.nth(n).is_checked() for n in range(boxes.count()))
    assert all(person.page.locator(".switch").nth(n).bounding_box()["height"] >= 48 for n in range(boxes.count()))


@pytest.mark.parametrize("locale", ["th", "en"])
def test_a_switch_says_in_words_whether_it_is_on(live, visitor, locale):
    """WCAG 1.4.1: never by colour alone; the keyboard turns it, and the page needs no script for it."""
    person = visitor("phone", locale, javascript=False)
    person.page.goto(f"{live.portal}/sign-in?lang={locale}")
    person.walk(until="consent")
    label = person.page.locator(f'label[for="purpose-{HISTORY}"]')
    off = label.inner_text()

    person.page.locator(f"#purpose-{HISTORY}").focus()
    person.page.keyboard.press("Space")

    assert person.page.locator(f"#purpose-{HISTORY}").is_checked()
    assert label.inner_text() != off
    person.look("ticked")


@pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])
def test_a_passkey_is_offered_after_a_sign_in_and_not_now_is_enough(live, visitor, kind, locale):
    """PAGES: plain words, a button, "not now"; read by axe, and the device is not asked again."""
    person = visitor(kind, locale, offered=True)
    person.page.goto(f"{live.issuer}/sign-in?next=/me&lang={locale}")
    person.walk(until="passkey_offer")
    assert person.name() == "passkey_offer"
    assert person.page.locator("#passkey-button").is_visible()

    person.press("#not-now")

    assert person.name() == "me"
    assert person.found == {}


def test_the_offered_passkey_is_made_by_one_button(live, visitor):
    """WebAuthn Level 3 by a virtual authenticator."""
    person = visitor("phone", "th", offered=True)
    person.plug_in_authenticator()
    person.page.goto(f"{live.issuer}/sign-in?next=/me&lang=th")
    person.walk(until="passkey_offer")

    person.press("#passkey-button")
    person.page.wait_for_load_state()

    assert person.name() == "me"
