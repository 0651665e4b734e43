"""What stands at the door: TLS with a CA of our own, an issuer with a path, cookies and headers as in production."""

import re
import ssl
from urllib.parse import urlsplit

import httpx
import pytest

from tests.peers import tls
from tests.peers.world import PATH
from tests.stories.browser import as_json
from tests.stories.relying import RelyingParty


@pytest.fixture
def service(peers):
    """An ordinary client."""
    found = peers.register()
    with httpx.Client(timeout=30) as client:
        yield RelyingParty(peers.issuer, found.client_id, found.secret, peers.callback, "openid profile", http=client)


def test_a_client_that_does_not_know_the_ca_gets_no_answer(peers):
    """The other tests prove something only if TLS is really checked."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(peers.issuer + "/livez", verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_every_cookie_of_a_sign_in_is_locked_to_the_host(peers, service):
    """DECISIONS 26: __Host-, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain; HSTS on every answer."""
    citizen, asked = peers.citizen(), service.ask()

    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    assert tokens["id_token"]
    lines = [line for page in citizen.browser.seen for line in page.headers.get("set-cookie", "").split(", __Host-")]
    cookies = [line for line in lines if line]
    assert {re.split("[=]", line.removeprefix("__Host-"))[0] for line in cookies} >= {"yinyom", "yinyom-browser"}
    for line in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line
    assert all(page.headers["strict-transport-security"].startswith("max-age=") for page in citizen.browser.seen)


def test_metadata_stands_at_both_places_of_an_issuer_with_a_path(peers):
    """OIDC Discovery 4.1 appends, RFC 8414 section 3.1 inserts; every address in it is https and below the issuer."""
    origin = peers.issuer.removesuffix(PATH)
    appended = as_json(httpx.get(f"{peers.issuer}/.well-known/openid-configuration"))
    inserted = as_json(httpx.get(f"{origin}/.well-known/oauth-authorization-server{PATH}"))

    assert appended == inserted
    addresses = [value for name, value in appended.items() if name.endswith(("_endpoint", "_uri"))]
    assert addresses
    assert all(address.startswith(peers.issuer + "/") for address in addresses)


def test_the_proxy_tells_who_asks_and_the_server_believes_no_more_than_one(peers):
    """A client that writes X-Forwarded-For itself changes nothing: the machine's own pages stay closed."""
    answer = httpx.get(peers.issuer + "/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert answer.status_code == 404
    assert urlsplit(str(answer.url)).scheme == "https"


def test_a_missing_program_is_a_failure_in_one_sentence():
    """Skipping would let a whole peer go unnoticed."""
    with pytest.raises(AssertionError, match=r"^nginx-of-nobody is missing: apt-get install nginx-light$"):
        tls.program("nginx-of-nobody", "nginx-light")
