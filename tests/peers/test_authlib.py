"""Authlib's client: its Flask integration signs in, its session renews; ID tokens are read by joserfc alone."""

import httpx
import pytest
from authlib.integrations.base_client import OAuthError  # noqa: TID251 -- it is the peer
from authlib.integrations.flask_client import OAuth  # noqa: TID251 -- it is the peer
from authlib.integrations.requests_client import OAuth2Session  # noqa: TID251 -- it is the peer
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.peers.world import SCOPE

VERIFIER = "v" * 43
LEEWAY_S = 5  # the library's own, a minute, would renew at every request a token that lives for a minute


class Portal:
    """A Flask application as the library's manual has it: one route to sign in, one for the way back."""

    def __init__(self, peers, found, **facts):
        app = Flask("portal")
        app.secret_key = "of-a-portal-that-lives-for-one-test"
        self.provider = OAuth(app).register(
            "yinyom",
            client_id=found.client_id,
            client_secret=found.secret,
            server_metadata_url=f"{peers.issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"} | facts,
        )
        app.testing = True  # let its errors through
        app.add_url_rule("/", view_func=self.sign_in, endpoint="in")
        app.add_url_rule("/callback", view_func=self.back, endpoint="back")
        self.peers, self.browser, self.tokens, self.more = peers, app.test_client(), {}, {}

    def sign_in(self):
        """Off to the provider."""
        return self.provider.authorize_redirect(self.peers.callback, **self.more)

    def back(self):
        """State, nonce, signature, iss, aud, exp and at_hash are checked inside."""
        self.tokens = self.provider.authorize_access_token()
        return "signed in"

    def visit(self, citizen, **more):
        """The citizen goes through; the portal's own answer to the way back."""
        self.more = more
        url = self.peers.answer(citizen, self.browser.get("/").location)
        return self.browser.get("/callback?" + url.partition("?")[2])


@pytest.fixture
def portal(peers):
    """An ordinary registration; nothing is said about algorithms."""
    return Portal(peers, peers.register())


def test_the_flask_integration_signs_in_as_its_manual_says(peers, portal):
    """OIDC Core 3.1, RFC 7636: discovery, state, nonce, PKCE, ID token, UserInfo, with no line of ours."""
    portal.visit(peers.citizen())

    person = portal.tokens["userinfo"]  # the library's word for the checked claims of the ID token
    assert person["iss"] == peers.issuer
    assert person["acr"] == "urn:yinyom:aal:2.1"
    with portal.browser.application.test_request_context():
        read = portal.provider.userinfo(token=portal.tokens)
    assert (read["sub"], read["name"]) == (person["sub"], "มานี ทดสอบสุข")


def test_the_id_token_is_read_by_joserfc_with_our_keys_alone(peers, portal):
    """RFC 7517, RFC 7519: any JOSE library finds the key by its kid."""
    portal.visit(peers.citizen())

    keys = KeySet.import_key_set(httpx.get(f"{peers.issuer}/jwks.json").json())
    token = jwt.decode(portal.tokens["id_token"], keys, algorithms=["ES256"])

    assert token.header["alg"] == "ES256"
    assert token.claims["azp"] == portal.provider.client_id
    jwt.JWTClaimsRegistry(iss={"value": peers.issuer}, nonce={"essential": True}).validate(token.claims)


def test_a_session_renews_by_itself_and_revokes(peers, portal):
    """RFC 6749 6, RFC 7009: an expired token is renewed before the request that needs it."""
    portal.visit(peers.citizen())
    kept = []

    def keep(token, **_which):
        kept.append(token)

    metadata, provider = portal.provider.load_server_metadata(), portal.provider
    facts = {"token_endpoint": metadata["token_endpoint"], "update_token": keep, "leeway": LEEWAY_S}
    client = OAuth2Session(provider.client_id, provider.client_secret, token=dict(portal.tokens), **facts)
    with client:
        assert client.get(metadata["userinfo_endpoint"]).status_code == 200
        assert kept == []
        client.token["expires_at"] = 1
        assert client.get(metadata["userinfo_endpoint"]).json()["email"] == "manee@example.test"
        assert kept[0]["access_token"] != portal.tokens["access_token"]

        revoked = client.revoke_token(metadata["revocation_endpoint"], kept[0]["refresh_token"])
        assert revoked.status_code == 200
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token(metadata["token_endpoint"], kept[0]["refresh_token"])


def test_after_a_withdrawal_nothing_is_renewed(peers, portal):
    """PDPA s.19."""
    citizen = peers.citizen()
    portal.visit(citizen)

    peers.withdraw(citizen, "CONTACT")

    endpoint = portal.provider.load_server_metadata()["token_endpoint"]
    client = OAuth2Session(portal.provider.client_id, portal.provider.client_secret)
    with client, pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(endpoint, portal.tokens["refresh_token"])
    portal.visit(citizen, prompt="none", scope="openid profile")
    assert portal.tokens["userinfo"]["acr"] == "urn:yinyom:aal:2.1"


class ShortAssertion(PrivateKeyJWT):
    """The library's method with another lifetime, for which it has no parameter."""

    def sign(self, auth, token_endpoint):
        """One minute."""
        facts = {"client_id": auth.client_id, "token_endpoint": token_endpoint, "alg": self.alg, "expires_in": 60}
        return private_key_jwt_sign(auth.client_secret, header=dict(self.headers), **facts)


def by_key(peers, method, key, *words):
    """A service that signs, and where its citizen came back to."""
    keys = ("--auth-method", "private_key_jwt", "--jwks", peers.keys_file(key.as_dict(private=False)))
    found = peers.register(*keys, *words)
    facts = {"scope": SCOPE, "redirect_uri": peers.callback, "code_challenge_method": "S256"}
    client = OAuth2Session(found.client_id, key, token_endpoint_auth_method=method.name, **facts)
    client.register_client_auth_method(method)
    url, _state = client.create_authorization_url(f"{peers.issuer}/oauth/authorize", code_verifier=VERIFIER)
    return client, peers.answer(peers.citizen(), url)


def test_its_own_assertions_are_for_compat_clients(peers):
    """RFC 7523 as the library has it (RS256, the token endpoint as `aud`, an hour), word for word of its manual."""
    endpoint = f"{peers.issuer}/oauth/token"
    key = RSAKey.generate_key(2048, {"kid": "of-the-portal"})

    client, back = by_key(peers, PrivateKeyJWT(endpoint), key, "--profile", "compat")
    with client:
        tokens = client.fetch_token(endpoint, authorization_response=back, code_verifier=VERIFIER)
        assert client.refresh_token(endpoint, tokens["refresh_token"])["access_token"] != tokens["access_token"]

    method = PrivateKeyJWT(peers.issuer, alg="PS256")
    client, back = by_key(peers, method, key)
    with client, pytest.raises(OAuthError, match="exp is too far ahead"):
        client.fetch_token(endpoint, authorization_response=back, code_verifier=VERIFIER)


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
def test_a_standard_client_signs_for_a_minute(peers, alg):
    """FAPI 2.0 5.3.2.1 and 5.4: the issuer as audience, a strong algorithm, a short life."""
    endpoint, kid = f"{peers.issuer}/oauth/token", {"kid": "of-the-portal"}
    key = ECKey.generate_key("P-256", kid) if alg == "ES256" else RSAKey.generate_key(2048, kid)

    client, back = by_key(peers, ShortAssertion(peers.issuer, headers=kid, alg=alg), key)
    with client:
        tokens = client.fetch_token(endpoint, authorization_response=back, code_verifier=VERIFIER)
        assert client.refresh_token(endpoint, tokens["refresh_token"])["id_token"]


def test_refusals_come_as_the_librarys_own_errors(peers, portal):
    """OIDC Core 3.1.2.6 and RFC 6749 4.1.2.1. The library checks `state`, and leaves `iss` (RFC 9207) alone."""
    citizen = peers.citizen()
    with pytest.raises(OAuthError, match="login_required"):
        portal.visit(citizen, prompt="none")

    portal.more = {}
    back = peers.turn_back(citizen, portal.browser.get("/").location).url.partition("?")[2]
    with pytest.raises(OAuthError, match="access_denied"):
        portal.browser.get(f"/callback?{back}")
