import base64
import json

import pytest
from joserfc import jwt

from idp.assurance import Aal
from idp.oauth import id_token, live, resources, tokens
from idp.oauth.resources import ResourceFacts, Target
from tests.fakes import DAY, MINUTE
from tests.idp.oauth.stage import APPOINTMENT, HOLDER, SECRET, claims_of, header_of


def test_an_access_token_is_an_rfc_9068_jwt(stage):
    """RFC 9068 section 2; quirk 18: one key, its kid in the header."""
    token = stage.tokens()["access_token"]
    header, claims = header_of(token), claims_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert header["kid"] == stage.context.ring.signer("access_token").kid
    required = {"iss", "sub", "aud", "client_id", "jti", "iat", "exp", "auth_time", "acr", "scope"}
    assert required | {"grant_id", "purposes", "ial", "amr"} <= claims.keys()
    assert claims["exp"] - claims["iat"] <= 300


def test_the_strictest_purpose_sets_the_life(stage):
    """DECISIONS 11: `offline_s`."""
    assert stage.tokens()["expires_in"] == 60
    assert stage.tokens("SIGNIN", scope="openid")["expires_in"] == 300


def test_sub_is_the_holder_s_and_two_holders_cannot_compare(stage):
    """DECISIONS 7."""
    one = claims_of(stage.redeem(stage.code(resource=HOLDER)).body["access_token"])["sub"]
    two = claims_of(stage.redeem(stage.code(resource="https://labs.example.test")).body["access_token"])["sub"]
    me = claims_of(stage.tokens()["id_token"])["sub"]
    assert len({one, two, me}) == 3


def test_quirk_17_the_id_token_says_who_when_and_how(stage):
    """LIBRARIES 1.3 (17); OIDC Core 2 and 3.1.3.6: no claim of the person, nothing overwritten."""
    body = stage.tokens()
    claims = claims_of(body["id_token"])
    assert claims["iss"] == stage.context.issuer
    assert claims["aud"] == claims["azp"] == "portal"
    assert claims["nonce"] == "n-1"
    assert claims["acr"] == Aal.AAL2_1.acr
    assert claims["amr"] == ["mfa", "otp", "pin", "sms"]
    assert claims["at_hash"] == id_token.half_hash(body["access_token"])
    assert claims["ial"] == "1.3"
    assert claims.keys() == {
        *("iss", "sub", "aud", "azp", "iat", "exp", "auth_time", "acr", "amr", "at_hash", "nonce"),
        *("ial", "ial_at", "ial_method"),
    }


def test_the_hash_of_the_specification():
    """OIDC Core A.4 (RS256): the access token of the example."""
    assert id_token.half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"


def test_a_client_may_have_rs256(stage):
    """OIDC Core 15.1: RS256 is there for those who need it; quirk 18: the kid is the RSA key's."""
    code = stage.code(client_id="rsa", nonce=None)
    body = stage.redeem(code, basic=("rsa", SECRET)).body
    header = header_of(body["id_token"])
    assert header["alg"] == "RS256"
    key = stage.context.ring.public[header["kid"]]
    assert "nonce" not in jwt.decode(body["id_token"], key, algorithms=["RS256"]).claims


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example.test"},
        {"exp": 0},
        {"grant_id": "x"},
        {"grant_id": "00000000-0000-7000-8000-000000000000"},
        {"client_id": "nobody", "grant_id": None},
    ],
)
def test_claims_that_are_not_ours_are_not_live(stage, changes):
    """RFC 9068 section 4, even under our own signature."""
    claims = {**claims_of(stage.tokens()["access_token"]), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    token = stage.context.ring.signer("access_token").sign_jwt(claims, typ="at+jwt")
    assert tokens.find_live(stage.context, token) is None


@pytest.mark.parametrize("typ", ["JWT", "secevent+jwt", "AT+JWT"])
def test_only_access_tokens_are_access_tokens(stage, typ):
    """RFC 9068 section 4; attack O36: typ."""
    claims = claims_of(stage.tokens()["access_token"])
    assert tokens.find_live(stage.context, stage.context.ring.signer("access_token").sign_jwt(claims, typ=typ)) is None


def test_a_token_under_another_of_our_keys_is_refused(stage):
    """One key per use (DECISIONS 6)."""
    claims = claims_of(stage.tokens()["access_token"])
    for use, alg in (("id_token", "ES256"), ("event", "RS256"), ("id_token", "RS256")):
        forged = stage.context.ring.signer(use, alg).sign_jwt(claims, typ="at+jwt")
        assert tokens.find_live(stage.context, forged) is None


def test_a_changed_signature_is_refused(stage):
    """RFC 7515 section 5.2."""
    token = stage.tokens()["access_token"]
    head, body, signature = token.split(".")
    assert tokens.read(stage.context, token) is not None
    assert tokens.read(stage.context, f"{head}.{body}.{signature[::-1]}") is None
    assert tokens.read(stage.context, f"{head}.{body}.") is None


def test_purposes_that_must_be_asked_about_are_not_for_those_who_do_not_ask():
    """Catalogue rule 7: `offline_s` 0."""
    wanted = {"SIGNIN": ("openid",), "PID": ("moph.pid",), "APPT": (APPOINTMENT,)}
    blind = Target(ResourceFacts(HOLDER, None, "s", introspects=False), userinfo=False)
    asking = Target(ResourceFacts(HOLDER, None, "s", introspects=True), userinfo=False)
    assert tokens.fitting(wanted, blind).keys() == {"SIGNIN", "APPT"}
    assert tokens.fitting(wanted, asking).keys() == wanted.keys()


def test_scopes_of_other_holders_are_left_out():
    """Data minimisation."""
    target = Target(ResourceFacts(HOLDER, None, "s", accepts=("patient/Immunization",)), userinfo=False)
    assert tokens.fitting({"SIGNIN": ("openid",), "APPT": (APPOINTMENT,)}, target) == {"SIGNIN": ("openid",)}


def test_the_grant_s_state_is_read_with_its_person_and_client(stage):
    """DECISIONS 11: one read, live."""
    from uuid import UUID  # noqa: PLC0415

    grant_id = UUID(claims_of(stage.tokens()["access_token"])["grant_id"])
    grant = live.find_grant(stage.context, grant_id)
    assert grant.stopped_at(stage.context.now) is None
    assert grant.stopped_at(stage.signed_in.expires_at) == "signed_out"
    assert live.find_grant(stage.context, UUID(int=0)) is None
    assert resources.of_client(stage.context.session, "holder").keys() == {HOLDER}


@pytest.mark.parametrize("more", [{"crit": 5}, {"crit": [[]]}, {"crit": ["x"]}, {"jwk": 5}, {"b64": False}])
def test_a_header_with_odd_fields_is_no_token_of_ours(stage, more):
    """O36: a refusal at every endpoint, and no fault of ours."""
    token = stage.tokens()["access_token"]
    header = json.dumps({**header_of(token), **more}).encode()
    forged = ".".join([base64.urlsafe_b64encode(header).decode().rstrip("="), *token.split(".")[1:]])
    assert stage.userinfo(forged).status == 401
    assert stage.introspect(forged) == {"active": False}


def test_a_header_nested_without_end_is_no_token_of_ours(stage):
    """O36: deeper than the reader of JSON can go."""
    assert stage.userinfo(base64.urlsafe_b64encode(b"[" * 6000).decode() + ".e30.x").status == 401


def test_what_can_no_longer_matter_is_purged(stage):
    """Retention: revocations until the token's end, counters for a day."""
    token = stage.tokens()["access_token"]
    stage.introspect(token)
    tokens.revoke(stage.context.session, claims_of(token))
    assert tokens.purge(stage.context.session, now=stage.context.now) == 0
    assert tokens.purge(stage.context.session, now=stage.context.now + 10 * MINUTE) == 1
    assert tokens.purge(stage.context.session, now=stage.context.now + 2 * DAY) == 1
