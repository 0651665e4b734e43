"""A throw-away certificate authority: one certificate for this machine, and one for each client that is let in."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIVES = timedelta(days=2)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key as two PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Nobody trusts it unless told to: hand `bundle` to a client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Throw-away CA")
        self._now = datetime.now(UTC)  # noqa: TID251 -- TLS reads the same clock
        certificate = self._draft(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, common_name: str, *, expired: bool = False) -> Pair:
        """A certificate for a client, or for this machine; `expired` ran out yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        draft = self._draft(_name(common_name), key, back=LIVES + timedelta(days=1) if expired else timedelta(hours=1))
        draft = draft.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pair = Pair(self.folder / f"{common_name}.pem", self.folder / f"{common_name}.key")
        pair.certificate.write_bytes(draft.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pair

    def server_context(self, *, client_certificate: bool) -> ssl.SSLContext:
        """What a server needs; with `client_certificate` it lets in only who shows one of ours (mTLS)."""
        own = self.issue("localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.certificate, own.key)
        if client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.bundle)
        return context

    def client_context(self, pair: Pair | None = None) -> ssl.SSLContext:
        """What a client needs to trust us, and to show `pair`."""
        context = ssl.create_default_context(cafile=self.bundle)
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        return context

    def _draft(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, back: timedelta = timedelta(hours=1)
    ) -> x509.CertificateBuilder:
        start = self._now - back
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + LIVES)
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
