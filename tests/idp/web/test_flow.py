"""The citizen's way through the pages, without JavaScript, in one process."""

from urllib.parse import parse_qs, urlsplit


def query(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_citizen_goes_from_the_national_id_to_a_code(site, visitor):
    """ARCHITECTURE flow 1: login, step-up by a new PIN, consent, and a page that moves on to the service."""
    visitor.get(site.authorize_url())
    assert visitor.at.name == "login"

    assert visitor.sign_in().name == "setup_choice"
    assert visitor.set_pin().name == "consent"
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")

    assert visitor.at.name == "continue"
    told = query(visitor.at.refresh)
    assert told["state"] == "st"
    assert told["iss"] == "http://localhost:8000"
    assert "code" in told


def test_with_a_live_session_and_nothing_to_ask_the_browser_goes_straight_back(site, visitor):
    """OIDC Core 3.1.2.1; DECISIONS 14 keeps the redirect for a plain GET."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    visitor.set_pin()
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")

    answer = visitor.client.get(site.authorize_url(prompt="none"))

    assert answer.status_code == 303
    assert "code" in query(answer.headers["Location"])
