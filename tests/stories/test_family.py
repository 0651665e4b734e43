"""A family: a mother, a child of 8 and one of 15; entered by two officers, chosen in a request, signed by both."""

import json

from tests import leaks
from tests.stories.relying import claims
from tests.stories.test_desk import proved

CHILD = ("1999000010012", "ชูใจ ใจสมมติ")
TEEN = "มานี ทดสอบสุข"
CLAIM = json.dumps({"id_token": {"proxy_for": None}})
SHARE = "openid patient/Condition.rs"
PAPER = {"kind": "parent", "paper": "house_register", "reference": "9999-012345-6"}


def entrusted(live, clerk, mother, *wards):
    """The officer writes down what the house register says, a colleague signs with a passkey of her own."""
    live.staff("doctor")
    page = proved(live, clerk, mother.national_id)
    for number, name in wards:
        page = clerk.browser.click(page, "family")
        page = clerk.browser.submit(page, "family-form", "draw-up", ward=number, ward_name=name, **PAPER)
        assert "colleague" in page.attributes, page.text[:500]
        page = clerk.ceremony(page, "sign-in", live.passkeys["doctor"].get)
        page = clerk.browser.submit(page, "confirm-form", "confirm")
        page = clerk.browser.click(page, "to-case")
    clerk.browser.submit(page, "close-form", "close")


def asked_for_whom(live, person, scope=SHARE):
    """A request of a service that wants to know for whom; the page where the person says so."""
    service = live.service(scope)
    asked = service.ask(claims=CLAIM)
    person.browser.stops = (service.redirect_uri,)
    page = person.walk(person.browser.get(asked.url), until="for_whom")
    assert page.name == "for_whom", page.text[:400]
    return service, asked, page


def chosen(person, page, name):
    """The button with this name on it."""
    wards = [one for one in page.forms["for-form"].buttons if one != "for"]
    button = next(one for one in wards if name in page.texts[one])
    return person.browser.submit(page, "for-form", button)


def test_s20_a_family(live):
    """PDPA s.20: the mother alone for a child of 8, both for one of 15, and an end that ends tokens at once."""
    clerk, mother = live.staff("clerk"), live.citizen()
    teen = live.citizen(live.world.next_person("young"))
    mother.open("/me")
    entrusted(live, clerk, mother, CHILD, (teen.national_id, TEEN))

    service, asked, page = asked_for_whom(live, mother)
    page = chosen(mother, page, "ชูใจ")
    assert "ชูใจ" in page.texts["about"]
    tokens = service.tokens(mother.walk(page), asked)
    told, who = claims(tokens["access_token"]), claims(tokens["id_token"])
    assert {told["sub"], told["act"]["sub"]} & {who["sub"], who["proxy_for"]["sub"]} == set()
    assert who["proxy_for"]["relation"] == "parent"
    assert service.introspect(tokens["access_token"])["active"]
    assert live.records(tokens["access_token"]).status_code == 200
    assert not leaks.found_in(str(told) + str(who))

    service, asked, page = asked_for_whom(live, mother)
    page = mother.walk(chosen(mother, page, TEEN), until="cosign_wait")
    assert page.name == "cosign_wait", page.text[:400]
    nothing = service.answered(mother.browser.click(page, "go-on"), asked)
    assert nothing.params["error"] == "access_denied"

    inbox = teen.open("/me/family", until="me_family")
    page = teen.browser.submit(teen.browser.click(inbox, "sign-1"), "cosign-form", "allow")
    assert "done" in page.texts, page.text[:400]
    service, asked, page = asked_for_whom(live, mother)
    both = service.tokens(mother.walk(chosen(mother, page, TEEN)), asked)
    assert service.introspect(both["access_token"])["active"]

    family = teen.open("/me/family", until="me_family")
    teen.browser.submit(teen.browser.click(family, "guardian-1-open"), "end-form", "end")
    assert service.introspect(both["access_token"]) == {"active": False}
    assert service.introspect(tokens["access_token"])["active"]
    about = {entry["event"] for entry in live.audit_of(teen)}
    assert {"guardian.added", "consent.proposed", "consent.co_signed", "guardian.ended", "consent.withdrawn"} <= about
