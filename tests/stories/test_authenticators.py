"""Each authenticator over HTTP, and every way to misuse one (STANDARDS 14: O39, O40, O41, O44; RFC 6238; WebAuthn)."""

import pytest

from tests.fakes import BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED, SoftAuthenticator
from tests.stories.browser import as_json
from tests.stories.relying import claims
from tests.stories.waiting import eventually

SIGN_IN = "openid profile"


@pytest.fixture
def equipped(live):
    """Somebody with a PIN, signed in."""

    def make(**likes):
        person = live.citizen(**likes)
        person.open("/me/security", until="me_security")
        page = person.browser.get(f"{live.issuer}/me/security")
        person.walk(person.browser.submit(page, "add-form", "add-pin"), until="me_security")
        return person

    return make


def at_the_code(live, person, scope=SIGN_IN):
    """A new browser of the same person, where the code of the SMS is asked for."""
    live.wait_for_the_next_code(person)
    other = live.citizen(person.national_id, pin=person.pin)
    other.totp_secret = person.totp_secret
    service = live.service(scope=scope)
    asked = service.ask()
    return other, service, asked, other.walk(other.browser.get(asked.url), until="code")


def says_no(page, name, field):
    """The same page again, with what is wrong at the field."""
    assert (page.status, page.name) == (400, name), f"{page.status} {page.name}: {page.text[:300]}"
    assert f"{field}-error" in page.attributes or "spent" in page.attributes or "expired" in page.attributes


# --- the code by SMS ----------------------------------------------------------------------------------------------


def test_a_code_by_sms_opens_once_and_only_where_it_was_asked_for(live):
    """O39, O40: newest only, one flow, one browser, five minutes, once."""
    person = live.citizen()
    first = person.walk(person.browser.get(live.service(SIGN_IN).ask().url), until="code")
    code = live.code_for(person, first)
    live.wait_for_the_next_code(person)

    second = person.walk(person.browser.get(live.service(SIGN_IN).ask().url), until="code")
    says_no(person.browser.submit(second, "code-form", code=code), "code", "code")

    live.wait_for_the_next_code(person)
    stranger = live.citizen(person.national_id)
    theirs = stranger.walk(stranger.browser.get(live.service(SIGN_IN).ask().url), until="code")
    says_no(stranger.browser.submit(theirs, "code-form", code=code), "code", "code")

    assert person.browser.submit(first, "code-form", code=code).name != "code"
    person.browser.http.cookies.delete("yinyom")
    assert "spent" in person.browser.submit(first, "code-form", code=code).attributes


def test_a_code_by_sms_is_dead_when_its_minutes_are_over(live):
    """O39: 601 seconds later, and long before."""
    person = live.citizen()
    page = person.walk(person.browser.get(live.service(SIGN_IN).ask().url), until="code")
    code = live.code_for(person, page)

    live.let_the_code_grow_old(person)

    assert "expired" in person.browser.submit(page, "code-form", code=code).attributes


def test_sms_is_never_the_only_way(live):
    """O41: words about its risk, and a way without it, before it is known whose number was typed."""
    person = live.citizen(live.nobody())
    page = person.walk(person.browser.get(live.service(SIGN_IN).ask().url), until="code")

    assert "without-sms" in page.links
    assert "ยึดเบอร์โทรศัพท์" in page.text
    assert person.browser.click(page, "without-sms").name == "other_way"


# --- app and sheet ------------------------------------------------------------------------------------------------


def test_an_app_and_a_pin_reach_health_data_without_sms(live, equipped):
    """DECISIONS 3, ETDA 20-2564: a possession and a knowledge are AAL2.1; a code of the app opens once."""
    person = equipped()
    person.connect_app()
    other, service, asked, page = at_the_code(live, person, live.service().scope)
    code = person.next_code()

    tokens = service.tokens(other.walk(other.without_sms(page, code)), asked)

    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:2.1"
    assert claims(tokens["id_token"])["amr"] == ["mfa", "otp", "pin"]
    assert "totp" not in other.walked
    thief, _, _, page = at_the_code(live, person)
    says_no(thief.without_sms(page, code), "other_way", "other_code")


def test_sms_and_an_app_are_one_kind(live, equipped):
    """ETDA 20-2564: two possessions stay AAL1; the PIN is what is asked for."""
    person = equipped(way="totp")
    person.connect_app()
    other, service, asked, page = at_the_code(live, person, live.service().scope)
    other.way = "totp"

    service.tokens(other.walk(page), asked)

    assert "pin" in other.walked
    assert "totp" not in other.walked


def test_a_recovery_code_stands_in_for_the_phone_once(live, equipped):
    """A look-up secret (ASVS 6.5.1): AAL1 alone, `otp`; the second time it opens nothing."""
    person = equipped()
    codes = person.print_codes()
    assert len(set(codes)) == 10
    other, service, asked, page = at_the_code(live, person)

    tokens = service.tokens(other.walk(other.without_sms(page, codes[0].lower())), asked)

    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:1"
    assert claims(tokens["id_token"])["amr"] == ["otp"]
    thief, _, _, page = at_the_code(live, person)
    says_no(thief.without_sms(page, codes[0]), "other_way", "other_code")
    assert "recovery_codes.used" in {entry["event"] for entry in live.audit_of(person)}


# --- passkeys -----------------------------------------------------------------------------------------------------


def test_challenges_are_never_alike_and_each_is_used_once(live):
    """O44: 512 bits, unique; an answered challenge takes no second answer."""
    person = live.citizen(way="passkey")
    person.open("/me", until="me")
    page = person.browser.get(f"{live.issuer}/me/security")
    person.walk(person.browser.submit(page, "add-form", "add-passkey"), until="me_security")
    person.browser.http.cookies.clear()
    page = person.browser.get(live.service(SIGN_IN).ask().url)
    at = page.attributes["passkey"]["data-options-url"]

    asked = [as_json(person.browser.post_json(page, at, {"purpose": "sign-in"})) for _ in range(200)]

    challenges = {one["challenge"] for one in asked}
    assert len(challenges) == 200
    assert {len(one) for one in challenges} == {86}
    first, *_ = asked
    verify = page.attributes["passkey"]["data-verify-url"]
    body = {"purpose": "sign-in", "credential": person.passkey.get(first)}
    assert "next" in as_json(person.browser.post_json(page, verify, body))
    body = {"purpose": "sign-in", "credential": person.passkey.get(first)}
    assert person.browser.post_json(page, verify, body).status_code in (400, 404, 409)


WRONG = {
    "user not verified": ({"flags": USER_PRESENT}, "not_verified"),
    "user not present": ({"flags": USER_VERIFIED}, "not_verified"),
    "another origin": ({"origin": "https://evil.example"}, "not_verified"),
    "inside another site": ({"client_data": {"crossOrigin": True}}, "framed"),
    "below another site": ({"client_data": {"topOrigin": "https://evil.example"}}, "framed"),
    "now a synced one": ({"flags": USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP}, "not_verified"),
    "backed up, never eligible": ({"flags": USER_PRESENT | USER_VERIFIED | BACKED_UP}, "not_verified"),
    "somebody else's handle": ({"user_handle": "AAAAAAAAAAAAAAAAAAAAAA"}, "unknown"),
    "counts backwards": ({"sign_count": 0, "counts": False}, "counter"),
}


def test_a_passkey_says_all_of_it_right_or_opens_nothing(live):
    """WebAuthn Level 3, 7.2, each step the wrong way; a counter that goes back is told to the owner."""
    person = live.citizen(way="passkey")
    person.open("/me", until="me")
    page = person.browser.get(f"{live.issuer}/me/security")
    person.walk(person.browser.submit(page, "add-form", "add-passkey"), until="me_security")
    device = person.passkey
    device.sign_count = 7
    assert signed_in(live, person, device) is None
    good = dict(vars(device))

    answers = {}
    for name, (changes, _) in WRONG.items():
        vars(device).update({**good, "sign_count": device.sign_count, **changes})
        answers[name] = signed_in(live, person, device)
        vars(device).update({**good, "sign_count": max(device.sign_count, 50)})

    assert answers == {name: code for name, (_, code) in WRONG.items()}
    assert signed_in(live, person, device) is None
    eventually(lambda: live.told(person, "passkey_copied") or None, "the owner was not told")


def signed_in(live, person, device: SoftAuthenticator):
    """Sign in with this device in a browser of its own: None, or the code of the refusal."""
    other = live.citizen(person.national_id)
    page = other.browser.get(live.service(SIGN_IN).ask().url)
    block = page.attributes["passkey"]
    options = as_json(other.browser.post_json(page, block["data-options-url"], {"purpose": "sign-in"}))
    body = {"purpose": "sign-in", "credential": device.get(options)}
    return as_json(other.browser.post_json(page, block["data-verify-url"], body)).get("error")


def test_staff_at_home_are_asked_for_nothing_that_they_have_only_at_work(live):
    """The doctor's passkey of the console is no factor of the citizen's: a first one is set up, no dead end."""
    doctor = live.staff("doctor")
    citizen = live.citizen(doctor.national_id)

    page = citizen.walk(citizen.browser.get(live.service().ask().url), until="setup_choice")

    assert page.name == "setup_choice"
    assert {"set-pin", "set-passkey"} <= set(page.links)
