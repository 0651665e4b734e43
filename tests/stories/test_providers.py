"""Providers above us: ThaID proves a person (R4), LINE signs in who linked it, and LINE's own browser is no dead end.

The sandbox's ThaID and LINE are processes of their own; the server asks them over HTTP by the adapters of production.
"""

import pytest

from tests.stories.browser import Browser
from tests.stories.relying import claims

INSIDE_LINE = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 Safari Line/15.10.0"


@pytest.fixture(scope="module")
def providers(_live):
    """Both stand-ins, running."""
    return [_live.world.provider(name) for name in ("thaid", "line")]


def holds_the_phone(citizen, page, number=None):
    """The page of the stand-in: somebody opens the application and says yes."""
    assert page.name == "stand_in", f"{page.name}: {page.text[:300]}"
    return citizen.browser.submit(page, "stand-in-form", "by-number", number=number or citizen.national_id)


def at_thaid(citizen, page):
    """From any page of the loop to the page that leads to ThaID."""
    page = citizen.browser.get("/".join(page.url.split("/")[:5]) + "/thaid")
    assert page.name == "thaid", f"{page.name}: {page.text[:300]}"
    return page


def to_thaid(citizen, page):
    return citizen.browser.submit(at_thaid(citizen, page), "thaid-form", "to-thaid")


def to_line(citizen, page):
    page = citizen.browser.click(page, "use-line")
    return citizen.browser.submit(page, "line-form", "to-line")


def linked(citizen):
    """Somebody with a PIN who links their LINE account."""
    page = citizen.open("/me/security", until="me_security")
    page = citizen.walk(citizen.browser.submit(page, "add-form", "add-pin"), until="me_security")
    page = citizen.browser.get(f"{citizen.issuer}/me/line")
    assert page.name == "me_line", f"{page.name}: {page.text[:300]}"
    return holds_the_phone(citizen, citizen.browser.submit(page, "link-form", "link"))


def test_r4_whose_card_nobody_checked_reaches_health_data_by_thaid(live, providers):  # noqa: ARG001
    """THAI.md 3b R4: IAL2.3 as ThaID states it, and the service goes on by itself."""
    citizen, service = live.citizen(live.unproved()), live.service()
    asked = service.ask()
    page = citizen.walk(citizen.browser.get(asked.url), until="proofing")

    page = holds_the_phone(citizen, to_thaid(citizen, page))
    tokens = service.tokens(citizen.walk(page), asked)

    assert claims(tokens["id_token"])["ial"] == "2.3"
    assert live.records(tokens["access_token"]).status_code == 200
    told = [entry["event"] for entry in live.audit_of(citizen)]
    assert "proofing.passed" in told
    assert live.told(citizen, "level_changed") == 1


def test_r4_whoever_comes_by_thaid_first_gets_an_account_and_a_passkey(live, providers):  # noqa: ARG001
    """Nobody typed a phone: ThaID opens the account, and the device binds the passkey that health data needs."""
    citizen, service = live.citizen(live.unproved(), way="passkey"), live.service()
    asked = service.ask()
    page = citizen.browser.get(asked.url)
    assert "use-thaid" in page.links

    page = holds_the_phone(citizen, to_thaid(citizen, page))
    tokens = service.tokens(citizen.walk(page), asked)

    told = claims(tokens["id_token"])
    assert (told["ial"], told["acr"]) == ("2.3", "urn:yinyom:aal:2.2")
    assert not {"login", "code"} & set(citizen.walked)
    assert live.records(tokens["access_token"]).status_code == 200


def test_r4_somebody_elses_thaid_and_a_no_prove_nothing(live, providers):  # noqa: ARG001
    citizen, other, service = live.citizen(live.unproved()), live.unproved(), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="proofing")

    page = holds_the_phone(citizen, to_thaid(citizen, page), number=other)
    assert "ThaID นี้เป็นของผู้อื่น" in page.texts["problem"]
    page = citizen.browser.submit(to_thaid(citizen, page), "stand-in-form", "deny")
    assert "คุณยกเลิกใน ThaID" in page.texts["problem"]

    assert "proofing.failed" in [entry["event"] for entry in live.audit_of(citizen)]
    assert live.told(citizen, "level_changed") == 0


def test_r4_while_thaid_is_away_nobody_is_assumed_to_be_anybody(live, providers):  # noqa: ARG001
    """X16: a clear message, and everything else goes on."""
    citizen, service = live.citizen(live.unproved()), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="proofing")
    page = to_thaid(citizen, page)

    back = f"{live.issuer}/thaid/callback"
    citizen.browser.stops = (back,)
    answer = holds_the_phone(citizen, page)
    with live.stopped("thaid"):
        citizen.browser.stops = ()
        page = citizen.browser.get(answer.url)

    assert "ขณะนี้ ThaID ไม่ตอบ" in page.texts["problem"]
    assert live.told(citizen, "level_changed") == 0


def test_line_is_linked_signs_in_at_the_lowest_level_and_is_taken_off(live, providers):  # noqa: ARG001
    """THAI.md 1a row 13: own proofing first, never above AAL1; link.created, link.removed."""
    citizen = live.citizen()
    assert "เชื่อมบัญชี LINE ของคุณแล้ว" in linked(citizen).texts["done"]
    assert live.told(citizen, "line_linked") == 1

    again, service = live.citizen(citizen.national_id), live.service(scope="openid profile")
    asked = service.ask()
    page = holds_the_phone(again, to_line(again, again.browser.get(asked.url)))
    tokens = service.tokens(again.walk(page), asked)
    told = claims(tokens["id_token"])
    assert told["acr"] == "urn:yinyom:aal:1"
    assert "mfa" not in told.get("amr", ())

    page = citizen.browser.get(f"{live.issuer}/me/line")
    citizen.browser.submit(page, "unlink-form", "unlink")
    third = live.citizen(citizen.national_id)
    page = holds_the_phone(third, to_line(third, third.browser.get(service.ask().url)))
    assert "ยังไม่ได้เชื่อมไว้" in page.texts["problem"]
    events = [entry["event"] for entry in live.audit_of(citizen)]
    assert ("link.created" in events, "link.removed" in events) == (True, True)


def test_inside_line_one_button_goes_on_outside_and_the_service_gets_its_answer(live):
    """PAGES: passkeys do not work there; what was begun is not lost, and the answer comes from outside."""
    citizen, service = live.citizen(way="passkey"), live.service()
    citizen.browser.http.headers["User-Agent"] = INSIDE_LINE
    asked = service.ask()
    inside = citizen.browser.get(asked.url)
    assert "passkey-button" not in inside.attributes
    outside = inside.links["open-outside"]
    assert "openExternalBrowser=1" in outside

    citizen.browser = Browser(stops=citizen.browser.stops)
    live.opened.append(citizen.browser.http)
    page = citizen.walk(citizen.browser.get(live.issuer + outside))
    tokens = service.tokens(page, asked)

    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:2.2"
    assert live.records(tokens["access_token"]).status_code == 200
