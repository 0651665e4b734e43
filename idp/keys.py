"""Signing keys, JWKS, sealing and fingerprints. Everything secret is stored wrapped by the key-encryption key (KEK).

One signing key per use, so that a leak of one says nothing about another; RS256 beside ES256 where old clients or
SETs need it. A `KeyRing` is read from the database and re-read every 30 s (`KeyRings`), so a rotation shows in the JWKS
within 60 s. The pairwise and fingerprint secrets never rotate: subjects and look-ups hang on them (DECISIONS 6).
"""

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwk, jwt
from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed
from idp.db import Sessions

REFRESH_EVERY = timedelta(seconds=30)
NONCE_BYTES = 12
PAD_TO = 64
USES = {  # use -> algorithms; one key each
    "id_token": ("ES256", "RS256"),
    "access_token": ("ES256",),
    "event": ("RS256",),  # SSF interoperability asks for RS256 (STANDARDS 6)
}
SECRETS = ("pairwise", "fingerprint", "refresh", "csrf", "one-time-code", "interaction")


class SigningKey(Base):
    """One key pair. `retired_at` stops signing; the public half stays in the JWKS until its last token is dead."""

    __tablename__ = "signing_key"
    __table_args__ = (CheckConstraint("use IN ('id_token', 'access_token', 'event')", name="use"),)

    kid: Mapped[Plain] = mapped_column(primary_key=True)
    use: Mapped[Plain]
    alg: Mapped[Plain]
    public_jwk: Mapped[Plain]
    private_wrapped: Mapped[Sealed]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class SecretKey(Base):
    """One symmetric secret by name: pairwise, fingerprint, refresh, csrf and their like."""

    __tablename__ = "secret_key"

    name: Mapped[Plain] = mapped_column(primary_key=True)
    wrapped: Mapped[Sealed]
    created_at: Mapped[datetime]


def wrap(kek: bytes, plain: bytes, *, aad: str) -> bytes:
    """AES-256-GCM with a random nonce in front; `aad` binds the ciphertext to its place."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, plain, aad.encode())


def unwrap(kek: bytes, wrapped: bytes, *, aad: str) -> bytes:
    """The plain bytes; ValueError in one sentence when the key is the wrong one."""
    try:
        return AESGCM(kek).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], aad.encode())
    except InvalidTag as error:
        raise ValueError("the key-encryption key does not open this database") from error


def pad(plain: bytes) -> bytes:
    """ISO/IEC 7816-4 padding to a multiple of 64 bytes, so that length says little."""
    return plain + b"\x80" + b"\x00" * (-(len(plain) + 1) % PAD_TO)


def unpad(padded: bytes) -> bytes:
    """What `pad` was given."""
    return padded.rstrip(b"\x00")[:-1]


@dataclass(frozen=True)
class JwtSigner:
    """One loaded private key; signs JWTs of one type. Never hand joserfc a KeySet: it picks at random."""

    kid: str
    alg: str
    key: Any = field(repr=False)

    def sign_jwt(self, claims: Mapping[str, Any], *, typ: str) -> str:
        """A compact JWS with `kid` and `typ` in its header."""
        return jwt.encode({"alg": self.alg, "kid": self.kid, "typ": typ}, dict(claims), self.key, algorithms=[self.alg])


@dataclass(frozen=True)
class KeyRing:
    """All keys of one moment. Immutable: a rotation makes a new ring."""

    kek: bytes = field(repr=False)
    signers: Mapping[tuple[str, str], JwtSigner] = field(repr=False)
    public: Mapping[str, Any] = field(repr=False)  # kid -> joserfc public key, imported once
    jwks: Mapping[str, Any]
    secrets: Mapping[str, bytes] = field(repr=False)

    def signer(self, use: str, alg: str = "ES256") -> JwtSigner:
        """The one current key for this use."""
        return self.signers[use, alg]

    def mac(self, secret: str, *parts: str) -> bytes:
        """HMAC-SHA256 over length-prefixed parts under a named secret."""
        digest = hmac.new(self.secrets[secret], digestmod=hashlib.sha256)
        for part in parts:
            raw = part.encode()
            digest.update(len(raw).to_bytes(4, "big") + raw)
        return digest.digest()

    def fingerprint(self, national_id: str) -> str:
        """Keyed fingerprint of a normalised national ID: what look-ups use (DECISIONS 5)."""
        return self.mac("fingerprint", national_id).hex()

    def pairwise(self, subject_id: UUID, sector: str) -> str:
        """The `sub` of a person in one sector (OIDC Core 8.1); stable for ever."""
        return self.mac("pairwise", sector, str(subject_id)).hex()

    def seal(self, plain: str, *, place: str) -> bytes:
        """Seal short-lived text of the server itself (no person's key yet) under the KEK."""
        return wrap(self.kek, pad(plain.encode()), aad=place)

    def open(self, sealed: bytes, *, place: str) -> str:
        """What `seal` was given."""
        return unpad(unwrap(self.kek, sealed, aad=place)).decode()


class KeyRings:
    """Gives the current ring; re-reads the database when the last look is older than 30 s."""

    def __init__(self, sessions: Sessions, kek: bytes) -> None:
        self._sessions, self._kek = sessions, kek
        self._ring: KeyRing | None = None
        self._read_at: datetime | None = None
        self._lock = threading.Lock()

    def at(self, now: datetime) -> KeyRing:
        """The ring for this moment. A clock that jumped backwards also causes a fresh look."""
        ring, read_at = self._ring, self._read_at
        if ring is not None and read_at is not None and timedelta(0) <= now - read_at < REFRESH_EVERY:
            return ring
        with self._lock, self._sessions.reading() as session:
            self._ring = load(session, self._kek, known=self._ring)
            self._read_at = now
            return self._ring


def load(session: Session, kek: bytes, *, known: KeyRing | None = None) -> KeyRing:
    """Read all keys; a private key that `known` has already imported is not imported again (RSA: 36 ms)."""
    signers: dict[tuple[str, str], JwtSigner] = {}
    public, published = {}, []
    loaded = {signer.kid: signer for signer in known.signers.values()} if known else {}
    for row in session.scalars(select(SigningKey).order_by(SigningKey.created_at)):
        document = json.loads(row.public_jwk)
        public[row.kid] = known.public[row.kid] if known and row.kid in known.public else jwk.import_key(document)
        published.append(document)
        if row.retired_at is None:
            signers[row.use, row.alg] = loaded.get(row.kid) or _signer(kek, row)
    secrets = {
        row.name: unwrap(kek, row.wrapped, aad=f"secret:{row.name}") for row in session.scalars(select(SecretKey))
    }
    return KeyRing(kek=kek, signers=signers, public=public, jwks={"keys": published}, secrets=secrets)


def _signer(kek: bytes, row: SigningKey) -> JwtSigner:
    private = json.loads(unwrap(kek, row.private_wrapped, aad=f"signing:{row.kid}"))
    return JwtSigner(kid=row.kid, alg=row.alg, key=jwk.import_key(private))


def ensure(session: Session, kek: bytes, *, now: datetime) -> None:
    """Make every key that is missing; safe to run at each start."""
    current = select(SigningKey.use, SigningKey.alg).where(SigningKey.retired_at.is_(None))
    have = {(use, alg) for use, alg in session.execute(current)}
    for use, algorithms in USES.items():
        for alg in algorithms:
            if (use, alg) not in have:
                session.add(_new_signing_key(kek, use, alg, now=now))
    named = set(session.scalars(select(SecretKey.name)))
    for name in SECRETS:
        if name not in named:
            session.add(SecretKey(name=name, wrapped=wrap(kek, os.urandom(32), aad=f"secret:{name}"), created_at=now))
    session.flush()


def _new_signing_key(kek: bytes, use: str, alg: str, *, now: datetime) -> SigningKey:
    key: Any = jwk.ECKey.generate_key("P-256") if alg == "ES256" else jwk.RSAKey.generate_key(2048)
    kid = f"{use}-{key.thumbprint()[:16]}"
    public = {**key.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"}
    private = json.dumps(key.as_dict(private=True)).encode()
    return SigningKey(
        kid=kid,
        use=use,
        alg=alg,
        public_jwk=json.dumps(public, sort_keys=True),
        private_wrapped=wrap(kek, private, aad=f"signing:{kid}"),
        created_at=now,
    )
