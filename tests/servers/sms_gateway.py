"""An SMS gateway over HTTP, with receipts: the generic protocol that Yinyom speaks to a provider.

POST /sms, JSON `to`, `text` and perhaps `sender`, a bearer token, and `Idempotency-Key`: 202 with `{"id": …}`; the same
key again is the same id and no second SMS. 400 for a number that is none, 401, 402 without credit, 429.

A receipt goes by POST to the URL that the customer configured: JSON `id`, `key`, `status` (delivered, undelivered,
expired, rejected), `at` (RFC 3339), signed in `X-Gateway-Signature: sha256=<hex>`, HMAC-SHA256 of the body with a
secret of both. Receipts come late, twice, in any order, for messages that nobody sent, or forged: a test sends them.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.servers.authority import Authority
from tests.servers.ground import Answer, Call, Ground, standing

NUMBER = re.compile(r"\+[1-9]\d{6,14}|0\d[\d-]{7,11}")
STATUSES = frozenset({"delivered", "undelivered", "expired", "rejected"})


def _real() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- the processes under test read the same clock


@dataclass(frozen=True)
class Taken:
    """A message that went out, once."""

    id: str
    key: str
    to: str
    text: str
    sender: str


@dataclass(kw_only=True)
class SmsGateway(Ground):
    """`taken` in order; `honours_keys` False is a gateway that sends twice; `credit` is messages left."""

    token: str = "sms-token"
    receipt_secret: str = "receipt-secret"
    receipts_to: str = ""
    honours_keys: bool = True
    credit: int = 10_000
    taken: list[Taken] = field(default_factory=list)
    clock: Callable[[], datetime] = _real

    @property
    def endpoint(self) -> str:
        """Where to send."""
        return f"{self.url}/sms"

    def texts_to(self, number: str) -> list[str]:
        """What that phone received, in order; the number as it was given."""
        return [message.text for message in list(self.taken) if message.to == number]

    def answer(self, call: Call) -> Answer:
        """One message."""
        if (call.method, call.path) != ("POST", "/sms"):
            return told({"error": "not_found"}, 404)
        if call.headers.get("Authorization", "") != f"Bearer {self.token}":
            return told({"error": "unauthorized"}, 401)
        key = call.headers.get("Idempotency-Key", "")
        try:
            body = json.loads(call.body)
            to, text, sender = str(body["to"]), str(body["text"]), str(body.get("sender", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return told({"error": "bad_request"}, 400)
        if not NUMBER.fullmatch(to) or not text:
            return told({"error": "bad_number"}, 400)
        return self._take(key, to, text, sender)

    def _take(self, key: str, to: str, text: str, sender: str) -> Answer:
        with self.lock:
            before = next((m for m in self.taken if key and m.key == key), None) if self.honours_keys else None
            if before:
                return told({"id": before.id, "status": "accepted"}, 202)
            if self.credit < 1:
                return told({"error": "no_credit"}, 402)
            self.credit -= 1
            message = Taken(f"m-{len(self.taken) + 1}", key, to, text, sender)
            self.taken.append(message)
        return told({"id": message.id, "status": "accepted"}, 202)

    def receipt(
        self, message: Taken, status: str = "delivered", *, secret: str | None = None, **changed: Any
    ) -> httpx.Response:
        """Send one receipt, now; `secret` forges it, `changed` overrides its fields."""
        if status not in STATUSES:
            raise ValueError(f"no such status: {status}")
        told_of = {"id": message.id, "key": message.key, "status": status, "at": self.clock().isoformat()} | changed
        return self.post(json.dumps(told_of).encode(), secret=secret)

    def post(self, body: bytes, *, secret: str | None = None) -> httpx.Response:
        """Any body, signed."""
        known = self.receipt_secret if secret is None else secret
        mac = hmac.new(known.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Gateway-Signature": f"sha256={mac}"}
        return httpx.post(self.receipts_to, content=body, headers=headers, timeout=10)


def told(answer: object, status: int) -> Answer:
    """JSON."""
    return Answer(status, json.dumps(answer).encode())


@contextmanager
def open_sms_gateway(*, authority: Authority | None = None, port: int = 0, **told_of: Any) -> Iterator[SmsGateway]:
    """The gateway for the length of the block; `told_of` are its switches."""
    with standing(SmsGateway(**told_of), authority=authority, port=port) as gateway:
        yield gateway
