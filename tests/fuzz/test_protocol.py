"""Clients that are who they say, and say anything; junk where tokens belong; and the receivers on the other side."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws

from idp.relying import EventRefused, Keys, Receiver, TokenRefused, Verifier
from tests.fuzz.clean import refuse_unclean
from tests.fuzz.conftest import looked_for
from tests.fuzz.strategies import Asked, claims, names, raw, texts, tokens
from tests.idp.relying.issuer import HERE, ISSUER, FakeIssuer, Loose
from tests.idp.web.stage import CALLBACK, CHALLENGE, SECRET

ENDPOINTS = ("token", "introspect", "revoke", "userinfo")
GRANTS = ["authorization_code", "refresh_token", "client_credentials", "password", ""]
anything = st.one_of(texts, tokens)
fields = st.dictionaries(names, anything, max_size=4)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_authenticated_client_may_say_anything(surface, endpoint):
    """RFC 6749 section 5.2: a word of the standard, in JSON, and never a fault."""

    @looked_for(50)
    @given(st.sampled_from(["portal", "holder", "po\x00rtal"]), st.sampled_from(GRANTS), fields, anything)
    def sent(client, grant, more, token):
        credentials = base64.b64encode(f"{client}:{SECRET}".encode()).decode()
        told = {"Authorization": f"Basic {credentials}" if endpoint != "userinfo" else f"Bearer {latin(token)}"}
        form = {"grant_type": grant, "token": token, "code": token, "refresh_token": token} | more
        body = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in form.items()).encode()
        asked = Asked("", f"/oauth/{endpoint}", "POST", "", "application/x-www-form-urlencoded", body, told)
        answer = surface.send(asked)
        refuse_unclean(answer)
        assert answer.status_code < 400 or endpoint == "userinfo" or json.loads(answer.text)["error"]

    sent()


def test_a_registered_client_may_ask_for_anything(surface):
    """RFC 6749 section 4.1.2.1: once the way back is proved, every refusal goes there, with `iss` (RFC 9207)."""

    @looked_for(100)
    @given(st.dictionaries(names.filter(lambda name: name not in ("client_id", "redirect_uri")), raw, max_size=3))
    def sent(more):
        asked = {
            "client_id": "portal",
            "redirect_uri": quoted(CALLBACK),
            "response_type": "code",
            "scope": "openid",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | {quoted(name): value for name, value in more.items()}
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = surface.send(Asked("", "/oauth/authorize", "GET", query), who="citizen")
        refuse_unclean(answer, to_owner=True)
        going = answer.headers.get("Location", "")
        assert going.startswith((CALLBACK, "/interaction/")), (query, answer.status_code)
        if going.startswith(CALLBACK):
            told = parse_qs(urlsplit(going).query)
            assert ("error" in told) != ("code" in told)
            assert told["iss"] == [surface.settings.issuer]

    sent()


@pytest.mark.parametrize("signed", [False, True])
def test_a_service_that_receives_anything_refuses_it(signed):
    """RFC 8417, RFC 9068: our library answers by its own refusals alone, even to junk under the issuer's own key."""
    issuer = FakeIssuer()
    keys = Keys(ISSUER, fetch=issuer.fetch, clock=issuer.clock)
    receiver = Receiver(ISSUER, "portal", keys=keys, clock=issuer.clock)
    verifier = Verifier(ISSUER, HERE, keys=keys, clock=issuer.clock)

    def acted(_event):
        raise AssertionError("junk was acted on")

    @looked_for(120)
    @given(claims if signed else tokens)
    def sent(said):
        access, event = (
            (issuer_signed(issuer, said, typ) for typ in ("at+jwt", "secevent+jwt")) if signed else (said,) * 2
        )
        with pytest.raises(TokenRefused):
            verifier.verify(access)
        with pytest.raises(EventRefused):
            receiver.accept(event.encode("utf-8", "surrogatepass"), acted)

    sent()


def issuer_signed(issuer, said, typ):
    """Any payload under the issuer's key for this type."""
    alg, kid, key = ("RS256", "event-1", issuer.rsa) if typ == "secevent+jwt" else ("ES256", "at-1", issuer.key)
    head = {"alg": alg, "kid": kid, "typ": typ}
    return jws.serialize_compact(head, json.dumps(said).encode(), key, registry=Loose(algorithms=[alg]))


def quoted(text: str) -> str:
    """Percent-encoded, lone surrogates too."""
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def latin(text: str) -> str:
    """What fits into a header."""
    return "".join(sign for sign in text if " " <= sign <= "~")[:6000]
