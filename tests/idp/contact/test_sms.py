import json
from contextlib import closing

import pytest

from idp.contact.sms import HttpSms, SmsFailed
from tests.idp.servers import serving

TO, TEXT = "+66100000035", "123456 คือรหัส"


def send(url, *, timeout_s=5.0, to=TO):
    with closing(HttpSms(url=url, token="token-of-the-gateway", sender="Yinyom", timeout_s=timeout_s)) as sms:
        sms.send(to, TEXT, key="otp-1")


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_message_is_handed_over_with_token_and_key(status):
    """The gateway protocol of idp.contact.sms."""
    with serving(default=status) as gateway:
        send(gateway.url)

    (request,) = gateway.received
    assert json.loads(request.body) == {"from": "Yinyom", "to": TO, "text": TEXT}
    assert request.headers["Authorization"] == "Bearer token-of-the-gateway"
    assert request.headers["Idempotency-Key"] == "otp-1"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "temporary"),
    [(429, True), (408, True), (500, True), (503, True), (400, False), (401, False), (404, False), (302, False)],
)
def test_a_refusal_says_whether_trying_again_can_help(status, temporary):
    """X15: the gateway fails in its own ways."""
    with serving(default=status) as gateway, pytest.raises(SmsFailed) as failed:
        send(gateway.url)

    assert (failed.value.code, failed.value.temporary) == (f"status_{status}", temporary)


def test_a_silent_gateway_is_given_up_in_time():
    """X15: no answer means that we do not know, so it is tried again under the same key."""
    with serving(default=0) as gateway, pytest.raises(SmsFailed) as failed:
        send(gateway.url, timeout_s=0.2)

    assert (failed.value.code, failed.value.temporary) == ("timeout", True)


def test_a_gateway_that_is_not_there_is_temporary():
    """X15."""
    with serving() as gateway:
        pass
    with pytest.raises(SmsFailed) as failed:
        send(gateway.url)

    assert (failed.value.code, failed.value.temporary) == ("no_answer", True)


@pytest.mark.parametrize("to", ["", "+882100000035", "0100000035", "+66100000035,+66100000043"])
def test_nothing_goes_abroad_or_to_two(to):
    """RELIABILITY 3: toll fraud."""
    with serving() as gateway, pytest.raises(SmsFailed) as failed:
        send(gateway.url, to=to)

    assert (failed.value.code, failed.value.temporary, gateway.received) == ("number", False, [])
