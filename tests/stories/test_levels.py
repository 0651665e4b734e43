"""Levels: what a sign-in proved is enough for some things and not for others (DECISIONS 3)."""

from tests.stories.relying import claims


def test_signing_in_alone_needs_no_second_factor(live):
    """AAL1 reaches sign-in: national ID and a code by SMS."""
    citizen, service = live.citizen(), live.service(scope="openid profile")
    asked = service.ask()

    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    assert citizen.walked[:2] == ["login", "code"]
    assert not {"pin", "setup_pin", "step_up", "setup_choice"} & set(citizen.walked)
    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:1"


def test_a_level_too_low_leads_to_a_step_up_and_then_through(live):
    """OIDC Core 3.1.2.1, RFC 9470 in spirit: only what is missing is asked, not the whole sign-in again."""
    citizen, low, high = live.citizen(), live.service(scope="openid profile"), live.service()
    first = low.ask()
    low.tokens(citizen.walk(citizen.browser.get(first.url)), first)
    citizen.walked.clear()

    asked = high.ask()
    tokens = high.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    assert "login" not in citizen.walked
    assert "code" not in citizen.walked
    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:2.1"
    assert live.records(tokens["access_token"]).status_code == 200


def test_an_identity_that_nobody_checked_reaches_no_health_data(live):
    """DECISIONS 3, catalogue rule 4: no step-up raises an IAL; the page says where to go, and the service hears no."""
    citizen, service = live.citizen(live.unproved()), live.service()
    asked = service.ask()

    page = citizen.walk(citizen.browser.get(asked.url))
    assert page.name == "proofing", f"{page.name}: {page.text[:300]}"
    back = service.answered(citizen.browser.submit(page, "cancel-form", "cancel"), asked)

    assert back.params["error"] == "access_denied"
    sign_in = live.service(scope="openid profile")
    plain = sign_in.ask()
    tokens = sign_in.tokens(citizen.walk(citizen.browser.get(plain.url)), plain)
    assert claims(tokens["id_token"])["ial"] == "1.1"


def test_a_client_that_may_not_show_pages_hears_which_is_missing(live):
    """OIDC Core 3.1.2.6: login_required, interaction_required, consent_required, each in its case."""
    citizen, low, high = live.citizen(), live.service(scope="openid profile"), live.service()

    nobody = high.ask(prompt="none")
    assert high.answered(citizen.browser.get(nobody.url), nobody).params["error"] == "login_required"

    first = low.ask()
    low.tokens(citizen.walk(citizen.browser.get(first.url)), first)
    weak = high.ask(prompt="none")
    assert high.answered(citizen.browser.get(weak.url), weak).params["error"] == "interaction_required"

    strong = high.ask()
    citizen.walk(citizen.browser.get(strong.url), until="consent")
    undecided = high.ask(prompt="none")
    assert high.answered(citizen.browser.get(undecided.url), undecided).params["error"] == "consent_required"


def test_a_passkey_alone_is_enough_next_time(live):
    """WebAuthn Level 3 with user verification: AAL2.2, and no SMS at all."""
    citizen, service = live.citizen(way="passkey"), live.service()
    first = service.ask()
    service.tokens(citizen.walk(citizen.browser.get(first.url)), first)
    citizen.browser.http.cookies.clear()
    citizen.walked.clear()

    asked = service.ask()
    page = citizen.walk(citizen.browser.get(asked.url), until="login")
    tokens = service.tokens(citizen.walk(citizen.sign_in_by_passkey(page)), asked)

    assert citizen.walked == []
    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:2.2"


def test_prompt_login_asks_again_and_says_when(live):
    """OIDC Core 3.1.2.1: prompt=login must re-authenticate, and auth_time must say so."""
    citizen, service = live.citizen(), live.service(scope="openid profile")
    first = service.ask()
    before = claims(service.tokens(citizen.walk(citizen.browser.get(first.url)), first)["id_token"])
    citizen.walked.clear()

    again = service.ask(prompt="login", max_age="3600")
    page = citizen.browser.get(again.url)
    live.wait_for_the_next_code(citizen)
    after = claims(service.tokens(citizen.walk(page), again)["id_token"])

    assert "login" in citizen.walked
    assert after["auth_time"] >= before["auth_time"]
    assert after["sub"] == before["sub"]


def test_under_twenty_is_a_clear_stop(live):
    """PDPA s.20: a minor's consent needs more than we can take yet, so nothing is made and the page says so."""
    citizen, service = live.citizen(live.minor), live.service()
    asked = service.ask()

    page = citizen.walk(citizen.browser.get(asked.url))

    assert page.name == "age"
    assert page.status in (200, 403)
    assert "consent" not in citizen.walked
    assert service.answered(citizen.browser.submit(page, "cancel-form"), asked).params["error"] == "access_denied"
