"""Assertions by a signer that nobody here wrote, over TLS: what is refused, and that refusing costs nobody else."""

import httpx
import pytest
from jwskate import Jwk
from requests_oauth2client import InvalidClient, OAuth2Client, PrivateKeyJwt

from tests.peers.world import HOLDER

SCOPE = "system/DiagnosticReport.c"
KINDS = {"RS256": "RSA", "RS384": "RSA", "PS512": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


@pytest.fixture(scope="module")
def robot(_peers, holder):  # noqa: ARG001 -- its tokens are for somebody
    """A system and its keys, one of each kind."""
    keys = {KINDS[alg]: Jwk.generate(alg=alg).with_kid_thumbprint() for alg in ("RS256", "ES256", "EdDSA")}
    public = [open_to_any_algorithm(key.public_jwk()) for key in keys.values()]
    words = ("--kind", "system", "--resource", HOLDER, "--auth-method", "private_key_jwt")
    found = _peers.register(*words, "--jwks", _peers.keys_file(*public), purposes=("LAB-ORDER",), redirect=None)
    return found.client_id, keys


def open_to_any_algorithm(key):
    """The key without the algorithm that it was made for."""
    return {name: value for name, value in key.items() if name not in ("alg", "key_ops")}


@pytest.fixture
def ask(peers, robot):
    """Ask for a token by an assertion of this shape."""
    client_id, keys = robot

    def asking(alg="ES256", **facts):
        key = Jwk(open_to_any_algorithm(keys[KINDS[alg]]))
        method = PrivateKeyJwt(client_id, key, alg=alg, **{"aud": peers.issuer, **facts})
        return OAuth2Client(f"{peers.issuer}/oauth/token", auth=method, testing=True).client_credentials(scope=SCOPE)

    return asking


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_what_is_allowed_is_taken(ask, alg):
    """FAPI 2.0 5.4.1."""
    assert ask(alg).scope == SCOPE


@pytest.mark.parametrize("alg", ["RS256", "RS384", "PS512"])
def test_an_algorithm_outside_the_list_is_refused(ask, alg):
    """RFC 7523 3: well signed by a registered key, and still not welcome."""
    with pytest.raises(InvalidClient, match="the algorithm is not allowed"):
        ask(alg)


def test_a_life_of_more_than_five_minutes_is_refused(ask):
    """FAPI 2.0 5.3.2.1: an assertion that lies about is a password."""
    assert ask(lifetime=290).scope == SCOPE
    with pytest.raises(InvalidClient, match="exp is too far ahead"):
        ask(lifetime=320)


def test_a_life_that_is_over_is_refused(ask):
    """RFC 7523 3, point 4."""
    with pytest.raises(InvalidClient, match="has expired"):
        ask(lifetime=-1)


@pytest.mark.parametrize("aud", ["https://another.example.test", "https://localhost", ""])
def test_an_assertion_for_somebody_else_is_refused(peers, ask, aud):
    """RFC 7523 3, point 3: audience injection."""
    with pytest.raises(InvalidClient, match="aud must be the issuer"):
        ask(aud=aud or f"{peers.issuer}/oauth/token")


def test_an_assertion_works_once_whichever_worker_hears_it(ask):
    """RFC 7523 3, point 7: the jti store is one for all processes."""
    assert ask(jti_gen=lambda: "only-once").scope == SCOPE

    for _ in range(4):
        with pytest.raises(InvalidClient, match="was used before"):
            ask(jti_gen=lambda: "only-once")


def test_a_key_that_is_not_registered_is_refused(peers, robot):
    """RFC 7523 3, point 9: a stranger's key under the client's own kid."""
    client_id, keys = robot
    stranger = Jwk.generate(alg="ES256")
    stranger = Jwk({**stranger, "kid": keys["EC"].kid})
    method = PrivateKeyJwt(client_id, stranger, aud=peers.issuer)

    with pytest.raises(InvalidClient, match="not by a registered key"):
        OAuth2Client(f"{peers.issuer}/oauth/token", auth=method, testing=True).client_credentials(scope=SCOPE)


def test_a_secret_is_no_substitute_for_the_key(peers, robot):
    """RFC 6749 2.3: one registered way in."""
    body = {"grant_type": "client_credentials", "scope": SCOPE}
    answer = httpx.post(f"{peers.issuer}/oauth/token", data=body, auth=(robot[0], "(none: it signs with its key)"))

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
