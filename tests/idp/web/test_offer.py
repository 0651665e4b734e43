"""The offer of a passkey after a sign-in: once for each device, never in anybody's way (PAGES, Citizen)."""

import pytest

from tests.fakes import HOUR, SoftAuthenticator
from tests.idp.web.visitor import ISSUER, PIN
from tests.stories.browser import NOT_NOW

LINE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Line/14.0.0"


@pytest.fixture
def newcomer(visitor):
    """A device that was never asked."""
    for name in NOT_NOW:
        visitor.client.delete_cookie(name)
    return visitor


def at_home(visitor, site=None):
    """Signed in for the person's own pages, from their number on; a while after the code before."""
    if site is not None:
        site.clock.tick(HOUR / 6)
    visitor.get("/sign-in?next=/me")
    return visitor.sign_in()


def test_whoever_signs_in_without_a_passkey_is_offered_one_and_not_now_is_remembered(site, newcomer):
    """PAGES: in plain words, with "not now"; the device remembers, so the next sign-in goes straight through."""
    assert at_home(newcomer).name == "passkey_offer"

    assert newcomer.send("not-now-form", "not-now").name == "me"
    newcomer.client.delete_cookie("yinyom")
    assert at_home(newcomer, site).name == "me"


def test_the_passkey_that_was_offered_is_added_and_leads_on(newcomer):
    """It counts at once, and nobody who has one is offered another."""
    at_home(newcomer)
    where = newcomer.at.attributes["passkey"]

    answer = newcomer.passkey(SoftAuthenticator(ISSUER), "register", where["data-options-url"].removesuffix("/options"))

    assert answer["status"] == 200
    assert newcomer.get(answer["next"]).name == "me"


def test_never_between_a_person_and_a_service_that_waits(site, newcomer):
    """A service's request goes on as before."""
    newcomer.get(site.authorize_url(scope="openid"))

    assert newcomer.sign_in().name == "consent"
    newcomer.send("consent-form", "allow")
    assert newcomer.at.name == "continue"


def test_neither_on_a_shared_device_nor_in_line_nor_on_the_way_to_the_list_of_ways(site, newcomer):
    """Whoever unlocks a shared device would be that person; LINE's browser knows no passkeys."""
    newcomer.get("/sign-in?next=/me/security")
    assert newcomer.sign_in().name == "me_security"

    in_line = site.visitor()
    for name in NOT_NOW:
        in_line.client.delete_cookie(name)
    in_line.client.environ_base["HTTP_USER_AGENT"] = LINE
    assert at_home(in_line, site).name == "me"

    shared = site.visitor()
    for name in NOT_NOW:
        shared.client.delete_cookie(name)
    shared.client.set_cookie("yinyom-shared", "1")
    assert at_home(shared, site).name == "me"


def test_whoever_has_a_factor_must_have_used_it(site, newcomer):
    """ASVS 7.5.1: a code by SMS alone adds nothing beside somebody's PIN, so nothing is offered."""
    first = site.visitor()
    first.get(site.authorize_url())
    first.sign_in()
    first.set_pin()

    assert at_home(newcomer, site).name == "me"
    newcomer.client.delete_cookie("yinyom")
    site.clock.tick(HOUR / 6)
    newcomer.get("/sign-in?next=/me&aal=2.1")
    newcomer.sign_in()
    if newcomer.at.name == "step_up":
        newcomer.get(newcomer.at.links["use-pin"])
    assert newcomer.send("pin-form", pin=PIN).name == "passkey_offer"


def test_reloading_the_offer_is_no_dead_end(newcomer):
    """PAGES: going back leads on."""
    at = at_home(newcomer).url
    newcomer.send("not-now-form", "not-now")

    assert newcomer.get(at).name == "me"
