import hashlib
import hmac

import httpx
import pytest

from tests.idp.servers import serving
from tests.servers.sms_gateway import open_sms_gateway

HTTP = httpx.Client()  # one for all: each would read the certificates anew


@pytest.fixture
def gateway():
    with open_sms_gateway() as made:
        yield made


def send(gateway, to="010-000-0035", text="รหัส 123456", key="k-1", token="sms-token"):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return HTTP.post(gateway.endpoint, json={"to": to, "text": text, "sender": "Yinyom"}, headers=headers)


def test_the_same_key_is_one_message(gateway):
    first, second = send(gateway), send(gateway)

    assert (first.status_code, second.json()) == (202, first.json())
    assert gateway.texts_to("010-000-0035") == ["รหัส 123456"]


def test_a_gateway_may_ignore_keys(gateway):
    gateway.honours_keys = False

    send(gateway)
    send(gateway)

    assert len(gateway.texts_to("010-000-0035")) == 2


def test_a_message_may_be_taken_though_the_answer_says_otherwise(gateway):
    gateway.moods = ["twice"]

    assert [send(gateway).status_code, send(gateway).status_code] == [500, 202]
    assert len(gateway.taken) == 1


@pytest.mark.parametrize(
    ("changed", "status"), [({"token": "wrong"}, 401), ({"to": "somebody"}, 400), ({"text": ""}, 400)]
)
def test_a_wrong_request_sends_nothing(gateway, changed, status):
    assert send(gateway, **changed).status_code == status
    assert gateway.taken == []


def test_without_credit_nothing_goes_out(gateway):
    gateway.credit = 1

    assert [send(gateway, key="a").status_code, send(gateway, key="b").status_code] == [202, 402]
    assert len(gateway.taken) == 1


def test_a_receipt_is_signed_over_its_body_and_can_be_forged(gateway):
    send(gateway)
    with serving(default=200) as customer:
        gateway.receipts_to = customer.url
        gateway.receipt(gateway.taken[0])
        gateway.receipt(gateway.taken[0], "undelivered", secret="guessed")

    right, forged = customer.received

    def mac(received):
        return "sha256=" + hmac.new(b"receipt-secret", received.body, hashlib.sha256).hexdigest()

    assert right.headers["X-Gateway-Signature"] == mac(right)
    assert forged.headers["X-Gateway-Signature"] != mac(forged)
    assert b'"status": "delivered"' in right.body


def test_a_receipt_of_an_unknown_kind_is_no_receipt(gateway):
    send(gateway)

    with pytest.raises(ValueError, match="eaten"):
        gateway.receipt(gateway.taken[0], "eaten")
