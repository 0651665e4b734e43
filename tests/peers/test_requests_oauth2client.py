"""requests-oauth2client: code flow, keys instead of secrets, a system's own token, revocation, introspection.

`testing=True` is the library's word for "another port than 443", and loosens nothing else that is used here.
"""

import pytest
import requests
from jwskate import Jwk
from requests_oauth2client import (
    AuthorizationResponseError,
    BearerToken,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    LoginRequired,
    MismatchingIssuer,
    OAuth2Client,
    PrivateKeyJwt,
    UnauthorizedClient,
)

from tests.peers.world import HOLDER, SCOPE

HISTORY = "patient/Condition.rs patient/Encounter.rs"
REPORT = "system/DiagnosticReport.c"


@pytest.fixture
def service(peers):
    """Makes a service of the library for a registration."""
    session = requests.Session()

    def make(found, **facts):
        known = {"redirect_uri": peers.callback, "id_token_signed_response_alg": "ES256", "session": session}
        facts = {**known, "auth": (found.client_id, found.secret), **facts}
        return OAuth2Client.from_discovery_endpoint(issuer=peers.issuer, testing=True, **facts)

    yield make
    session.close()


def signed_in(peers, client, citizen, **asked):
    """The whole way to validated tokens."""
    request = client.authorization_request(**{"scope": SCOPE, **asked})
    response = request.validate_callback(peers.answer(citizen, request.uri))
    return client.authorization_code(response, validate=True)


@pytest.fixture(params=["client_secret_post", "PS256", "ES256", "EdDSA"])
def client(request, peers, service):
    """A confidential service: by secret, and by each algorithm that a `standard` client may sign with."""
    if request.param == "client_secret_post":
        found = peers.register("--auth-method", "client_secret_post")
        return service(found)
    return by_key(peers, service, request.param)


def by_key(peers, service, alg, *words, aud=None, **more):
    """A service with a key of its own, whose assertions are for the issuer unless said otherwise."""
    key = Jwk.generate(alg=alg, use="sig").with_kid_thumbprint()
    public = {name: value for name, value in key.public_jwk().items() if name != "key_ops"}
    found = peers.register("--auth-method", "private_key_jwt", "--jwks", peers.keys_file(public), *words, **more)
    return service(found, auth=PrivateKeyJwt(found.client_id, key, aud=aud or peers.issuer))


def test_the_whole_life_of_a_sign_in(peers, client):
    """OIDC Core 3.1 and 12, RFC 7636, RFC 9207, RFC 7009; the library checks state, nonce, iss, at_hash, signature."""
    tokens = signed_in(peers, client, peers.citizen())
    assert isinstance(tokens, BearerToken)
    assert tokens.id_token.claims["acr"] == "urn:yinyom:aal:2.1"
    assert client.userinfo(tokens)["name"] == "มานี ทดสอบสุข"

    renewed = client.refresh_token(tokens)
    assert renewed.id_token.claims["sub"] == tokens.id_token.claims["sub"]

    assert client.revoke_refresh_token(renewed) is True
    with pytest.raises(InvalidGrant):
        client.refresh_token(tokens)
    with pytest.raises(requests.HTTPError, match="401"):
        client.userinfo(renewed.access_token)


def test_rs256_is_what_the_library_expects_unless_told(peers, service):
    """OIDC Core 2: a client that was registered for RS256 needs no word about algorithms."""
    found = peers.register("--id-token-alg", "RS256")

    tokens = signed_in(peers, service(found, id_token_signed_response_alg="RS256"), peers.citizen())

    assert tokens.id_token.alg == "RS256"


def test_the_librarys_own_audience_is_for_compat_clients(peers, service):
    """FAPI 2.0 5.3.2.1: the token endpoint as `aud` is refused to a `standard` client and taken from `compat`."""
    endpoint = f"{peers.issuer}/oauth/token"
    with pytest.raises(InvalidClient, match="aud must be the issuer"):
        signed_in(peers, by_key(peers, service, "ES256", aud=endpoint), peers.citizen())

    old = by_key(peers, service, "RS256", "--profile", "compat", aud=endpoint)
    assert signed_in(peers, old, peers.citizen()).refresh_token


def test_after_a_withdrawal_nothing_is_renewed(peers, service):
    """PDPA s.19."""
    client, citizen = service(peers.register()), peers.citizen()
    tokens = signed_in(peers, client, citizen)

    peers.withdraw(citizen, "CONTACT")

    with pytest.raises(InvalidGrant):
        client.refresh_token(tokens)
    assert signed_in(peers, client, citizen, scope="openid profile", prompt="none").id_token


def test_refusals_have_the_names_of_the_standards(peers, service):
    """OIDC Core 3.1.2.6 and RFC 6749 4.1.2.1: each becomes the library's own exception."""
    client, citizen = service(peers.register()), peers.citizen()
    with pytest.raises(LoginRequired):
        signed_in(peers, client, citizen, prompt="none")

    request = client.authorization_request(scope=SCOPE)
    with pytest.raises(AuthorizationResponseError) as refused:
        request.validate_callback(peers.turn_back(citizen, request.uri).url)
    assert refused.value.error == "access_denied"


def test_an_answer_of_another_issuer_is_refused_by_the_client(peers, service):
    """RFC 9207 2.4."""
    request = service(peers.register()).authorization_request(scope=SCOPE)
    url = peers.answer(peers.citizen(), request.uri)

    with pytest.raises(MismatchingIssuer):
        request.validate_callback(url.replace("iss=https%3A%2F%2Flocalhost", "iss=https%3A%2F%2Felsewhere"))


def test_a_holder_introspects_and_hears_of_a_revocation_at_once(peers, service, holder):
    """RFC 7662, RFC 8707, RFC 7009."""
    client = service(peers.register("--resource", HOLDER, purposes=("SIGNIN", "EHR-SHARE")))
    records = service(holder)
    tokens = signed_in(peers, client, peers.citizen(), scope=f"openid {HISTORY}", resource=HOLDER)

    told = records.introspect_token(tokens)
    assert told["active"] is True
    assert set(told["scope"].split()) >= set(HISTORY.split())
    assert told["aud"] == HOLDER

    assert client.revoke_access_token(tokens) is True
    assert records.introspect_token(tokens) == {"active": False}


def test_a_system_asks_for_itself(peers, service, holder):
    """RFC 6749 4.4 with private_key_jwt; what it is not registered for has the standard's names."""
    words = ("--kind", "system", "--resource", HOLDER)
    robot = by_key(peers, service, "ES256", *words, purposes=("LAB-ORDER",), redirect=None)

    token = robot.client_credentials(scope=REPORT)

    assert service(holder).introspect_token(token)["scope"] == REPORT
    with pytest.raises(InvalidScope):
        robot.client_credentials(scope="system/Claim.c")
    with pytest.raises(UnauthorizedClient):
        service(peers.register()).client_credentials(scope=REPORT)
