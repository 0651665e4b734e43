"""Apache's mod_auth_openidc: with PKCE by its own setting, without as `compat`, and with a key of its own."""

import pytest
from joserfc.jwk import RSAKey

from idp.demo.folder import free_port
from tests.idp.servers import serving
from tests.peers import apache, screen
from tests.peers.apache import Host

THE_APPLICATION = "the application"
PKCE = "OIDCPKCEMethod S256"
RENEW = "OIDCRefreshAccessTokenBeforeExpiry 3600 logout_on_error"  # longer than a token lives: at every request


@pytest.fixture(scope="session")
def site(_peers):
    """The hosts by name, one Apache, and the application behind it."""
    with serving(default=200, body=THE_APPLICATION.encode()) as application:
        hosts = dict(register(_peers))
        where = application.url.removesuffix("/hook")
        command = apache.command(_peers.folder / "apache", _peers.authority, _peers.issuer, where, [*hosts.values()])
        _peers.run("apache2", command, url=hosts["standard"].url)
        yield hosts, application


def register(peers):
    """Each host is a service of its own."""
    key = RSAKey.generate_key(2048, {"kid": "of-the-site", "use": "sig"})
    for name, pem in (("site.key", key.as_pem(private=True)), ("site.pub", key.as_pem(private=False))):
        (peers.folder / name).write_bytes(pem)
    keys = ("--auth-method", "private_key_jwt", "--jwks", peers.keys_file(key.as_dict(private=False)))
    by_key = (
        f"OIDCPublicKeyFiles of-the-site#{peers.folder}/site.pub",
        f"OIDCPrivateKeyFiles of-the-site#{peers.folder}/site.key",
        "OIDCProviderTokenEndpointAuth private_key_jwt",  # must stand after the keys
    )
    for name, words, lines in (
        ("standard", (), (PKCE, RENEW)),
        ("compat", ("--profile", "compat"), ()),
        ("careless", (), ()),
        ("rs256", ("--id-token-alg", "RS256"), (PKCE, "OIDCProviderTokenEndpointAuth client_secret_post")),
        ("by_key", (*keys, "--profile", "compat"), (PKCE, *by_key)),
        ("by_key_standard", keys, (PKCE, *by_key)),
    ):
        port = free_port()
        found = peers.register(*words, redirect=apache.redirect(port))
        secret = () if "--jwks" in words else (f"OIDCClientSecret {found.secret}",)
        yield name, Host(port, found, (*lines, *secret))


def visit(peers, host, path="/", **likes):
    """Somebody opens the site in a browser that goes everywhere by itself; who it was and where it ended."""
    citizen = peers.citizen(stops=("https://nowhere.example.test",), **likes)
    return citizen, citizen.walk(citizen.browser.get(host.url + path))


def claims(received):
    """What the application read from its request headers; Apache passes bytes, and these are UTF-8."""
    found = {name: value for name, value in received.headers.items() if name.startswith("OIDC_")}
    return {name.removeprefix("OIDC_CLAIM_"): value.encode("latin-1").decode() for name, value in found.items()}


@pytest.mark.parametrize("name", ["standard", "compat", "rs256", "by_key"])
def test_the_claims_reach_the_application(peers, site, name):
    """OIDC Core 3.1 and 5.3: signed in, and the Thai name stands in the header."""
    hosts, application = site

    citizen, page = visit(peers, hosts[name], "/ward?bed=7")

    assert (page.status, page.text) == (200, THE_APPLICATION)
    assert page.url == hosts[name].url + "/ward?bed=7"
    assert application.received[-1].path == "/ward?bed=7"
    told = claims(application.received[-1])
    assert (told["name"], told["email"]) == ("มานี ทดสอบสุข", "manee@example.test")
    assert (told["iss"], told["acr"]) == (peers.issuer, "urn:yinyom:aal:2.1")
    assert citizen.national_id not in str(told)


def test_a_browser_keeps_the_sites_cookies_on_the_way(peers, site, chromium):
    """The site's state cookie must survive the way through pages of another site, and our page that moves on."""
    hosts, application = site
    context = screen.window(chromium)
    page = context.new_page()
    page.goto(hosts["standard"].url + "/ward")

    screen.person(peers, page).walk()

    page.wait_for_url(hosts["standard"].url + "/ward")
    assert page.inner_text("body") == THE_APPLICATION
    assert claims(application.received[-1])["name"] == "มานี ทดสอบสุข"
    context.close()


def test_a_standard_client_that_forgets_pkce_is_told_so(peers, site):
    """RFC 7636 4.4.1: refused before anybody signs in, with the reason in the address for whoever set it up."""
    citizen, page = visit(peers, site[0]["careless"])

    assert "error=invalid_request&error_description=code_challenge+is+required" in page.url
    assert page.text != THE_APPLICATION
    assert citizen.walked == []


def test_rs256_assertions_are_for_compat_clients_only(peers, site):
    """FAPI 2.0 5.4: the module knows no other algorithm, so a `standard` client of it needs a secret."""
    hosts, application = site
    before = len(application.received)

    _, page = visit(peers, hosts["by_key_standard"])

    assert "Provider error" in page.text
    assert application.received[before:] == []


def test_signing_out_of_the_site_ends_its_own_session(peers, site):
    """Local sign-out: the next visit goes to the provider again, which answers at once while its session lives."""
    host = site[0]["compat"]
    citizen, _ = visit(peers, host)
    browser = citizen.browser
    bye = host.url + apache.BYE
    browser.stops = (bye, peers.issuer)

    assert browser.get(f"{host.url}{apache.CALLBACK}?logout={bye}").url == bye
    assert browser.get(host.url + "/").url.startswith(peers.issuer)

    browser.stops = ()
    assert browser.get(host.url + "/").text == THE_APPLICATION


def test_the_site_renews_and_a_withdrawal_ends_its_session(peers, site):
    """RFC 6749 6 at every request; after a withdrawal the refresh is refused and the module signs the visitor out."""
    hosts, application = site
    host = hosts["standard"]
    citizen, _ = visit(peers, host)
    first = claims(application.received[-1])["OIDC_access_token"]
    assert citizen.browser.get(host.url + "/again").text == THE_APPLICATION
    assert claims(application.received[-1])["OIDC_access_token"] != first

    peers.withdraw(citizen, "CONTACT")

    before = len(application.received)
    citizen.browser.stops = (host.url + apache.BYE, peers.issuer)
    assert citizen.browser.get(host.url + "/later").url == host.url + apache.BYE
    assert citizen.browser.get(host.url + "/later").url.startswith(peers.issuer)
    assert application.received[before:] == []


def test_a_refusal_lets_nobody_in(peers, site):
    """RFC 6749 4.1.2.1. The module takes an error with `iss` (RFC 9207) for a sign-in that somebody else began.

    With OIDCDefaultURL it would begin that sign-in, so the visitor could never say no; without, it shows an error.
    """
    citizen = peers.citizen(stops=("https://nowhere.example.test",))

    left = peers.turn_back(citizen, site[0]["compat"].url)

    assert "error=access_denied" in left.url
    assert "OIDCDefaultURL is not set" in left.text
