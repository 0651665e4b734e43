"""Passkeys in a real Chromium with a virtual authenticator: registered, offered in the field, and each way it fails."""

import pytest

from tests.stories.browser import as_json
from tests.stories.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SIGN = """async options => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}"""


@pytest.fixture
def owner(live, visitor):
    """Somebody with a passkey on this device, signed in and back at the list of ways."""
    person = visitor("phone", "th", way="passkey")
    person.plug_in_authenticator()
    person.page.goto(f"{live.portal}/sign-in?lang=th")
    person.walk()
    person.page.goto(f"{live.issuer}/me/security")
    return person


def credential_of(person):
    """The authenticator's only credential."""
    told = person.cdp.send("WebAuthn.getCredentials", {"authenticatorId": person.authenticator})
    [found] = told["credentials"]
    return found


def at_sign_in(live, person):
    """The sign-in page without a session, in a browser that knows no offer in the field: the button alone asks."""
    person.page.context.clear_cookies()
    person.know_no_offer()
    person.page.goto(f"{live.issuer}/sign-in?next=/me")


def status(person):
    """What the page says below the button, once it says something else than to wait."""

    def said():
        words = person.page.locator("#passkey-status").inner_text()
        return words if words and words != person.page.locator("#passkey").get_attribute("data-working") else None

    return eventually(said, "the page says nothing")


def word(person, which):
    """One of the sentences that the page brings for its script."""
    return person.page.locator("#passkey").get_attribute(f"data-{which}")


def test_a_passkey_is_registered_named_and_listed_with_where_it_lives(owner):
    """WebAuthn Level 3, 7.1: discoverable, bound to the RP ID; its label in the device names nobody."""
    person, credential = owner, credential_of(owner)
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "localhost"
    assert credential["userName"].startswith("x-xxxx-xxxxx-")
    assert credential["userDisplayName"] == credential["userName"]

    row = person.page.locator("li[id^=passkey-]")
    assert "อยู่ในอุปกรณ์เครื่องเดียวเท่านั้น" in row.inner_text()
    row.locator("summary").click()
    row.locator("input[name=name]").fill("โทรศัพท์ของฉัน")
    person.press("button[id^=save-]")

    assert "โทรศัพท์ของฉัน" in person.page.locator("li[id^=passkey-]").inner_text()
    person.look("passkey")
    assert person.found == {}


def test_the_same_device_is_not_registered_twice(owner):
    """7.1 step 26, excludeCredentials: the device says no, and the page says so."""
    person = owner
    person.press("#add-passkey")
    person.page.locator("#passkey-button").click()

    assert status(person) == word(person, "failed")
    assert credential_of(person)


def test_the_field_offers_the_passkey_and_signs_in(live, owner):
    """Conditional mediation: nobody presses a button, nobody types a number."""
    person = owner
    person.page.context.clear_cookies()
    person.walked.clear()

    person.page.goto(f"{live.issuer}/sign-in?next=/me")
    person.page.wait_for_url("**/me", timeout=60_000)

    assert person.name() == "me"
    assert person.walked == []


def test_a_device_that_does_not_verify_its_user_opens_nothing(live, owner):
    """User verification is required: off, the browser refuses, and the other way on the page still works."""
    person = owner
    at_sign_in(live, person)
    person.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": person.authenticator, "isUserVerified": False})

    person.page.locator("#passkey-button").click()

    assert status(person) == word(person, "failed")
    live.wait_for_the_next_code(live.citizen(person.national_id))
    person.page.locator("#national_id").fill(person.national_id)
    person.press("#login #continue")
    assert person.name() == "code"


def test_a_copy_that_lags_behind_is_refused_with_its_reason(live, owner):
    """7.2 step 22: a counter that goes back may be a copy's; the page says why, the owner is told."""
    person = owner
    copied = credential_of(person)
    at_sign_in(live, person)
    person.press("#passkey-button")
    assert credential_of(person)["signCount"] > copied["signCount"]
    told = {"authenticatorId": person.authenticator}
    person.cdp.send("WebAuthn.removeCredential", {**told, "credentialId": copied["credentialId"]})
    person.cdp.send("WebAuthn.addCredential", {**told, "credential": {**copied, "signCount": copied["signCount"] - 1}})
    at_sign_in(live, person)

    person.page.locator("#passkey-button").click()

    assert status(person) == word(person, "counter")
    assert live.told(live.citizen(person.national_id), "passkey_copied") >= 1
    person.look("copied")
    assert person.found == {}


def test_what_another_origin_had_signed_opens_nothing(live, owner):
    """7.2 step 13: a page at another port may ask this device for this RP ID; the server reads whose page it was."""
    person = owner
    here = live.citizen(person.national_id)
    page = here.browser.get(live.service("openid").ask().url)
    block = page.attributes["passkey"]
    options = as_json(here.browser.post_json(page, block["data-options-url"], {"purpose": "sign-in"}))
    person.page.goto(live.portal.replace("127.0.0.1", "localhost"))

    said = person.page.evaluate(SIGN, options)

    body = {"purpose": "sign-in", "credential": said}
    assert as_json(here.browser.post_json(page, block["data-verify-url"], body))["error"] == "not_verified"


def test_the_sheet_the_lost_device_and_the_way_back(live, owner):
    """PAGES: recovery codes, a passkey that is gone, signing in without SMS; each page read by axe."""
    person = owner
    codes = print_codes(person)
    person.press("#add-totp")
    person.walk(until="me_security")
    person.press("li[id^=passkey-] button[id^=remove-]")
    person.look("no-passkey")
    person.press("#sign-out")

    at_sign_in(live, person)
    live.wait_for_the_next_code(live.citizen(person.national_id))
    person.page.locator("#national_id").fill(person.national_id)
    person.press("#login #continue")
    person.press("#without-sms")
    answer(person, "other-way-form", "other_code", "000000", codes[0])
    assert person.name() == "me"

    person.page.context.clear_cookies()
    live.wait_for_the_next_code(live.citizen(person.national_id))
    person.page.goto(live.service().ask().url)
    person.walk(until="step_up")
    person.press("#use-totp")
    answer(person, "totp-form", "totp", "000000")
    person.press("#other-way")
    person.press("#use-recovery")
    answer(person, "recovery-form", "recovery", "AAAAA-AAAAA", codes[1])

    assert person.name() == "setup_choice"
    assert person.found == {}


def print_codes(person):
    """Ten codes from the page that shows them once."""
    person.press("#print-codes")
    person.look()
    assert person.sideways() <= 0
    codes = person.page.locator("#codes code").all_inner_texts()
    assert len(codes) == 10
    person.press("#kept")
    return codes


def answer(person, form, field, *codes):
    """Type these one after the other; axe reads the page before and after a wrong one."""
    for code in codes:
        person.look()
        person.page.locator(f"#{field}").fill(code)
        person.press(f"#{form} #continue")
        if person.page.locator(f"#{field}").count():
            person.look("wrong")
