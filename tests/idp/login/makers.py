"""A maker of security keys: a root, and attestation certificates for its models (WebAuthn Level 3, 8.2, 8.2.1)."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from tests.fakes import NOW

MODEL = bytes(range(16))
NAMES_MODEL = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


def _named(name: str) -> x509.Name:
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation")
    return x509.Name([unit, x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Maker:
    """`names_model`: the model that its certificates name; None leaves it out."""

    name: str = "Maker"
    names_model: bytes | None = MODEL
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    leaf_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def root(self) -> x509.Certificate:
        """The certificate that an operator trusts."""
        return self._certificate(self.name, self.key.public_key(), ca=True)

    @property
    def root_pem(self) -> bytes:
        """The same as it stands in a file."""
        return self.root.public_bytes(Encoding.PEM)

    def attest(self, credential: dict[str, Any], *, by_itself: bool = False, key: Any = None) -> dict[str, Any]:
        """Turn a "none" attestation into a "packed" one: by the maker's certificate, or by the credential `key`."""
        response = credential["response"]
        data = cbor2.loads(base64url_to_bytes(response["attestationObject"]))["authData"]
        data = data[:37] + MODEL + data[53:]
        signed = data + hashlib.sha256(base64url_to_bytes(response["clientDataJSON"])).digest()
        signer = key if by_itself else self.leaf_key
        statement = {"alg": -7, "sig": signer.sign(signed, ec.ECDSA(hashes.SHA256()))}
        if not by_itself:
            leaf = self._certificate(f"{self.name} model", self.leaf_key.public_key(), ca=False)
            statement["x5c"] = [leaf.public_bytes(Encoding.DER)]
        made = cbor2.dumps({"fmt": "packed", "attStmt": statement, "authData": data})
        return {**credential, "response": {**response, "attestationObject": bytes_to_base64url(made)}}

    def _certificate(self, name: str, public_key: Any, *, ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=3650))
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if self.names_model is not None and not ca:
            named = x509.UnrecognizedExtension(NAMES_MODEL, b"\x04\x10" + self.names_model)
            builder = builder.add_extension(named, critical=False)
        return builder.sign(self.key, hashes.SHA256())
