"""The clock of the tests, and fakes of the outside world that can be told to fail."""

import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)


@dataclass
class Clock:
    """A clock that stands still until a test moves it; call it as `create_app` does."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The present moment."""
        return self.now

    def tick(self, by: timedelta) -> datetime:
        """Move on and say what time it is."""
        self.now += by
        return self.now


@dataclass
class FakeSms:
    """An SMS gateway that keeps what it was given. `fails` errors stand in line; see `fail`."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    fails: list[tuple[Exception, bool]] = field(default_factory=list)

    def fail(self, error: Exception, *, kept: bool = False) -> None:
        """Let the next send raise; with `kept` the message went out all the same."""
        self.fails.append((error, kept))

    def send(self, to: str, text: str, *, key: str) -> None:
        """Keep the message once per idempotency key, or fail as told."""
        error, kept = self.fails.pop(0) if self.fails else (None, True)
        if kept and key not in {seen for _, _, seen in self.sent}:
            self.sent.append((to, text, key))
        if error is not None:
            raise error


@dataclass
class FakeRegistry:
    """A registry of made-up people by national ID; raises what it is told to raise."""

    people: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def look_up(self, national_id: str) -> Any:
        """The person, None, or the failure."""
        self.asked.append(national_id)
        if self.error is not None:
            raise self.error
        return self.people.get(national_id)


USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class SoftAuthenticator:
    """A passkey in software (WebAuthn Level 3). Each field can be set to the wrong thing, to be refused.

    `create(options)` and `get(options)` take the options that a page would get and answer with the credential as
    `PublicKeyCredential.toJSON()` gives it. One authenticator holds one discoverable ES256 credential.
    """

    origin: str
    flags: int = USER_PRESENT | USER_VERIFIED
    sign_count: int = 0
    aaguid: bytes = bytes(16)
    counts: bool = True
    client_data: dict[str, Any] = field(default_factory=dict)
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: str | None = None

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.create: a new credential with attestation "none"."""
        self.user_handle = options["user"]["id"]
        point = self._key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        attested = self.aaguid + struct.pack(">H", len(self.credential_id)) + self.credential_id + cose
        data = self._authenticator_data(options["rp"]["id"], ATTESTED) + attested
        return self._credential(
            clientDataJSON=self._client_data("webauthn.create", options["challenge"]),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
            transports=["internal"],
        )

    def get(self, options: dict[str, Any], *, rp_id: str | None = None) -> dict[str, Any]:
        """navigator.credentials.get: an assertion over the challenge."""
        self.sign_count += self.counts
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data(rp_id or options["rpId"], 0)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=client_data, authenticatorData=data, signature=signature, userHandle=self.user_handle
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | self.client_data).encode()

    def _authenticator_data(self, rp_id: str, extra: int) -> bytes:
        return (
            hashlib.sha256(rp_id.encode()).digest() + bytes([self.flags | extra]) + struct.pack(">I", self.sign_count)
        )

    def _credential(self, **response: Any) -> dict[str, Any]:
        name = bytes_to_base64url(self.credential_id)
        coded = {
            key: bytes_to_base64url(value) if isinstance(value, bytes) else value for key, value in response.items()
        }
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": coded,
        }
