"""CORS at the protocol's addresses: who may read, from where, and that nothing of it is for cookies."""

import pytest

from idp.oauth import clients
from tests.fakes import NOW

SPA = "https://spa.example.test"
SCRIPTED = ("/oauth/token", "/oauth/revoke", "/oauth/userinfo")
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture
def client(site):
    """A browser's requests, once a browser application is registered."""
    with site.work.sessions.writing() as session:
        clients.register(
            session,
            client_id="spa",
            name_th="แอปบนเว็บ",
            name_en="Web app",
            legal_entity_id=site.hospital,
            kind="web",
            auth_method="none",
            purposes={"SIGNIN": ["openid", "profile"]},
            redirect_uris=[f"{SPA}/callback"],
            now=NOW,
        )
    return site.app.test_client()


@pytest.mark.parametrize("path", SCRIPTED)
def test_a_registered_application_may_ask_before_it_asks(client, path):
    """Fetch 3.2.2: the preflight of a request with a Bearer token."""
    asked = {"Origin": SPA, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}

    answer = client.options(path, headers=asked)

    assert (answer.status_code, answer.headers[ALLOW]) == (204, SPA)
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", SCRIPTED)
def test_a_stranger_is_told_nothing(client, path):
    """Fetch 3.2.5: without the header the browser keeps the answer from the page, whatever it is."""
    for headers in ({"Origin": "https://evil.example.test"}, {"Origin": "null"}, {}):
        for answer in (client.options(path, headers=headers), client.post(path, headers=headers)):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
            assert "Origin" in answer.vary


@pytest.mark.parametrize("path", SCRIPTED)
def test_a_refusal_can_be_read_by_the_application(client, path):
    """RFC 6749 5.2 and RFC 6750 3: an error that a script cannot read helps nobody."""
    answer = client.post(path, data={"client_id": "spa", "grant_type": "nothing"}, headers={"Origin": SPA})

    assert answer.status_code in (400, 401)
    assert answer.headers[ALLOW] == SPA
    assert answer.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    assert "Set-Cookie" not in answer.headers


def test_what_is_for_servers_and_for_people_is_for_no_script(client, site):
    """RFC 9700 2.6: never on the authorization endpoint; a holder that introspects is a server."""
    for path in (site.authorize_url(), "/oauth/introspect", "/me", "/"):
        for answer in (client.get(path, headers={"Origin": SPA}), client.options(path, headers={"Origin": SPA})):
            assert ALLOW not in answer.headers


def test_the_methods_are_what_they_were(client):
    """RFC 9110 15.5.6: answering OPTIONS has opened no other method."""
    assert client.get("/oauth/token").status_code == 405
    assert client.options("/oauth/introspect").status_code == 200
    assert client.options("/oauth/nothing").status_code == 404
    assert client.delete("/oauth/userinfo").status_code == 405
