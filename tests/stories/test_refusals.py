"""Refusals in general, over HTTP against the running system: what the provider sees, and what the person sees."""

import pytest

from tests.stories.relying import claims

pytestmark = pytest.mark.story
PLACE = "/me/refusals/new/facility?q=99001"
LABORATORY = "/me/refusals/new/unit?q=99001"


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


def consents_as_found(service, sub, **stated):
    """What the data holder's FHIR search finds for this asker."""
    url = f"{service.issuer}/fhir/R4/Consent/_search"
    answer = service.http.post(url, data={"patient": sub, "status": "active", **stated}, auth=service.holder)
    assert answer.status_code == 200, answer.text
    named = [entry["resource"] for entry in answer.json().get("entry", [])]
    return {coding["code"] for one in named for coding in one["provision"]["purpose"]}


def introspected(service, token, **stated):
    """What introspection tells the same holder for the same asker."""
    form = {"token": token, **stated}
    return service.http.post(f"{service.issuer}/oauth/introspect", data=form, auth=service.holder).json()


def test_fhir_and_introspection_side_by_side_do_not_tell_of_a_unit_that_is_refused(live):
    """Issue 5: "not this unit". Each asker hears the same from both, so that to compare them tells nothing more."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    token = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)["access_token"]
    sub = claims(token)["sub"]
    assert "EHR-SHARE" in consents_as_found(service, sub)
    page = citizen.open(LABORATORY)
    done = citizen.browser.submit(page, "refusal-form", "refuse", place="99001", unit="LAB")
    assert done.name == "me_refusals", f"{done.name}: {done.text[:300]}"

    for unit, there in (("OPD", True), ("LAB", False), ("", False)):
        stated = {"asker_unit": unit} if unit else {}
        told = introspected(service, token, **stated)
        assert ("EHR-SHARE" in consents_as_found(service, sub, **stated)) is there, unit
        assert ("EHR-SHARE" in told.get("purposes", ())) is there, unit
        assert "refus" not in str(told)
