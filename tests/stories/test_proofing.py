"""R1 and R2 over HTTP: a phone that no register knows, and what is printed on a card."""

import httpx
import pytest

from tests.stories.waiting import eventually

CARD = {
    "given_name": "มานี",
    "family_name": "ทดสอบสุข",
    "day": "14",
    "month": "2",
    "year": "2528",
    "laser": "ZZ0-0000000-01",
}
PHONE = "010-000-{:04}"


@pytest.fixture
def newcomer(live):
    """Somebody whom the registry knows, without a phone."""
    return live.citizen(live.world.next_person("phoneless"))


def by_typed_phone(person, page, phone):
    """From the code that never came to the one that did."""
    page = person.browser.click(page, "other-phone")
    page = person.browser.submit(page, "phone-form", ticks=("of_age",), phone=phone)
    return person._code(page)


def at_code(person, path="/sign-in?next=/me&ial=1.3"):
    return person.open(path, until="code")


def test_r1_and_r2_from_a_phone_that_nobody_knew_to_the_persons_own_history(live, newcomer):
    """A provisional account signs in and sees nothing; the card makes it the number's own, with what is known of it."""
    page = by_typed_phone(newcomer, at_code(newcomer), PHONE.format(8801))
    assert page.name == "proofing"
    assert newcomer.browser.get(live.issuer + "/me").name == "me"

    page = newcomer.browser.click(page, "by-card")
    wrong = newcomer.browser.submit(page, "card-form", "check-card", **{**CARD, "given_name": "สมหญิง"})
    assert (wrong.name, wrong.status) == ("proofing_card", 400)
    page = newcomer.browser.submit(wrong, "card-form", "check-card", **CARD)

    assert page.name == "me"
    page = newcomer.open("/me/access", until="me_access")
    assert page.name == "me_access"
    assert "พิสูจน์ตัวตนผ่าน" in page.text


def test_a_proof_ends_what_somebody_else_opened_with_the_number(live, newcomer):
    """DECISIONS 1: a public number cannot be squatted; the squatter's phone is told and their session is over."""
    squatter = live.citizen(newcomer.national_id)
    by_typed_phone(squatter, at_code(squatter), PHONE.format(8802))
    page = by_typed_phone(newcomer, at_code(newcomer), PHONE.format(8803))

    page = newcomer.browser.click(page, "by-card")
    newcomer.browser.submit(page, "card-form", "check-card", **CARD)

    assert squatter.browser.get(live.issuer + "/me").name == "login"
    eventually(lambda: "ปิดบัญชีชั่วคราวนี้แล้ว" in inbox(live) or None, "the squatter's phone was not told")


def test_three_wrong_cards_close_the_card_and_nothing_else(newcomer):
    """THAI.md 3b R2: a break after three; the counter stays."""
    page = by_typed_phone(newcomer, at_code(newcomer), PHONE.format(8804))
    page = newcomer.browser.click(page, "by-card")
    for _ in range(3):
        page = newcomer.browser.submit(page, "card-form", "check-card", **{**CARD, "laser": "ZZ0000000004"})

    closed = newcomer.browser.click(newcomer.browser.get(page.url.removesuffix("/card")), "by-card")

    assert (closed.name, "said" in closed.texts) == ("proofing_card", True)
    assert "card-form" not in closed.forms
    assert newcomer.browser.click(closed, "other-ways").name == "proofing"


def inbox(live) -> str:
    """What the sandbox's phones show."""
    return httpx.get(live.issuer + "/sandbox/inbox", timeout=10).text
