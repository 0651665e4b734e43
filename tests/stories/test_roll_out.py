"""A province that the roll-out leaves and reaches again: nothing opens meanwhile, and no answer is lost."""

import re

import pytest

from idp.demo import seed
from tests.stories.relying import RelyingParty
from tests.stories.test_asking_too_much import WHO, idp

CLINIC = ("--name-th", "คลินิกตัวอย่างเมืองน่าน", "--name-en", "Sample Nan Clinic", "--kind", "clinic_medical")
PLACE = ("--hcode", "99141", "--province", "Nan", "--licence-until", "2099-12-31")
NAMES = ("--name-th", "แอปคลินิกเมืองน่าน", "--name-en", "Nan clinic app", "--entity", "Sample Nan Clinic")
SCOPE = "openid profile patient/AllergyIntolerance.rs"


@pytest.fixture
def clinic(live) -> RelyingParty:
    """A service of the only clinic there; once for each running system."""
    idp(live, "entity", "add", *CLINIC, *WHO, *PLACE)
    about = ("--redirect", live.world.callback, "--resource", seed.HOLDER_IDENTIFIER)
    wished = ("--purpose", "SIGNIN", "--purpose", "EHR-SHARE")
    made = idp(live, "client", "add", *NAMES, *about, *wished)
    given = dict(re.findall(r"(?m)^(client_id|client_secret) +(\S+)$", made))
    usual = live.service(SCOPE)
    told = (live.issuer, given["client_id"], given["client_secret"], live.world.callback, SCOPE)
    return RelyingParty(*told, holder=usual.holder, http=usual.http)


def test_a_place_that_has_not_joined_gets_nothing_and_what_was_agreed_counts_when_it_has(live, clinic):
    """Catalogue rule 5; THAI 1a rows 3 and 4. The citizen's page says it, and the service hears one word."""
    citizen = live.citizen()
    asked = clinic.ask()
    tokens = clinic.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    assert "AllergyIntolerance" in clinic.introspect(tokens["access_token"])["scope"]

    try:
        assert "1 province closed" in idp(live, "rollout", "close", "น่าน")
        assert clinic.introspect(tokens["access_token"]) == {"active": False}
        closed = clinic.ask(prompt="none")
        heard = clinic.answered(citizen.browser.get(closed.url), closed).params
        assert (heard["error"], "not_onboarded" in heard["error_description"]) == ("access_denied", True)
        page = citizen.browser.get(f"{live.issuer}/me/consents")
        link = next(href for href in re.findall(r"/me/consents/[0-9a-f-]{36}", page.html))
        assert "ยังไม่เข้าร่วมระบบ" in citizen.browser.get(f"{live.issuer}{link}").text
    finally:
        assert "1 province open" in idp(live, "rollout", "open", "55")

    again = clinic.ask(prompt="none")
    tokens = clinic.tokens(citizen.browser.get(again.url), again)
    assert "AllergyIntolerance" in clinic.introspect(tokens["access_token"])["scope"]
