from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from tests.fakes import Clock
from tests.servers.line import Channel, challenge_of, open_line, user

HTTP = httpx.Client()  # one for all: each would read the certificates anew

BACK = "https://yinyom.example.test/line/back"
CHANNEL = Channel("1234567890", "0123456789abcdef0123456789abcdef", (BACK,))
KEY = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture
def line():
    with open_line(channels=[CHANNEL], clock=Clock()) as made:
        made.person = made.knows("somebody")
        yield made


def start(line, **changed):
    asked = {"response_type": "code", "client_id": CHANNEL.client_id, "redirect_uri": BACK, "scope": "openid profile"}
    return HTTP.get(f"{line.url}/oauth2/v2.1/authorize", params=asked | {"state": "s-1", "nonce": "n-1"} | changed)


def returned(answer):
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def redeem(line, code, **changed):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    own = {"client_id": CHANNEL.client_id, "client_secret": CHANNEL.secret}
    return HTTP.post(f"{line.url}/oauth2/v2.1/token", data=form | own | changed)


def id_token(line, **changed):
    return redeem(line, returned(start(line, **changed))["code"]).json()["id_token"]


def test_a_web_login_is_signed_with_the_secret_of_the_channel(line):
    claims = jwt.decode(id_token(line), OctKey.import_key(CHANNEL.secret), algorithms=["HS256"]).claims

    assert (claims["iss"], claims["aud"]) == ("https://access.line.me", CHANNEL.client_id)
    assert (claims["sub"], claims["nonce"], claims["amr"]) == (user("somebody"), "n-1", ["linesso"])


def test_an_app_login_is_signed_with_a_key_that_is_published(line):
    line.signs = "es256"
    keys = KeySet.import_key_set(HTTP.get(f"{line.url}/oauth2/v2.1/certs").json())

    claims = jwt.decode(id_token(line), keys, algorithms=["ES256"]).claims

    assert claims["sub"] == user("somebody")


@pytest.mark.parametrize("signs", ["stranger_hs256", "stranger_es256", "none", "hs256_by_public_key"])
def test_a_wrong_signature_does_not_verify(line, signs):
    line.signs = signs
    token = id_token(line)
    published = KeySet.import_key_set(HTTP.get(f"{line.url}/oauth2/v2.1/certs").json())

    for key, algorithm in ((OctKey.import_key(CHANNEL.secret), "HS256"), (published, "ES256")):
        with pytest.raises((JoseError, ValueError)):
            jwt.decode(token, key, algorithms=[algorithm])


def test_line_verifies_its_own_tokens_and_says_why_not(line):
    token = id_token(line)

    def verify(**form):
        return HTTP.post(f"{line.url}/oauth2/v2.1/verify", data={"id_token": token} | form)

    assert verify(client_id=CHANNEL.client_id).json()["sub"] == user("somebody")
    assert verify(client_id=CHANNEL.client_id, nonce="other").json()["error_description"] == "Invalid IdToken Nonce."
    assert verify(client_id="else").status_code == 400
    line.clock.tick(timedelta(hours=2))
    assert verify(client_id=CHANNEL.client_id).json()["error_description"] == "IdToken expired."


def test_a_person_who_cancels_is_access_denied(line):
    line.denies = True

    told = returned(start(line))

    assert (told["error"], told["state"]) == ("access_denied", "s-1")


@pytest.mark.parametrize("changed", [{"state": ""}, {"client_id": "x"}, {"redirect_uri": "https://evil.example.test/"}])
def test_without_state_or_to_a_strange_address_nobody_is_sent(line, changed):
    answer = start(line, **changed)

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_code_is_good_once_for_its_channel_its_address_and_its_verifier(line):
    code = returned(start(line, code_challenge=challenge_of("v" * 43), code_challenge_method="S256"))["code"]

    assert redeem(line, code).json()["error"] == "invalid_grant"
    assert redeem(line, code, code_verifier="w" * 43).status_code == 400
    assert redeem(line, code, client_secret="wrong").status_code == 401
    assert redeem(line, code, code_verifier="v" * 43, redirect_uri="https://x.test/").status_code == 400
    assert redeem(line, code, code_verifier="v" * 43).status_code == 200
    assert redeem(line, code, code_verifier="v" * 43).json()["error"] == "invalid_grant"


def test_a_code_dies_after_ten_minutes(line):
    code = returned(start(line))["code"]
    line.clock.tick(timedelta(minutes=11))

    assert redeem(line, code).status_code == 400


def test_a_profile_is_shown_until_the_token_is_revoked(line):
    token = redeem(line, returned(start(line))["code"]).json()["access_token"]

    def profile():
        return HTTP.get(f"{line.url}/v2/profile", headers={"Authorization": f"Bearer {token}"})

    assert profile().json()["userId"] == user("somebody")
    HTTP.post(f"{line.url}/oauth2/v2.1/revoke", data={"access_token": token})
    assert profile().status_code == 401


def push(line, to=None, messages=None, token="line-channel-token", key=KEY):
    body = {"to": to or line.person, "messages": messages or [{"type": "text", "text": "สวัสดี"}]}
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Line-Retry-Key": key} if key else {})
    return HTTP.post(f"{line.url}/v2/bot/message/push", json=body, headers=headers)


def test_a_push_arrives_once_for_one_retry_key(line):
    first, second = push(line), push(line)

    assert (first.status_code, second.status_code) == (200, 409)
    assert second.headers["X-Line-Accepted-Request-Id"] == first.headers["X-Line-Request-Id"]
    assert second.json()["sentMessages"] == first.json()["sentMessages"]
    assert line.delivered == {line.person: ["สวัสดี"]}


def test_a_push_that_was_done_before_the_answer_was_lost_is_known_by_its_key(line):
    line.moods = ["twice"]

    assert [push(line).status_code, push(line).status_code] == [500, 409]
    assert line.delivered[line.person] == ["สวัสดี"]


def test_without_a_retry_key_it_arrives_twice(line):
    push(line, key=None)
    push(line, key=None)

    assert len(line.delivered[line.person]) == 2


def test_who_is_no_friend_gets_nothing_though_the_answer_is_200(line):
    stranger = line.knows("stranger", friend=False)

    assert push(line, to=stranger).status_code == 200
    assert stranger not in line.delivered


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"token": "wrong"}, 401),
        ({"to": "somebody"}, 400),
        ({"key": "not-a-uuid"}, 400),
        ({"messages": [{"type": "text", "text": "x" * 5001}]}, 400),
        ({"messages": [{"type": "text", "text": "x"}] * 6}, 400),
        ({"messages": [{"type": "text"}]}, 400),
    ],
)
def test_a_wrong_push_is_refused(line, changed, status):
    assert push(line, **changed).status_code == status
    assert line.delivered == {}


def test_past_the_quota_of_the_month_nothing_goes_out(line):
    line.quota = 0

    assert push(line).status_code == 429
    assert line.delivered == {}
