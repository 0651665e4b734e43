from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.fakes import NOW, Clock
from tests.servers.thaid import Client, open_thaid

HTTP = httpx.Client()  # one for all: each would read the certificates anew

SOMCHAI = "3999000010035"
BACK = "https://yinyom.example.test/back"
CLIENT = Client("yinyom", "secret-of-yinyom", (BACK,))
BASIC = (CLIENT.client_id, CLIENT.secret)


@pytest.fixture
def thaid():
    with open_thaid(clients=[CLIENT, Client("other", "other-secret", (BACK,))], clock=Clock(), person=SOMCHAI) as made:
        made.knows(SOMCHAI, given_name="สมชาย", family_name="ใจสมมติ", birthdate="1979-04-13")
        yield made


def start(thaid, **changed):
    asked = {"response_type": "code", "client_id": "yinyom", "redirect_uri": BACK, "scope": "openid pid ial"}
    return HTTP.get(f"{thaid.base}/auth/", params=asked | {"state": "s-1"} | changed)


def returned(answer):
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def redeem(thaid, code, auth=BASIC, **changed):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK} | changed.pop("form", changed)
    return HTTP.post(f"{thaid.base}/token/", data=form, auth=auth)


def claims_of(thaid, id_token):
    keys = KeySet.import_key_set(HTTP.get(f"{thaid.url}/jwks/").json())
    return jwt.decode(id_token, keys, algorithms=["ES256"]).claims


def token_for(thaid, scope="openid pid ial", **changed):
    return redeem(thaid, returned(start(thaid, scope=scope, **changed))["code"]).json()


def test_with_openid_the_attributes_stand_in_a_signed_token_whose_subject_is_the_number(thaid):
    answer = token_for(thaid)

    claims = claims_of(thaid, answer["id_token"])
    assert claims["sub"] == claims["pid"] == SOMCHAI
    assert (claims["iss"], claims["aud"], claims["ial"]) == (thaid.url, "yinyom", 2.3)
    assert "nonce" not in claims
    assert "pid" not in answer


def test_without_openid_the_attributes_come_flat(thaid):
    answer = token_for(thaid, scope="pid given_name birthdate")

    assert (answer["pid"], answer["given_name"], answer["birthdate"]) == (SOMCHAI, "สมชาย", "1979-04-13")
    assert "id_token" not in answer


def test_the_life_of_a_token_is_a_moment_under_a_misspelt_name(thaid):
    answer = token_for(thaid)

    assert answer["expire_in"] == int((NOW + timedelta(minutes=15)).timestamp())
    assert "expires_in" not in answer


def test_the_metadata_name_every_address(thaid):
    metadata = HTTP.get(thaid.discovery).json()

    assert metadata["issuer"] == thaid.url
    assert metadata["jwks_uri"] == f"{thaid.url}/jwks/"
    assert metadata["token_endpoint"].endswith("/api/v2/oauth2/token/")
    assert metadata["id_token_signing_alg_values_supported"] == ["ES256"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": ""}, "invalid_request"),
        ({"scope": "pid shoe_size"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_a_wrong_request_goes_back_with_its_error(thaid, changed, error):
    assert returned(start(thaid, **changed))["error"] == error


@pytest.mark.parametrize(
    ("changed", "status"), [({"client_id": "nobody"}, 401), ({"redirect_uri": "https://evil.example.test/"}, 400)]
)
def test_a_stranger_or_a_strange_address_goes_nowhere(thaid, changed, status):
    answer = start(thaid, **changed)

    assert answer.status_code == status
    assert "Location" not in answer.headers


def test_a_person_who_says_no_is_user_denied(thaid):
    thaid.denies = True

    assert returned(start(thaid)) == {
        "error": "user_denied",
        "error_description": "User denied the request (disapproved)",
        "state": "s-1",
    }


def test_a_code_is_good_once(thaid):
    code = returned(start(thaid))["code"]

    first, second = redeem(thaid, code), redeem(thaid, code)

    assert first.status_code == 200
    assert (second.status_code, second.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("auth", "changed", "status"),
    [
        (("yinyom", "wrong"), {}, 401),
        (None, {"client_id": "yinyom", "client_secret": "secret-of-yinyom"}, 401),
        (("other", "other-secret"), {}, 400),
        (BASIC, {"redirect_uri": "https://else.example.test/"}, 400),
        (BASIC, {"grant_type": "password"}, 400),
        (BASIC, {"form": {"code": "guessed"}}, 400),
    ],
)
def test_a_code_is_for_its_client_and_its_address(thaid, auth, changed, status):
    code = returned(start(thaid))["code"]

    assert redeem(thaid, code, auth, **changed).status_code == status


def test_a_code_dies_after_a_minute(thaid):
    code = returned(start(thaid))["code"]
    thaid.clock.tick(timedelta(seconds=61))

    assert redeem(thaid, code).status_code == 400


@pytest.mark.parametrize("signs", ["stranger", "none", "hs256", "rs256"])
def test_a_wrong_signature_does_not_verify(thaid, signs):
    thaid.signs = signs

    with pytest.raises((JoseError, ValueError)):
        claims_of(thaid, token_for(thaid)["id_token"])


def test_claims_and_answers_can_be_told(thaid):
    thaid.claims, thaid.token_answer = {"aud": "else", "pid": None}, {"expires_in": 900, "expire_in": None}

    answer = token_for(thaid)

    claims = claims_of(thaid, answer["id_token"])
    assert claims["aud"] == "else"
    assert "pid" not in claims
    assert answer["expires_in"] == 900
    assert "expire_in" not in answer


@pytest.mark.parametrize(("nonces", "expected"), [("absent", None), ("echoed", "n-1"), ("wrong", "not-n-1")])
def test_a_nonce_comes_back_only_when_told(thaid, nonces, expected):
    thaid.nonces = nonces

    assert claims_of(thaid, token_for(thaid, nonce="n-1")["id_token"]).get("nonce") == expected


def test_after_a_rotation_the_old_key_is_gone(thaid):
    before = token_for(thaid)["id_token"]
    thaid.rotate()

    with pytest.raises((JoseError, ValueError)):
        claims_of(thaid, before)

    assert claims_of(thaid, token_for(thaid)["id_token"])["sub"] == SOMCHAI


def test_introspection_and_revocation_want_the_word_bearer(thaid):
    token = token_for(thaid)["access_token"]

    def say(where, value):
        return HTTP.post(f"{thaid.base}/{where}/", data={"token": value}, auth=BASIC)

    assert say("introspect", token).status_code == 400
    assert say("introspect", f"Bearer {token}").json() == {"active": True, "sub": SOMCHAI, "scope": "openid pid ial"}
    assert say("revoke", f"Bearer {token}").json() == {"status": "OK", "message": "revoked"}
    assert say("introspect", f"Bearer {token}").json() == {"active": False}
    assert HTTP.post(f"{thaid.base}/revoke/", data={"token": f"Bearer {token}"}).status_code == 401
