"""Withdrawing, and what the world then sees (PDPA s.19: as easy as giving, effective at once)."""

import pytest

from tests.stories.waiting import eventually


@pytest.fixture
def consented(live):
    """A citizen who said yes to history and contact, a service with tokens, and the id of the history consent."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask(scope=service.scope + " offline_access")
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    return citizen, service, tokens


def test_withdrawal_is_seen_by_everyone_at_the_next_request(live, consented):
    """DECISIONS 17: introspection, refresh, UserInfo, and the holder that asks, all say no at once."""
    citizen, service, tokens = consented
    assert live.records(tokens["access_token"]).status_code == 200

    live.withdraw(citizen, "EHR-SHARE")

    assert service.introspect(tokens["access_token"]) == {"active": False}
    assert service.userinfo(tokens["access_token"]).status_code == 401
    refused = service.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert live.records(tokens["access_token"]).status_code == 401


def test_after_withdrawal_the_service_silently_gets_what_still_stands(live, consented):
    """DECISIONS 17: prompt=none gives the rest; nobody is asked again about what was withdrawn."""
    citizen, service, _ = consented
    live.withdraw(citizen, "EHR-SHARE")

    rest = service.ask(scope="openid profile email phone address", prompt="none")
    tokens = service.tokens(citizen.browser.get(rest.url), rest)

    assert "email" in tokens["scope"].split()


def test_the_portal_drops_its_copy_and_says_so(live):
    """RFC 8417 and RFC 8935: the signed event arrives, is obeyed and acknowledged, and the citizen can see it."""
    citizen = live.citizen(stops=())
    page = citizen.walk(citizen.browser.get(live.portal + "/sign-in"))
    citizen.browser.submit(page, next(name for name, form in page.forms.items() if form.action.endswith("/history")))
    before = live.portal_state()

    done = live.withdraw(citizen, "EHR-SHARE")

    eventually(lambda: live.portal_state() != before or None, "the portal never heard of the withdrawal")
    told = eventually(
        lambda: _acknowledged(citizen.browser.get(done.url)), "the withdrawal was never acknowledged on the page"
    )
    assert told


def test_withdrawing_twice_changes_nothing(live, consented):
    """A double tap is safe: one withdrawal, one history."""
    citizen, _, _ = consented
    first = live.withdraw(citizen, "EHR-SHARE")

    again = citizen.browser.get(first.url.removesuffix("/withdrawn"))

    assert "withdraw" not in again.links


def test_anothers_consent_is_not_found(live, consented):
    """CONVENTIONS: never forbidden, so that nobody learns that it exists."""
    citizen, _, _ = consented
    record = live.consent_id(citizen, "EHR-SHARE")
    stranger = live.citizen()
    stranger.open("/me")

    assert stranger.browser.get(f"{live.issuer}/me/consents/{record}").status == 404
    assert stranger.browser.get(f"{live.issuer}/me/consents/{record}/withdraw").status == 404


def test_withdrawal_needs_no_second_factor(live, consented):
    """Catalogue rule 4: AAL1 withdraws (WITHDRAW); as easy to take back as to give."""
    citizen, service, tokens = consented
    citizen.browser.http.cookies.clear()
    citizen.walked.clear()
    live.wait_for_the_next_code(citizen)

    live.withdraw(citizen, "EHR-SHARE")

    assert "pin" not in citizen.walked
    assert service.introspect(tokens["access_token"]) == {"active": False}


def test_a_lawful_notice_cannot_be_withdrawn(live, consented):
    """PDPA s.24: what rests on another basis than consent is shown, and offers no button."""
    citizen, _, _ = consented
    record = live.consent_id(citizen, "SIGNIN")

    page = citizen.browser.get(f"{live.issuer}/me/consents/{record}")

    assert page.status == 200
    assert "withdraw" not in page.links


def _acknowledged(page):
    return "รับทราบ" in page.text or "ยืนยัน" in page.text or "acknowledged" in page.text.lower() or None


def test_a_service_that_is_away_is_refused_meanwhile_and_told_when_it_is_back(live):
    """PDPA s.19: the withdrawal holds at once; the page says honestly who has not heard of it yet."""
    citizen = live.citizen(stops=())
    page = citizen.walk(citizen.browser.get(live.portal + "/sign-in"))
    citizen.browser.submit(page, next(name for name, form in page.forms.items() if form.action.endswith("/history")))

    with live.stopped("portal"):
        done = live.withdraw(citizen, "EHR-SHARE")
        assert not _acknowledged(citizen.browser.get(done.url))

    told = eventually(lambda: _acknowledged(citizen.browser.get(done.url)), "the service was never told", within_s=120)
    assert told


def test_a_slip_is_undone_and_the_service_silently_gets_the_data_again(live, consented):
    """PDPA s.19: undoing within a minute is a new consent; nobody is asked twice."""
    citizen, service, tokens = consented
    page = live.withdraw(citizen, "EHR-SHARE")
    again = citizen.browser.submit(page, "undo-form")
    assert again.name == "me_consent"

    rest = service.ask(prompt="none")
    renewed = service.tokens(citizen.browser.get(rest.url), rest)

    assert service.introspect(tokens["access_token"]) == {"active": False}
    assert live.records(renewed["access_token"]).status_code == 200
