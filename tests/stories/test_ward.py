"""A guardian acts for her wards over HTTP: a refusal and a request for a child of 8 and for one of 15, and the end."""

from urllib.parse import urlsplit

import pytest

from tests import leaks
from tests.stories.test_family import CHILD, TEEN, asked_for_whom, chosen, entrusted

pytestmark = pytest.mark.story
WORDS = "วันเกิดในข้อมูลไม่ถูกต้อง"


def ward_page(mother, name):
    """The page of the ward whose name this is."""
    family = mother.open("/me/family", until="me_family")
    number = next(n for n in range(1, 9) if name in family.texts[f"ward-{n}"])
    page = mother.browser.click(family, f"ward-{number}-open")
    assert page.name == "me_family_link", page.text[:300]
    return page


def asked(mother, page):
    """A request to correct something, from the ward's own page; the page of the case."""
    rights = mother.browser.click(page, "ward-rights")
    form = mother.browser.click(rights, "ask-rectification")
    return mother.browser.submit(form, "rights-form", "send", words=WORDS)


def refused(mother, page):
    """The hospital, refused from the ward's own page."""
    refusals = mother.browser.click(page, "ward-refusals")
    mother.browser.click(refusals, "new-facility")
    form = mother.browser.get(f"{page.url.partition('?')[0]}/refusals/new/facility?q=99001")
    done = mother.browser.submit(form, "refusal-form", "refuse", place="99001")
    assert done.name == "ward_refusals", done.text[:300]
    return done


def test_s30_a_guardian_acts_for_her_wards_and_nothing_is_found_once_it_has_ended(live):
    """PDPA s.20, s.30-36: her no stops the child's data at once; the young person sees and stops; ended is a 404."""
    clerk, mother = live.staff("clerk"), live.citizen()
    teen = live.citizen(live.world.next_person("young"))
    mother.open("/me")
    entrusted(live, clerk, mother, CHILD, (teen.national_id, TEEN))
    service, flow, page = asked_for_whom(live, mother)
    tokens = service.tokens(mother.walk(chosen(mother, page, "ชูใจ")), flow)
    assert live.records(tokens["access_token"]).status_code == 200

    done = refused(mother, ward_page(mother, "ชูใจ"))
    assert "ชูใจ" in done.texts["for-whom"]
    assert live.records(tokens["access_token"]).status_code in (401, 403)
    mother.browser.submit(done, "lift-form-1", "lift-1")
    assert live.records(tokens["access_token"]).status_code == 200
    case = asked(mother, ward_page(mother, "ชูใจ"))
    assert case.name == "ward_case", case.text[:300]
    assert WORDS in case.texts["words"]
    seen = mother.browser.click(ward_page(mother, "ชูใจ"), "ward-access")
    assert "entries" in seen.texts
    assert not leaks.found_in(seen.url)

    refused(mother, ward_page(mother, TEEN))
    for_teen = asked(mother, ward_page(mother, TEEN))
    hers = teen.browser.click(teen.open("/me/family", until="me_family"), "guardian-1-open")
    assert {"asked", "refused"} <= set(hers.texts)
    theirs = teen.browser.click(hers, "asked-1")
    assert WORDS in theirs.texts["words"]
    teen.browser.submit(theirs, "take-back-form", "take-back")
    teen.browser.submit(teen.open("/me/refusals"), "lift-form-1", "lift-1")
    assert "take-back-form" not in mother.browser.get(for_teen.url).forms
    assert "lift-form-1" not in mother.browser.click(ward_page(mother, TEEN), "ward-refusals").forms

    home = teen.browser.click(teen.open("/me/family", until="me_family"), "guardian-1-open")
    over = teen.browser.submit(home, "end-form", "end")
    assert over.name == "family_over", over.text[:300]
    for path in ("/access", "/refusals", "/rights", "/rights/new/complaint"):
        assert live.get(mother, f"{urlsplit(home.url).path}{path}").status_code == 404, path
    assert live.get(mother, urlsplit(for_teen.url).path).status_code == 404
