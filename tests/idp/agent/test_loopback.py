"""The one address that a page may ask."""

import json
import threading

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from idp.agent import apdu, chip, signing
from idp.agent.apdu import CardFault
from idp.agent.loopback import Loopback, origin_of
from idp.agent.signing import Signer
from tests.idp.agent.cards import SOMCHAI, card

HTTP = httpx.Client()  # one for all: each would read the certificates anew

ISSUER = "https://yinyom.example.test/under"
ORIGIN = "https://yinyom.example.test"
NONCE = "n" * 43


class Reader:
    """A reader with Somchai's card in it, or in trouble."""

    def __init__(self):
        self.fault = None
        self.held = threading.Event()
        self.entered = threading.Event()
        self.held.set()

    def read(self):
        """Wait until it may, then read."""
        self.entered.set()
        self.held.wait(10)
        if self.fault:
            raise CardFault(self.fault)
        one = card()
        return chip.record(apdu.dump(one.transmit, atr=one.atr))


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def key(tmp_path):
    signing.make_key(tmp_path / "agent.jwk")
    return tmp_path / "agent.jwk"


@pytest.fixture
def agent(reader, key):
    server = Loopback(0, issuer=ISSUER, read=reader.read, signer=Signer(key))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def ask(agent, body=None, **headers):
    sent = {"Origin": ORIGIN, "Content-Type": "application/json"} | headers
    return HTTP.post(f"{agent}/read", content=body or f'{{"nonce":"{NONCE}"}}', headers=sent, timeout=10)


def test_the_issuers_page_gets_the_card_signed_over_its_number(agent, key):
    answer = ask(agent)

    claims = jwt.decode(
        answer.json()["card"], ECKey.import_key(json.loads(key.read_text())), algorithms=["ES256"]
    ).claims
    assert answer.status_code == 200
    assert (claims["aud"], claims["nonce"]) == (ISSUER, NONCE)
    assert claims["card"]["national_id"] == SOMCHAI
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_browser_asks_first_and_hears_yes_for_the_issuer(agent):
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }

    answer = HTTP.options(f"{agent}/read", headers=asked)

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.test"},
        {"Origin": "null"},
        {"Origin": "https://yinyom.example.test.evil.test"},
        {"Origin": ISSUER},
        {"Host": "rebound.example.test"},
        {"Host": "127.0.0.1"},
    ],
)
def test_nobody_else_hears_anything(agent, reader, headers):
    """Also not under a name that somebody pointed at loopback (DNS rebinding)."""
    answer = ask(agent, **headers)
    before = HTTP.options(f"{agent}/read", headers={"Origin": ORIGIN} | headers)

    assert (answer.status_code, before.status_code) == (403, 403)
    assert answer.content == b""
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert not reader.entered.is_set()


def test_without_an_origin_there_is_no_card(agent, reader):
    """A page of the same computer that is no browser page, or an image."""
    answer = HTTP.post(f"{agent}/read", json={"nonce": NONCE})

    assert answer.status_code == 403
    assert not reader.entered.is_set()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("not json", {}),
        ("[]", {}),
        ('{"nonce":5}', {}),
        ('{"nonce":"short"}', {}),
        ('{"nonce":"' + "n" * 200 + '"}', {}),
        ('{"nonce":"' + "n" * 42 + '\\n"}', {}),
        ("[" * 1000, {}),
        (f'{{"nonce":"{NONCE}","more":"{"x" * 1100}"}}', {}),
        (f'{{"nonce":"{NONCE}"}}', {"Content-Type": "text/plain"}),
    ],
)
def test_a_wrong_question_reads_no_card(agent, reader, body, headers):
    answer = ask(agent, body, **headers)

    assert (answer.status_code, answer.json()) == (400, {"error": "bad_request"})
    assert not reader.entered.is_set()


@pytest.mark.parametrize(
    ("fault", "status"),
    [("no_card", 409), ("removed", 409), ("no_reader", 503), ("not_an_id_card", 422), ("garbled", 422)],
)
def test_a_fault_of_the_card_is_a_word(agent, reader, fault, status):
    reader.fault = fault

    answer = ask(agent)

    assert (answer.status_code, answer.json()) == (status, {"error": fault})


def test_one_card_at_a_time(agent, reader):
    reader.held.clear()
    first = threading.Thread(target=ask, args=(agent,))
    first.start()
    assert reader.entered.wait(10)

    second = ask(agent)
    reader.held.set()
    first.join(10)

    assert (second.status_code, second.json()) == (409, {"error": "busy"})
    assert ask(agent).status_code == 200


def test_other_ways_lead_nowhere(agent):
    assert HTTP.post(f"{agent}/", headers={"Origin": ORIGIN}).status_code == 404
    assert HTTP.get(f"{agent}/read", headers={"Origin": ORIGIN}).status_code == 501


def test_it_listens_on_loopback_alone(reader, key):
    with Loopback(0, issuer=ISSUER, read=reader.read, signer=Signer(key)) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("issuer", ["yinyom.example.test", "ftp://yinyom.example.test", "https://", ""])
def test_an_issuer_is_an_address(issuer):
    with pytest.raises(ValueError, match="no address"):
        origin_of(issuer)
