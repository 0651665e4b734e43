import hashlib
import hmac
import json
from contextlib import closing, contextmanager
from threading import Thread

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.wsgi import LimitedStream

from idp.breaker import Breaker
from idp.contact import passages
from idp.contact.gateways import Gateway, Gateways
from idp.contact.passages import MessagePassage
from idp.contact.sms import HttpSms
from idp.contact.spend import Ledger
from tests.fakes import NOW
from tests.idp.web.conftest import build
from tests.servers.sms_gateway import open_sms_gateway

SECRET = "a-secret-of-both-sides-0123456789"
TOLD = {"id": "m-1", "key": "otp-1", "status": "delivered", "at": "2026-11-23T03:00:00Z"}


@pytest.fixture
def hooked(settings, sessions, clock, ring, tmp_path):
    """A server that knows a gateway's secret, and one message that went out."""
    file = tmp_path / "receipts"
    file.write_text(SECRET + "\n")
    with sessions.writing() as session:
        passages.begin(session, "otp-1", "first", cost=50, now=NOW)
    return build(settings.model_copy(update={"sms_receipts_secret_file": file}), sessions, clock, ring)


def post(site, body=TOLD, *, gateway="first", secret=SECRET, kind="application/json", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    told = {"X-Gateway-Signature": f"sha256={mac}", "Content-Type": kind, **headers}
    return site.app.test_client().post(f"/hooks/sms/{gateway}", data=raw, headers=told)


def kept(sessions):
    with sessions.reading() as session:
        return session.scalars(select(MessagePassage.receipt)).one()


def test_a_signed_receipt_is_kept_and_so_is_nothing_twice(hooked, sessions):
    """X15: 204 for what comes again, late, or about nothing: the gateway stops telling."""
    assert [post(hooked).status_code for _ in range(3)] == [204] * 3
    assert post(hooked, TOLD | {"key": "of-nobody"}).status_code == 204
    assert post(hooked, TOLD | {"status": "undelivered"}).status_code == 204

    assert kept(sessions) == "delivered"


@pytest.mark.parametrize("status", ["undelivered", "expired", "rejected"])
def test_a_message_that_did_not_arrive_is_kept_as_that(hooked, sessions, status):
    """The three ways of the protocol."""
    assert post(hooked, TOLD | {"status": status}).status_code == 204

    assert kept(sessions) == "failed"


@pytest.mark.parametrize("status", ["accepted", "buffered", ""])
def test_a_status_on_the_way_is_passed_over(hooked, sessions, status):
    """Only final ones count."""
    assert post(hooked, TOLD | {"status": status}).status_code == 204

    assert kept(sessions) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "another-secret-of-nobody-0123456789"},
        {"X-Gateway-Signature": ""},
        {"X-Gateway-Signature": "sha256="},
        {"X-Gateway-Signature": "sha256=" + "0" * 64},
        {"X-Gateway-Signature": "sha256=\udce0"},
    ],
)
def test_a_forged_receipt_is_refused(hooked, sessions, forged):
    """Whoever could forge one could hide that codes do not arrive."""
    assert post(hooked, **forged).status_code == 403

    assert kept(sessions) is None


def test_a_signature_holds_for_the_very_bytes_that_came(hooked, sessions):
    """Not for what they might mean."""
    mac = hmac.new(SECRET.encode(), json.dumps(TOLD).encode(), hashlib.sha256).hexdigest()
    changed = json.dumps(TOLD | {"status": "undelivered"}).encode()

    assert post(hooked, changed, **{"X-Gateway-Signature": f"sha256={mac}"}).status_code == 403
    assert kept(sessions) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', {"key": 1, "status": "delivered"}, {"key": "otp-1"}])
def test_what_is_no_receipt_is_400(hooked, sessions, body):
    """Nothing is written for it."""
    assert post(hooked, body).status_code == 400
    assert post(hooked, TOLD | {"key": "otp\0"}).status_code == 400
    assert post(hooked, kind="text/plain").status_code == 400

    assert kept(sessions) is None


def test_one_gateway_does_not_speak_for_the_other(hooked, sessions):
    """And there are two, no more."""
    assert post(hooked, gateway="second").status_code == 204
    assert post(hooked, gateway="third").status_code == 404

    assert kept(sessions) is None


def test_without_a_secret_there_is_nothing_here(site, sessions):
    """The default takes no receipts."""
    with sessions.writing() as session:
        passages.begin(session, "otp-1", "first", cost=50, now=NOW)

    assert post(site).status_code == 404
    assert kept(sessions) is None


@contextmanager
def listening(app):
    """The application on a port of loopback."""

    def bounded(environ, start):
        """A body ends where it says, as with the server that we run."""
        environ["wsgi.input"] = LimitedStream(environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0))
        return app(environ, start)

    server = make_server("127.0.0.1", 0, bounded, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_gateway_tells_late_twice_and_of_nobodys_messages(hooked, sessions, clock):
    """X15, from the message to its receipt, with a gateway that was written from the protocol alone."""
    post(hooked)  # reads the keys, which takes a moment
    with open_sms_gateway(receipt_secret=SECRET) as gateway, listening(hooked.app) as here:
        gateway.receipts_to = f"{here}/hooks/sms/first"
        ledger = Ledger(sessions, clock, part_cost=50, cap=None)
        with closing(HttpSms(url=gateway.endpoint, token=gateway.token, sender="Yinyom")) as sms:
            made = Gateways([Gateway("first", sms, Breaker("sms-first"))], ledger)
            for key in ("otp-2", "otp-3"):
                made.send("+66100000035", "123456", key=key)
        arrived, lost = gateway.taken
        answers = [
            gateway.receipt(arrived, "undelivered"),
            gateway.receipt(arrived),
            gateway.receipt(arrived),
            gateway.receipt(lost, "expired"),
            gateway.post(json.dumps({"key": "otp-3", "status": "buffered"}).encode()),
            gateway.receipt(lost, key="of-nobody"),
            gateway.receipt(lost, secret="guessed"),
        ]

    assert [answer.status_code for answer in answers] == [204] * 6 + [403]
    with sessions.reading() as session:
        rows = session.execute(select(MessagePassage.key, MessagePassage.receipt).order_by(MessagePassage.key)).all()
    assert [tuple(row) for row in rows] == [("otp-1", "delivered"), ("otp-2", "delivered"), ("otp-3", "failed")]
