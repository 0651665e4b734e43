"""LINE's own browser: no passkeys there, one button outside, and what was begun goes on (PAGES)."""

from urllib.parse import urlsplit

import pytest

from tests.fakes import MINUTE

INSIDE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 Safari Line/15.10.0"
)


def opened_inside(site, visitor):
    """The service's request, opened in LINE."""
    visitor.client.environ_base["HTTP_USER_AGENT"] = INSIDE
    visitor.get(site.authorize_url())
    assert visitor.at.name == "login"
    return visitor.at.links["open-outside"]


def test_inside_line_the_page_says_why_and_offers_one_button(site, visitor):
    outside = opened_inside(site, visitor)

    assert "พาสคีย์ใช้ในแอป LINE ไม่ได้" in visitor.at.texts["outside"]
    assert "passkey-button" not in visitor.at.attributes
    assert "openExternalBrowser=1" in outside


def test_elsewhere_the_page_is_as_ever(site, visitor):
    visitor.get(site.authorize_url())

    assert "open-outside" not in visitor.at.links
    assert "passkey-button" in visitor.at.attributes


def test_the_whole_way_works_inside_line_without_a_passkey(site, visitor):
    opened_inside(site, visitor)

    visitor.sign_in()
    assert visitor.set_pin().name == "consent"


def test_inside_line_the_passkey_s_page_says_one_thing(site, visitor):
    """Either "go on outside" or "not possible here", never both."""
    opened_inside(site, visitor)
    visitor.sign_in()

    visitor.get(visitor.at.links["set-passkey"])

    assert "open-outside" in visitor.at.links
    assert "passkey-missing" not in visitor.at.html


def test_what_was_begun_inside_goes_on_outside_with_its_state(site, visitor):
    outside = opened_inside(site, visitor)
    safari = site.visitor()

    safari.get(outside)

    assert safari.at.name == "login"
    assert "passkey-button" in safari.at.attributes
    safari.sign_in()
    safari.set_pin()
    safari.send("consent-form", "allow", purpose="EHR-SHARE")
    assert "state=st" in safari.at.refresh


def test_the_language_that_was_chosen_inside_is_spoken_outside(site, visitor):
    opened_inside(site, visitor)
    visitor.get(urlsplit(visitor.at.url).path + "?lang=en")
    safari = site.visitor()

    safari.get(visitor.at.links["open-outside"])

    assert safari.at.lang == "en"


def test_the_address_is_good_for_one_browser_and_ten_minutes(site, visitor):
    outside = opened_inside(site, visitor)
    safari, thief = site.visitor(), site.visitor()
    safari.get(outside)

    assert thief.get(outside).status == 404
    assert safari.get(outside).name == "login"

    again = opened_inside(site, site.visitor())
    site.clock.tick(11 * MINUTE)
    assert site.visitor().get(again).status == 404


def test_opened_inside_all_the_same_nothing_is_lost(site, visitor):
    """An old LINE that does not know the word stays where it is."""
    outside = opened_inside(site, visitor)

    assert visitor.get(outside).name == "login"


def test_a_sign_in_does_not_move_with_the_request(site, visitor):
    """Only the request goes on; who one is must be shown where one goes on."""
    visitor.client.environ_base["HTTP_USER_AGENT"] = INSIDE
    visitor.get(site.authorize_url())
    visitor.sign_in()
    assert visitor.at.name == "setup_choice"
    visitor.get(visitor.at.links["set-passkey"])
    safari = site.visitor()

    safari.get(visitor.at.links["open-outside"])

    assert safari.at.name == "login"
    assert safari.client.get("/me").status_code == 303


@pytest.mark.parametrize("word", ["x", "A" * 3000, "%E0%B8%81", "..%2f..", "%00"])
def test_a_word_that_is_not_ours_is_refused(site, visitor, word):  # noqa: ARG001
    assert visitor.get(f"/continue/{word}").status in {400, 404}
