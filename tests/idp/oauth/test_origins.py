"""Whose scripts may read what the protocol answers: browser applications that are registered and in service."""

import pytest

from idp.oauth import clients, origins
from tests.fakes import NOW

SPA = {"kind": "web", "auth_method": "none", "redirect_uris": ["https://spa.example.test/cb", "http://127.0.0.1:5173/"]}


@pytest.fixture
def registered(stage):
    """Registers a client of the hospital."""

    def register(**facts):
        common = {"client_id": "spa", "name_th": "แอป", "name_en": "App", "purposes": {"SIGNIN": ["openid"]}}
        clients.register(stage.context.session, legal_entity_id=stage.hospital, now=NOW, **{**common, **SPA, **facts})
        return stage.context.session

    return register


@pytest.mark.parametrize("origin", ["https://spa.example.test", "http://127.0.0.1:5173"])
def test_a_browser_application_is_known_by_the_origins_of_its_redirect_uris(registered, origin):
    """RFC 6454 4: scheme, host and port, nothing else has to be registered."""
    assert origins.known(registered(), origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://spa.example.test/",
        "https://spa.example.test.evil.test",
        "https://spa.example.tes",
        "http://spa.example.test",
        "https://spa.example.test:8443",
        "https://spa_example_test",
        "https://%",
        "HTTPS://SPA.EXAMPLE.TEST",
        "http://127.0.0.1",
        "http://127.0.0.1:51730",
        "\0",
        "https://" + "a" * 10_000,
    ],
)
def test_another_origin_is_not_known(registered, origin):
    """RFC 6454 5: equal to the letter or foreign."""
    assert not origins.known(registered(), origin)


@pytest.mark.parametrize(
    "facts",
    [
        {"auth_method": "client_secret_basic"},
        {"kind": "native"},
        {"kind": "native", "redirect_uris": ["org.example.app:/cb"]},
    ],
    ids=["a server's", "an app's", "an app's own scheme"],
)
def test_clients_that_are_no_browser_application_open_nothing(registered, facts):
    """A server speaks for itself, and apps on a device have no origin."""
    session = registered(**facts)

    assert not origins.known(session, "https://spa.example.test")
    assert not origins.known(session, "org.example.app://None")


def test_a_suspended_application_loses_its_origin_at_once(registered):
    """Nothing is remembered between two requests."""
    session = registered()
    assert origins.known(session, "https://spa.example.test")

    clients.suspend(session, "spa", now=NOW)

    assert not origins.known(session, "https://spa.example.test")


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://App.Example.test/cb?x=1", "https://app.example.test"),
        ("https://app.example.test:443/cb", "https://app.example.test"),
        ("http://localhost:80/", "http://localhost"),
        ("https://app.example.test:8443/cb", "https://app.example.test:8443"),
        ("http://[::1]:5173/cb", "http://[::1]:5173"),
    ],
)
def test_an_origin_is_spelt_as_browsers_spell_it(uri, origin):
    """RFC 6454 6.2: lower case, no default port, brackets around IPv6."""
    assert origins.origin_of(uri) == origin
