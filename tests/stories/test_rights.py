"""A right used from end to end, with the real worker and a real service (PDPA s.31)."""

import pytest

from tests.stories.waiting import eventually

pytestmark = pytest.mark.story


def test_s31_a_person_sends_their_data_to_a_service_and_it_fetches_it_once(live):
    """Chosen on a page, announced by a signed event, fetched with the service's own proof, and seen as fetched."""
    citizen = live.citizen()
    before = len(live.portal_state()["taken_over"])
    page = citizen.open("/me/rights/send")
    assert page.name == "rights_send", page.text[:200]

    page = citizen.walk(citizen.browser.submit(page, "send-form", receiver="portal"))
    if "sent" not in page.texts:  # two factors just now come first
        page = citizen.open("/me/rights/send")
        page = citizen.walk(citizen.browser.submit(page, "send-form", receiver="portal"))
    assert "sent" in page.texts, page.text[:300]

    eventually(lambda: len(live.portal_state()["taken_over"]) > before or None, "the service never fetched it")
    page = eventually(lambda: fetched(citizen), "the page never said so")
    assert "stop-" not in page.html
    assert live.told(citizen, "transfer_fetched") == 1


def fetched(citizen):
    page = citizen.open("/me/rights/send")
    return page if "มารับแล้ว" in page.texts["sent"] else None
