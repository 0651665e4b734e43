import base64
import json

import pytest

from idp.oauth import clients, provider
from idp.oauth.errors import PageError, RedirectError
from idp.oauth.features.private_key_jwt import TYPE
from tests.idp.oauth.stage import CALLBACK, SECRET, VERIFIER


def basic(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": "Basic " + base64.b64encode(raw).decode()}


def ask(stage, headers, **form):
    sent = {
        "grant_type": "authorization_code",
        "code": "x",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **form,
    }
    return stage.send(provider.token, headers=headers, form=sent)


@pytest.mark.parametrize(
    "headers",
    [
        basic(b"\xff\xfe:\xff"),
        basic("portal:%ff%fe"),
        basic("portal"),
        basic(""),
        basic(":"),
        basic("portal:wrong"),
        basic("portal:\x00"),
        basic("portal:é"),
        basic("nobody:x"),
        basic("a\x00b:x"),
        basic("portal:" + "x" * 100_000),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic é"},
        {"Authorization": "Basic"},
        {"Authorization": "Digest x"},
        {},
    ],
)
def test_quirk_11_a_bad_authorization_header_is_an_invalid_client(stage, headers):
    """LIBRARIES 1.3 (11): bad UTF-8, NUL or no secret at all are no server error."""
    answer = ask(stage, headers)
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="yinyom"'
    assert answer.body["error_description"].isascii()


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "portal", "client_secret": SECRET},
        {"client_secret": ""},
        {"client_assertion": "x", "client_assertion_type": "y"},
        {"client_id": "second"},
    ],
)
def test_quirk_11_two_ways_in_are_one_too_many(stage, form):
    """LIBRARIES 1.3 (11); RFC 6749 section 2.3."""
    answer = ask(stage, basic(f"portal:{SECRET}"), **form)
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


def test_the_header_and_the_same_client_id_in_the_body_are_fine(stage):
    """RFC 6749 section 3.2.1."""
    code = stage.code()
    assert ask(stage, basic(f"portal:{SECRET}"), code=code, client_id="portal").status == 200


def test_a_secret_may_come_in_the_body(stage):
    """RFC 6749 section 2.3.1: client_secret_post."""
    assert ask(stage, {}, code=stage.code(), client_id="portal", client_secret=SECRET).status == 200
    for wrong in ("", "x", "é\x01", "x" * 4000):
        assert ask(stage, {}, client_id="portal", client_secret=wrong).body["error"] == "invalid_client"


def test_a_confidential_client_cannot_come_without_its_secret(stage):
    """RFC 6749 section 3.2.1."""
    assert ask(stage, {}, client_id="portal").body["error"] == "invalid_client"


def test_a_public_client_has_no_secret_to_show(stage):
    """RFC 6749 section 2.1: and a made-up one proves nothing."""
    assert ask(stage, {}, client_id="app").body["error"] == "invalid_grant"
    assert ask(stage, {}, client_id="app", client_secret="x").body["error"] == "invalid_client"
    assert ask(stage, basic("app:x")).body["error"] == "invalid_client"


def test_form_encoding_of_the_header_is_undone(stage):
    """RFC 6749 section 2.3.1."""
    code = stage.code()
    assert ask(stage, basic(f"p%6Frtal:{SECRET}"), code=code).status == 200


def test_a_suspended_client_is_nobody(stage):
    """RFC 6749 section 5.2."""
    code = stage.code()
    clients.suspend(stage.context.session, "portal", now=stage.context.now)
    assert stage.redeem(code).body["error"] == "invalid_client"
    with pytest.raises(PageError) as refused:
        stage.check()
    assert refused.value.code == "client_suspended"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": None}, "client_id_missing"),
        ({"client_id": ""}, "client_id_missing"),
        ({"client_id": ["portal", "portal"]}, "client_id_repeated"),
        ({"client_id": "nobody"}, "client_unknown"),
        ({"client_id": "po\x00rtal"}, "client_unknown"),
        ({"client_id": "é"}, "client_unknown"),
        ({"client_id": "x" * 100_000}, "client_unknown"),
        ({"redirect_uri": None}, "redirect_uri_missing"),
        ({"redirect_uri": [CALLBACK, CALLBACK]}, "redirect_uri_repeated"),
    ],
)
def test_until_the_client_is_proven_errors_are_pages(stage, changes, code):
    """RFC 6749 section 4.1.2.1."""
    with pytest.raises(PageError) as refused:
        stage.check(**changes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK[:-1],
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("https://", "https://user@"),
        CALLBACK.replace(".test", ".test:8443"),
        CALLBACK.replace("/callback", "/a/../callback"),
        CALLBACK.replace("/callback", "/%63allback"),
        CALLBACK + "#",
        CALLBACK + "\x00",
        CALLBACK + '"',
        CALLBACK + "\\",
        "https://evil.example.test/",
        "https://[",
        "javascript:alert(1)",
        "é",
        "x" * 100_000,
    ],
)
def test_quirk_1_a_redirect_uri_matches_exactly_or_is_a_page(stage, uri):
    """LIBRARIES 1.3 (1); RFC 9700 section 2.1; attack O1."""
    with pytest.raises(PageError) as refused:
        stage.check(redirect_uri=uri)
    assert refused.value.code == "redirect_uri_unregistered"


@pytest.mark.parametrize("name", ["po\0rtal", "\ud800", "\x1b[2J"])
@pytest.mark.parametrize("way", ["basic", "post", "assertion"])
def test_a_client_name_that_no_database_can_hold_is_an_unknown_client(stage, name, way):
    """PostgreSQL raises at a NUL and every driver at a lone surrogate: neither may be a fault of ours."""
    quoted = "".join(f"%{byte:02X}" for byte in name.encode("utf-8", "surrogatepass"))
    claims = base64.urlsafe_b64encode(json.dumps({"sub": name}).encode()).rstrip(b"=").decode()
    sent = {
        "basic": {
            "headers": {"Authorization": "Basic " + base64.b64encode(f"{quoted}:x".encode()).decode()},
            "form": {},
        },
        "post": {"headers": {}, "form": {"client_id": name, "client_secret": "x"}},
        "assertion": {"headers": {}, "form": {"client_assertion_type": TYPE, "client_assertion": f"e30.{claims}.x"}},
    }[way]
    sent["form"]["grant_type"] = "client_credentials"

    answer = stage.send(provider.token, **sent)

    assert answer.status in (400, 401)
    assert answer.body["error"] in ("invalid_client", "invalid_request")


@pytest.mark.parametrize("name", ["po\0rtal", "\ud800"])
def test_such_a_name_at_the_authorization_endpoint_is_a_page(stage, name):
    """RFC 6749 section 4.1.2.1: the client is unproved."""
    with pytest.raises(PageError) as refused:
        stage.check(client_id=name)

    assert refused.value.code == "client_unknown"


@pytest.mark.parametrize("name", ["scope", "state", "nonce", "prompt", "display", "odd"])
def test_a_nul_after_the_way_back_is_proved_goes_back_as_an_error(stage, name):
    """RFC 6749 section 4.1.2.1: nothing but client and redirect_uri may turn a refusal into a page of ours."""
    with pytest.raises(RedirectError) as refused:
        stage.check(**{name: "a\0b"})

    assert refused.value.error == "invalid_request"
    assert refused.value.state == (None if name == "state" else "st")
