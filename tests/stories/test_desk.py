"""Recipes R3 and R6 over HTTP: a card, an issuer, a face, a phone in the hand, a passkey on the person's own phone."""

from tests import leaks
from tests.fakes import SoftAuthenticator
from tests.stories.citizen import ref_of
from tests.stories.test_counter import read_card


def proved(live, clerk, number):
    """The case after the officer said that the face matches."""
    page = clerk.browser.submit(read_card(live, clerk, number), "prove-form", "prove")
    assert page.name == "desk_case", page.text[:300]
    return clerk.browser.submit(page, "match-form", "match")


def phone_proved(live, clerk, number):
    """The code came to the phone of the account, and was typed at the counter."""
    page = clerk.browser.submit(proved(live, clerk, number), "phone-form", "send")
    return clerk.browser.submit(page, "code-form", "check", code=live.citizen(number).sms(ref_of(page)))


def test_from_the_card_to_a_passkey_on_their_own_phone(live):
    """THAI 3b R3, PAGES counter: 2.2 by chip, issuer and face; then one touch signs in; the log says it."""
    clerk, number = live.staff("clerk"), live.somebody()
    page = clerk.browser.submit(phone_proved(live, clerk, number), "hand-over-form", "hand-over")
    case, phone = page.url.removesuffix("/hand-over"), live.citizen(number, way="passkey")

    asked = phone.browser.get(page.links["sandbox-phone"])
    assert "โรงพยาบาลตัวอย่างแพร่" in asked.text
    shown = phone.browser.submit(asked, "take-form", "take")
    digits = "".join(shown.texts["digits"].split())
    assert clerk.browser.submit(page, "confirm-form", "confirm", digits=digits).texts["matched"]
    ready = phone.browser.get(asked.url)
    phone.passkey = SoftAuthenticator(live.issuer)
    phone.ceremony(ready, "register", phone.passkey.create)

    slip = clerk.browser.click(clerk.browser.get(case), "slip")
    assert slip.name == "desk_proof"
    assert not leaks.found_in(slip.html)
    clerk.browser.submit(slip, "close-form", "close")
    assert clerk.browser.get(case).status == 404
    back = live.citizen(number, way="passkey", passkey=phone.passkey)
    back.ceremony(back.browser.get(live.issuer + "/sign-in"), "sign-in", phone.passkey.get)
    log = back.open("/me/access")
    assert "โรงพยาบาลตัวอย่างแพร่" in log.text or "พิสูจน์ตัวตนผ่าน" in log.text
    about = {entry["event"]: entry for entry in live.audit_of(back)}
    assert about["proofing.passed"]["ial"] == "2.2"
    assert {"passkey.added", "otp.sent"} <= set(about)


def test_no_number_of_a_person_is_in_an_address_of_the_desk(live):
    """The issue: never a national ID in a URL, a log line or a cookie; and no health data on any page of a case."""
    clerk, number = live.staff("clerk"), live.somebody()
    phone_proved(live, clerk, number)

    assert not any(number in page.url for page in clerk.browser.seen)
    assert number not in str(dict(clerk.browser.http.cookies))
    assert number not in live.world.log_of("web")


def test_a_person_without_a_thai_card_is_vouched_for(live):
    """THAI 3b R6: a passport and one name; a colleague signs what the page says before anybody is made."""
    clerk = live.staff("clerk")
    page = clerk.browser.get(f"{live.issuer}/desk/papers")
    paper = {"paper": "passport", "number": f"ZZ{live.nobody()[5:12]}", "country": "MMR", "given_name_th": "หล้า"}

    page = clerk.browser.submit(page, "paper-form", "continue", **paper, birth_year="2528", gender="male")
    assert page.name == "desk_case", page.text[:300]
    assert "match-form" not in page.forms
    page = clerk.browser.submit(page, "ask-form", "ask")

    assert "2.1" in page.texts["signs"]
    assert "หล้า" in page.texts["signs"]


def test_a_minute_without_a_key_is_told_to_the_browser_too(live):
    """The page carries its own end: without JavaScript by a refresh, with it by a script."""
    clerk = live.staff("clerk")
    page = read_card(live, clerk, live.somebody())

    assert 'http-equiv="refresh" content="60;url=/desk?idle=1"' in page.html
    assert 'data-idle-s="60"' in page.html
