"""A passkey in software for these tests (WebAuthn Level 3): every field can be set to the wrong thing."""

import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from webauthn.helpers import bytes_to_base64url

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
ES256, EDDSA = -7, -8


@dataclass
class Authenticator:
    """One discoverable credential. `told` replaces or adds members of the client data; None values are left out."""

    origin: str
    alg: int = ES256
    flags: int = UP | UV
    count: int = 0
    counts: bool = True
    told: dict[str, Any] = field(default_factory=dict)
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: str | None = None
    key: Any = None

    def __post_init__(self) -> None:
        made = ec.generate_private_key(ec.SECP256R1()) if self.alg == ES256 else ed25519.Ed25519PrivateKey.generate()
        self.key = self.key or made

    def create(self, options: dict[str, Any], *, rp_id: str | None = None) -> dict[str, Any]:
        """What navigator.credentials.create gives, with attestation "none"."""
        self.user_handle = options["user"]["id"]
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._cose()
        data = self._data(rp_id or options["rp"]["id"], AT) + attested
        return self._credential(
            {
                "clientDataJSON": self._client_data("webauthn.create", options["challenge"]),
                "attestationObject": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
                "transports": ["internal", "hybrid", "carrier-pigeon"],
            }
        )

    def get(self, options: dict[str, Any], *, rp_id: str | None = None) -> dict[str, Any]:
        """What navigator.credentials.get gives."""
        self.count += self.counts
        told = self._client_data("webauthn.get", options["challenge"])
        data = self._data(rp_id or options["rpId"], 0)
        signed = data + hashlib.sha256(told).digest()
        by = (ec.ECDSA(hashes.SHA256()),) if self.alg == ES256 else ()
        return self._credential(
            {
                "clientDataJSON": told,
                "authenticatorData": data,
                "signature": self.key.sign(signed, *by),
                "userHandle": self.user_handle,
            }
        )

    def _cose(self) -> bytes:
        public = self.key.public_key()
        if self.alg == EDDSA:
            return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()})
        point = public.public_numbers()
        return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False} | self.told
        return json.dumps({name: value for name, value in said.items() if value is not None}).encode()

    def _data(self, rp_id: str, more: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([self.flags | more]) + struct.pack(">I", self.count)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = bytes_to_base64url(self.credential_id)
        coded = {
            key: bytes_to_base64url(value) if isinstance(value, bytes) else value for key, value in response.items()
        }
        return {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}, "response": coded}
