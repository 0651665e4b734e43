"""Refusals in general, over HTTP against the running system: what the provider sees, and what the person sees."""

import pytest

pytestmark = pytest.mark.story
PLACE = "/me/refusals/new/facility?q=99001"


def refuse(citizen):
    """The form of a place, found by its code."""
    page = citizen.open(PLACE)
    done = citizen.browser.submit(page, "refusal-form", "refuse", place="99001")
    assert done.name == "me_refusals", f"{done.name}: {done.text[:300]}"
    return done


def test_a_refused_place_sees_nothing_there_and_the_person_sees_why(live):
    """Issue 5: no trace of it in token, introspection, UserInfo or refresh; lifting gives all of it back."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask(scope=service.scope + " offline_access")
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    before = service.introspect(tokens["access_token"])
    assert "EHR-SHARE" in before["purposes"]
    assert live.records(tokens["access_token"]).status_code == 200

    done = refuse(citizen)

    told = service.introspect(tokens["access_token"])
    renewed = service.refresh(tokens["refresh_token"])
    page = service.userinfo(tokens["access_token"])
    assert "EHR-SHARE" not in told.get("purposes", ())
    assert live.records(tokens["access_token"]).status_code in (401, 403)
    for heard in (str(told), renewed.text, page.text, str(page.headers)):
        assert "refus" not in heard
    assert live.purpose_name("EHR-SHARE") in done.text

    lifted = citizen.browser.submit(done, "lift-form-1", "lift-1")
    assert lifted.name == "me_refusals", lifted.text[:300]
    assert "EHR-SHARE" in service.introspect(tokens["access_token"])["purposes"]
