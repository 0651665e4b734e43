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
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry
from sqlalchemy import CheckConstraint, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed
from idp.db import DatabaseUnavailable, Sessions

REFRESH_EVERY = timedelta(seconds=30)
LAST_DAY = datetime.max.replace(tzinfo=UTC)
NONCE_BYTES = 12
PAD_TO = 64
USES = {  # use -> algorithms; one key each
    "id_token": ("ES256", "RS256"),
    "access_token": ("ES256",),
    "status_list": ("ES256",),
    "event": ("RS256",),  # SSF interoperability asks for RS256 (STANDARDS 6)
    "receipt": ("ES256",),
    "log": ("Ed25519",),  # checkpoints of the audit log are signed notes (C2SP), not JWTs
}
APART = frozenset({"receipt", "log"})  # published apart from the OAuth JWKS, and for ever: people keep what they signed
KEPT_AFTER = {  # how long after its last signature a key stays published; those of APART for ever
    **dict.fromkeys(("id_token", "access_token", "status_list"), timedelta(hours=1)),
    "event": timedelta(days=4),  # signed when queued, delivered up to 72 h later
}
MAKERS: Mapping[str, Callable[[], Any]] = {
    "ES256": partial(jwk.ECKey.generate_key, "P-256"),
    "RS256": partial(jwk.RSAKey.generate_key, 2048),
    "Ed25519": partial(jwk.OKPKey.generate_key, "Ed25519"),
}
SECRETS = ("pairwise", "fingerprint", "refresh", "csrf", "one-time-code", "interaction", "receipt", "details")


class SigningKey(Base):
    """One key pair: published when made, signs from `activates_at` until `retired_at`, which may both lie ahead.

    The public half stays in the JWKS until its last token is dead (`KEPT_AFTER`).
    """

    __tablename__ = "signing_key"
    __table_args__ = (
        CheckConstraint("use IN ('id_token', 'access_token', 'status_list', 'event', 'receipt', 'log')", name="use"),
        CheckConstraint("retired_at >= activates_at", name="order"),
        Index(
            "uq_signing_key_endless",  # one key of a use without an end: two rotations at once cannot both win
            "use",
            "alg",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    kid: Mapped[Plain] = mapped_column(primary_key=True)
    use: Mapped[Plain]
    alg: Mapped[Plain]
    public_jwk: Mapped[Plain]
    private_wrapped: Mapped[Sealed]
    created_at: Mapped[datetime]
    activates_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    def signs_at(self, now: datetime) -> bool:
        """Whether it is the one that signs."""
        return self.activates_at <= now and (self.retired_at is None or now < self.retired_at)

    def published_at(self, now: datetime) -> bool:
        """Whether a verifier may still need its public half."""
        kept = KEPT_AFTER.get(self.use)
        return self.retired_at is None or kept is None or now < self.retired_at + kept


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


def pad(plain: bytes, *, to: int = PAD_TO) -> bytes:
    """ISO/IEC 7816-4 padding to a multiple of `to` bytes, so that length says little."""
    return plain + b"\x80" + b"\x00" * (-(len(plain) + 1) % to)


def ed25519_octets(document: Mapping[str, Any]) -> bytes:
    """The 32 octets of an Ed25519 public key in a JWK (RFC 8037)."""
    return urlsafe_b64decode(f"{document['x']}=")


def unpad(padded: bytes) -> bytes:
    """What `pad` was given."""
    return padded.rstrip(b"\x00")[:-1]


@dataclass(frozen=True)
class JwtSigner:
    """One loaded private key; signs JWTs of one type. Never hand joserfc a KeySet: it picks at random."""

    kid: str
    alg: str
    key: Any = field(repr=False)

    def sign(self, payload: bytes) -> bytes:
        """A detached signature in the form of RFC 7518: `consent.db.Signer`."""
        signature: bytes = JWSRegistry(algorithms=[self.alg]).get_alg(self.alg).sign(payload, self.key)
        return signature

    @property
    def public(self) -> bytes:
        """The public half of an Ed25519 key as RFC 8032 writes it: what a signed note is verified with."""
        return ed25519_octets(self.key.as_dict(private=False))

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
    apart: Mapping[str, Sequence[Mapping[str, Any]]]  # use of APART -> every public key it ever had
    secrets: Mapping[str, bytes] = field(repr=False)
    changes_at: datetime | None = None  # when the next key takes over: this ring is stale from then on

    def signer(self, use: str, alg: str = "ES256") -> JwtSigner:
        """The one current key for this use."""
        return self.signers[use, alg]

    def log_keys(self) -> list[bytes]:
        """Every key that ever signed the audit log, oldest first, as RFC 8032 writes them."""
        return [ed25519_octets(document) for document in self.apart["log"]]

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

    def seal(self, plain: str, *, place: str, to: int = PAD_TO) -> bytes:
        """Seal short-lived text of the server itself (no person's key yet) under the KEK, padded `to` a multiple."""
        return wrap(self.kek, pad(plain.encode(), to=to), aad=place)

    def open(self, sealed: bytes, *, place: str) -> str:
        """What `seal` was given."""
        return unpad(unwrap(self.kek, sealed, aad=place)).decode()


class KeyRings:
    """Gives the current ring; re-reads the database after 30 s. While that is away the old ring goes on publishing."""

    def __init__(self, sessions: Sessions, kek: bytes) -> None:
        self._sessions, self._kek = sessions, kek
        self._ring: KeyRing | None = None
        self._read_at: datetime | None = None
        self._lock = threading.Lock()

    def at(self, now: datetime) -> KeyRing:
        """The ring for this moment. A clock that jumped backwards also causes a fresh look."""
        ring, read_at = self._ring, self._read_at
        if ring and read_at and read_at <= now < min(read_at + REFRESH_EVERY, ring.changes_at or LAST_DAY):
            return ring
        with self._lock:
            known = self._ring
            with suppress(DatabaseUnavailable) if known else nullcontext(), self._sessions.reading() as session:
                self._ring = load(session, self._kek, known=known, now=now)
                self._read_at = now
            return self._ring


def load(session: Session, kek: bytes, *, known: KeyRing | None = None, now: datetime | None = None) -> KeyRing:
    """Read all keys; a private key that `known` has already imported is not imported again (RSA: 36 ms).

    Without `now`: as it stands when every planned rotation is through, with every key published.
    """
    signers: dict[tuple[str, str], JwtSigner] = {}
    public: dict[str, Any] = {}
    published: list[Mapping[str, Any]] = []
    waiting: list[datetime] = []
    apart: dict[str, list[Mapping[str, Any]]] = {use: [] for use in APART}
    loaded = {signer.kid: signer for signer in known.signers.values()} if known else {}
    for row in session.scalars(select(SigningKey).order_by(SigningKey.created_at)):
        document = json.loads(row.public_jwk)
        public[row.kid] = known.public[row.kid] if known and row.kid in known.public else jwk.import_key(document)
        if row.use in APART:
            apart[row.use].append(document)
        elif now is None or row.published_at(now):
            published.append(document)
        if now is not None and row.activates_at > now:
            waiting.append(row.activates_at)
        first = row.retired_at is None and (row.use, row.alg) not in signers  # its maker's clock is ahead
        if row.signs_at(now) or first if now else row.retired_at is None:
            signers[row.use, row.alg] = loaded.get(row.kid) or _signer(kek, row)
    secrets = {
        row.name: unwrap(kek, row.wrapped, aad=f"secret:{row.name}") for row in session.scalars(select(SecretKey))
    }
    jwks = {"keys": published}
    changes_at = min(waiting, default=None)
    return KeyRing(kek, signers, public, jwks, apart, secrets, changes_at)


def _signer(kek: bytes, row: SigningKey) -> JwtSigner:
    private = json.loads(unwrap(kek, row.private_wrapped, aad=f"signing:{row.kid}"))
    return JwtSigner(kid=row.kid, alg=row.alg, key=jwk.import_key(private))


def check_kek(session: Session, kek: bytes) -> None:
    """Raises: ValueError in one sentence when this is not the key that the database was wrapped with."""
    for row in session.scalars(select(SecretKey)):
        unwrap(kek, row.wrapped, aad=f"secret:{row.name}")


def ensure(session: Session, kek: bytes, *, now: datetime) -> None:
    """Make every key that is missing; safe to run at each start. Raises: ValueError if the KEK is another one."""
    check_kek(session, kek)
    current = select(SigningKey.use, SigningKey.alg).where(SigningKey.retired_at.is_(None))
    have = {(use, alg) for use, alg in session.execute(current)}
    for use, algorithms in USES.items():
        for alg in algorithms:
            if (use, alg) not in have:
                session.add(new_signing_key(kek, use, alg, now=now))
    named = set(session.scalars(select(SecretKey.name)))
    for name in SECRETS:
        if name not in named:
            session.add(SecretKey(name=name, wrapped=wrap(kek, os.urandom(32), aad=f"secret:{name}"), created_at=now))
    session.flush()


def new_signing_key(
    kek: bytes, use: str, alg: str, *, now: datetime, activates_at: datetime | None = None
) -> SigningKey:
    """A fresh pair, wrapped; not yet in the database."""
    key: Any = MAKERS[alg]()
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
        activates_at=activates_at or now,
    )
