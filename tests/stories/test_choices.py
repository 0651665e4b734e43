"""Yes, no, and some of each (PDPA s.19: consent is free, specific and may be refused)."""

from tests.stories.relying import claims


def test_one_purpose_refused_leaves_the_other(live):
    """Refusing one purpose blocks neither sign-in nor the other purpose (catalogue rule 12)."""
    citizen, service = live.citizen(answers={"CONTACT": False}), live.service()
    asked = service.ask()

    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    granted = set(tokens["scope"].split())
    assert "patient/Condition.rs" in granted
    assert not {"email", "phone", "address"} & granted
    assert "email" not in service.userinfo(tokens["access_token"]).json()
    assert live.records(tokens["access_token"]).status_code == 200


def test_all_switches_off_still_signs_in(live):
    """DECISIONS 18: what needs no consent goes through; no health data goes with it."""
    citizen, service = live.citizen(otherwise=False), live.service()
    asked = service.ask()

    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    assert not [scope for scope in tokens.get("scope", "").split() if scope.startswith("patient/")]
    assert live.records(tokens["access_token"]).status_code in (401, 403)


def test_nothing_left_is_access_denied_with_a_reason(live):
    """RFC 6749 section 4.1.2.1: access_denied goes back to the client with state and iss."""
    citizen, service = live.citizen(otherwise=False), live.service(scope="patient/Condition.rs")
    asked = service.ask()

    page = citizen.walk(citizen.browser.get(asked.url))

    assert service.answered(page, asked).params["error"] == "access_denied"


def test_the_refuse_button_is_an_answer(live):
    """The two buttons are of one size, and both end the question."""
    citizen, service = live.citizen(decision="refuse"), live.service(scope="patient/Condition.rs")
    asked = service.ask()

    page = citizen.walk(citizen.browser.get(asked.url))

    assert service.answered(page, asked).params["error"] == "access_denied"


def test_a_refusal_is_remembered_until_the_client_asks_to_ask_again(live):
    """DECISIONS 18: only prompt=consent overrides a refusal."""
    citizen, service = live.citizen(answers={"CONTACT": False}), live.service()
    first = service.ask()
    service.tokens(citizen.walk(citizen.browser.get(first.url)), first)
    citizen.walked.clear()

    second = service.ask()
    service.tokens(citizen.walk(citizen.browser.get(second.url)), second)
    assert "consent" not in citizen.walked

    citizen.answers["CONTACT"] = True
    third = service.ask(prompt="consent")
    tokens = service.tokens(citizen.walk(citizen.browser.get(third.url)), third)
    assert "consent" in citizen.walked
    assert "email" in tokens["scope"].split()


def test_nothing_is_ticked_beforehand(live):
    """Catalogue rule 9: nothing pre-ticked; consent is an act."""
    citizen, service = live.citizen(), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="consent")

    form = page.forms["consent-form"]
    assert {name for name, _ in form.fields} & {"purpose"} == set()
    assert len([choice for choice in form.choices.values() if choice[0] == "purpose"]) == 2
    assert {"allow", "refuse"} <= set(form.buttons)


def test_cancelling_anywhere_goes_back_to_the_service(live):
    """OIDC Core 3.1.2.6: the service hears access_denied, with its state."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    page = citizen.walk(citizen.browser.get(asked.url), until="login")

    back = citizen.browser.submit(page, "cancel-form")

    assert service.answered(back, asked).params["error"] == "access_denied"


def test_the_page_speaks_the_language_of_the_request(live):
    """OIDC Core 3.1.2.1: ui_locales decides, until the person chooses for themselves."""
    first, second, service = live.citizen(), live.citizen(), live.service()

    thai = first.browser.get(service.ask(ui_locales="th").url)
    english = second.browser.get(service.ask(ui_locales="en").url)

    assert (thai.lang, english.lang) == ("th", "en")


def test_granted_purposes_stand_in_the_token_and_nothing_else(live):
    """RFC 9068: the scope claim is what was granted, not what was asked."""
    citizen, service = live.citizen(answers={"EHR-SHARE": False}), live.service()
    asked = service.ask()

    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    assert not [s for s in claims(tokens["access_token"]).get("scope", "").split() if s.startswith("patient/")]
