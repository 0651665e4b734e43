"""The LINE Login connector against a server that speaks LINE's reference, and lies when told to (THAI.md 2.9)."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from idp.login.line import HttpLineLogin
from idp.ports import UpstreamRefused, UpstreamUnavailable
from idp.upstream.id_token import Expected
from idp.upstream.wire import Wire
from tests.fakes import MINUTE, NOW, Clock
from tests.servers.line import Channel, open_line

BACK = "https://yinyom.example.test/line/callback"
CHANNEL = Channel("1650000000", "line-channel-secret-of-32-letters", (BACK,))
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def server():
    with open_line(channels=[CHANNEL], clock=Clock()) as made:
        made.person = made.knows("Somchai")
        yield made


def adapter(server, **changed):
    told = {"channel_id": CHANNEL.client_id, "secret": CHANNEL.secret, **changed}
    return HttpLineLogin(web=server.url, api=server.url, wire=Wire("line", timeout_s=2), **told)


def returned(line, *, nonce="n-1", befriend=False):
    url = line.sign_in_url(
        state="s-1", nonce=nonce, challenge=CHALLENGE, redirect_uri=BACK, locale="th", befriend=befriend
    )
    answer = httpx.get(url)
    back = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert back["state"] == "s-1"
    return back


def proved(server, line=None, *, nonce="n-1", verifier=VERIFIER):
    line = line or adapter(server)
    code = returned(line)["code"]
    return line.redeem(code, nonce=nonce, verifier=verifier, redirect_uri=BACK, now=NOW)


def refusal(server, **told):
    with pytest.raises(UpstreamRefused) as refused:
        proved(server, **told)
    return refused.value.code


@pytest.mark.parametrize("signs", ["hs256", "es256"])
def test_line_signs_in_two_ways_and_both_are_understood_here(server, signs):
    server.signs = signs

    assert proved(server) == server.person


@pytest.mark.parametrize(
    ("signs", "code"),
    [
        ("none", "alg"),
        ("stranger_hs256", "signature"),
        ("stranger_es256", "signature"),
        ("hs256_by_public_key", "signature"),
    ],
)
def test_what_line_did_not_sign_is_refused(server, signs, code):
    """RFC 8725 section 2.1: the public key, which everybody has, is no HMAC secret."""
    server.signs = signs

    assert refusal(server) == code


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://elsewhere.example.test"}, "iss"),
        ({"aud": "1659999999"}, "aud"),
        ({"exp": int((NOW - 2 * MINUTE).timestamp())}, "exp"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "another"}, "nonce"),
        ({"sub": "somebody"}, "sub"),
        ({"sub": None}, "sub"),
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused(server, claims, code):
    """OIDC Core 3.1.3.7. LINE echoes the nonce, so a token without it is another sign-in's."""
    server.claims = claims

    assert refusal(server) == code


def test_a_code_that_another_browser_brought_lacks_our_verifier(server):
    """RFC 7636: the code alone opens nothing."""
    assert refusal(server, verifier="w" * 43) == "invalid_grant"


def test_only_openid_is_asked_for(server):
    """No name, no picture, no address of anybody."""
    proved(server)

    asked = next(call for call in server.calls if call.path.endswith("/authorize"))
    assert asked.query["scope"] == ["openid"]
    assert asked.query["code_challenge_method"] == ["S256"]
    assert "bot_prompt" not in asked.query


def test_linking_offers_our_official_account(server):
    returned(adapter(server), befriend=True)

    assert server.calls[0].query["bot_prompt"] == ["normal"]


def test_whoever_says_no_comes_back_with_their_word(server):
    server.denies = True

    assert returned(adapter(server))["error"].lower() == "access_denied"


@pytest.mark.parametrize("mood", ["down", "reset", "hang", "flood"])
def test_when_line_is_away_nobody_is_taken_for_anybody(server, mood):
    server.moods_at = {"/oauth2/v2.1/token": mood}

    with pytest.raises(UpstreamUnavailable):
        proved(server)


def test_a_wrong_secret_of_ours_is_said_as_a_refusal(server):
    line = adapter(server, secret="not-the-secret-of-this-channel-at-all")

    with pytest.raises(UpstreamRefused):
        proved(server, line)


def test_a_channel_without_a_secret_believes_no_shared_secret(server):
    """An empty secret is everybody's: a token that an attacker signed with it must not pass."""
    line = adapter(server, secret="")
    forged = jwt.encode(
        {"alg": "HS256"},
        {"iss": "https://access.line.me", "aud": CHANNEL.client_id, "sub": server.person, "nonce": "n-1"},
        OctKey.import_key("x" * 32),
    )

    with pytest.raises(UpstreamRefused, match="alg"):
        line._tokens.read(forged, Expected(issuer="https://access.line.me", audience="us", nonce="n-1"), now=NOW)
