"""A consent for one visit ends by itself with the visit; one for a year does not (catalogue rule 6, EHR-SHARE)."""

from tests.stories.test_counter import opened
from tests.stories.waiting import eventually

PURPOSE = "EHR-SHARE"
SCOPE = "patient/Condition.rs offline_access"


def at_the_hospital(live):
    """A citizen whose card the clerk has read, the clerk, and the page of the open visit."""
    clerk, citizen = live.staff("clerk"), live.citizen()
    return citizen, clerk, opened(live, clerk, citizen.national_id)


def allowed(live, citizen, *, years=False):
    """Tokens of the hospital's service, after the consent page: for this visit, or for a year."""
    service = live.service(SCOPE)
    asked = service.ask()
    page = citizen.walk(citizen.browser.get(asked.url), until="consent")
    assert page.name == "consent", page.text[:300]
    form = page.forms["consent-form"]
    ticks = [tick for tick, (name, _) in form.choices.items() if name == "purpose"]
    fields = {f"life-{PURPOSE}": lives(form)[-1]} if years else {}
    return (
        page,
        service,
        service.tokens(citizen.browser.submit(page, "consent-form", "allow", ticks=tuple(ticks), **fields), asked),
    )


def lives(form):
    """The periods that the page offers."""
    return [value for name, value in (*form.fields, *form.choices.values()) if name == f"life-{PURPOSE}"]


def test_a_consent_for_this_visit_ends_when_the_visit_ends(live):
    """No button of the citizen, no job: introspection, refresh and the holder say no at the next request."""
    citizen, clerk, visit = at_the_hospital(live)

    page, service, tokens = allowed(live, citizen)
    assert len(set(lives(page.forms["consent-form"]))) > 1, "the page offers no choice of this visit or longer"
    token = tokens["access_token"]
    assert service.introspect(token)["active"]
    assert live.records(token).status_code == 200

    clerk.browser.submit(visit, "end-form", "end")

    assert service.introspect(token) == {"active": False}
    assert live.records(token).status_code == 401
    refused = service.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert "ended" in refused.json()["error_description"]
    entries = {one["event"]: one for one in live.audit_of(citizen)}
    assert entries["consent.expired"]["reason"] == "visit_over"
    assert "consent.withdrawn" not in entries
    mine = citizen.open(f"/me/consents/{live.consent_id(citizen, PURPOSE)}")
    assert "withdraw" not in mine.links


def test_the_next_visit_asks_anew(live):
    """What was agreed for one visit says nothing of another."""
    citizen, clerk, visit = at_the_hospital(live)
    allowed(live, citizen)
    clerk.browser.submit(visit, "end-form", "end")
    again = opened(live, clerk, citizen.national_id)
    assert again.url != visit.url

    service = live.service(SCOPE)
    page = citizen.walk(citizen.browser.get(service.ask().url), until="consent")

    assert page.name == "consent"


def test_a_consent_for_a_year_outlives_the_visit(live):
    """The citizen chose longer: the visit's end does not touch it."""
    citizen, clerk, visit = at_the_hospital(live)
    _, service, tokens = allowed(live, citizen, years=True)

    clerk.browser.submit(visit, "end-form", "end")

    assert eventually(lambda: service.introspect(tokens["access_token"])["active"], "the year ended with the visit")
    assert service.refresh(tokens["refresh_token"]).status_code == 200
