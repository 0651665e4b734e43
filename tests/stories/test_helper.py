"""An old man and his daughter: a code across the table, his consent to her name, what she sees, and the end."""

import json

from tests import leaks
from tests.stories.relying import claims
from tests.stories.test_desk import proved

OLD_MAN = "3999000010141"
CLAIM = json.dumps({"id_token": {"proxy_for": None}})
SHARE = "openid patient/Condition.rs"


def known_well(live, clerk, *people):
    """A card, an issuer and a face, at a counter: the level that the catalogue asks of both."""
    for person in people:
        person.open("/me")
        clerk.browser.submit(proved(live, clerk, person.national_id), "close-form", "close")


def entrusted(man, daughter, *ticks):
    """From the code to his consent."""
    page = man.browser.click(man.open("/me/helpers", until="me_helpers"), "new")
    page = man.browser.submit(page, "helper-form", "make-code", ticks=ticks)
    code = page.texts["helper-code"]
    page = daughter.browser.click(daughter.open("/me/helpers", until="me_helpers"), "have-code")
    page = daughter.browser.submit(page, "take-form", "take", helper_code=code)
    assert page.name == "me_helper_accept", page.text[:400]
    daughter.browser.submit(page, "accept-form", "allow")
    page = man.browser.click(man.open("/me/helpers", until="me_helpers"), "answer")
    page = man.browser.submit(page, "agree-form", "allow")
    assert "done" in page.texts, page.text[:400]


def for_him(live, daughter):
    """Her request at a service that asks for whom; what comes after she chose him."""
    service = live.service(SHARE)
    asked = service.ask(claims=CLAIM)
    daughter.browser.stops = (service.redirect_uri,)
    page = daughter.walk(daughter.browser.get(asked.url), until="for_whom")
    assert page.name == "for_whom", page.text[:400]
    button = next(one for one in page.forms["for-form"].buttons if "บุญมี" in page.texts.get(one, ""))
    return service, asked, daughter.walk(daughter.browser.submit(page, "for-form", button))


def test_an_old_man_and_his_daughter(live):
    """Catalogue PROXY: his consent begins it, the token says whose record and whose hand, and either end is at once."""
    clerk, man, daughter = live.staff("clerk"), live.citizen(OLD_MAN), live.citizen()
    known_well(live, clerk, man, daughter)
    entrusted(man, daughter, "may-answer", "may-withdraw", "kinds-record", "days-90")

    service, asked, page = for_him(live, daughter)
    tokens = service.tokens(page, asked)
    told, who = claims(tokens["access_token"]), claims(tokens["id_token"])
    assert who["proxy_for"]["relation"] == "helper"
    assert told["act"]["sub"] != told["sub"]
    assert {told["sub"], told["act"]["sub"]} & {who["sub"], who["proxy_for"]["sub"]} == set()
    assert service.introspect(tokens["access_token"])["active"]
    assert live.records(tokens["access_token"]).status_code == 200
    assert not leaks.found_in(str(told) + str(who))

    page = man.open("/me/helpers", until="me_helpers")
    assert "มานี" in page.texts["mine"]
    page = man.browser.click(page, "mine-1-open")
    assert live.purpose_name("EHR-SHARE") in page.texts["acts"]

    live.withdraw(man, "PROXY")

    assert service.introspect(tokens["access_token"]) == {"active": False}
    assert live.records(tokens["access_token"]).status_code in (401, 403)
    assert "บุญมี" not in daughter.open("/me/helpers", until="me_helpers").texts["theirs"]
    about = {entry["event"] for entry in live.audit_of(man)}
    assert {"helper.invited", "helper.accepted", "guardian.added", "guardian.ended", "consent.withdrawn"} <= about
