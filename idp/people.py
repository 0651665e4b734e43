"""The tables of people: a person, their number, and what is sealed under a key of their own.

Each person has a data key, wrapped by the key-encryption key. Destroying the data key erases the person's sealed text
everywhere at once (DECISIONS 5). What is done with these rows stands in `subjects`.
"""

import hmac
import os
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed, new_id, table_of
from idp.keys import PAD_TO, KeyRing, pad, unpad, unwrap, wrap

DATA_KEY_BYTES = 32
AS_LONG_AS_ANY = {"name_th": 256, "name_en": 256, "email": 128, "address": 1024}  # bytes: nobody's length stands out


class Subject(Base):
    """One person as this server knows them. The level `ial` is the account's, with how and when it was reached."""

    __tablename__ = "subject"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'closed', 'deceased')", name="status"),
        CheckConstraint("ial IN ('1.1', '1.2', '1.3', '2.1', '2.2', '2.3', '3')", name="ial"),
        CheckConstraint("gender IN ('male', 'female', 'other', 'unknown')", name="gender"),
        Index("ix_subject_ial_expires_at", "ial_expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    status: Mapped[Plain]
    ial: Mapped[Plain]
    ial_method: Mapped[Plain]
    ial_at: Mapped[datetime]
    ial_expires_at: Mapped[datetime | None]
    data_key: Mapped[Sealed | None]  # gone = erased
    name_th: Mapped[Sealed]
    name_en: Mapped[Sealed]
    birth_date: Mapped[Sealed]
    phone: Mapped[Sealed]
    email: Mapped[Sealed]
    address: Mapped[Sealed]
    gender: Mapped[Plain]
    locale: Mapped[Plain]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class NationalId(Base):
    """A person's number. A proved number is one person's; each provisional account holds an unproved one.

    `claim` binds an unproved number to the phone that was typed with it, keyed: who types both again finds the same
    account. A proof empties it.
    """

    __tablename__ = "national_id"
    __table_args__ = (
        Index("ix_national_id_fingerprint", "fingerprint"),
        Index("uq_national_id_claim", "claim", unique=True),
        Index(
            "uq_national_id_proved",
            "fingerprint",
            unique=True,
            sqlite_where=text("proved"),
            postgresql_where=text("proved"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), index=True)
    fingerprint: Mapped[Plain]
    key_id: Mapped[Plain]
    proved: Mapped[bool]
    claim: Mapped[Plain | None]
    number: Mapped[Sealed]
    created_at: Mapped[datetime]


class PersonSealer:
    """Seals and opens under people's own keys (`consent.db.Sealer`); unwrapped keys live as long as this object."""

    def __init__(self, ring: KeyRing, session: Session) -> None:
        self._ring, self._session = ring, session
        self._keys: dict[UUID, bytes] = {}

    def seal(self, plain: str, *, owner: UUID, field: str) -> bytes:
        """Ciphertext, padded, different each time, bound to owner and field. KeyError without the owner's key."""
        return seal(self._key(owner), plain, owner=owner, field=field)

    def open(self, sealed: bytes, *, owner: UUID, field: str) -> str:
        """The text; KeyError when the owner's key is gone."""
        return _open(self._key(owner), sealed, owner=owner, field=field)

    def mac(self, owner: UUID, *parts: str) -> str:
        """Hex HMAC of length-prefixed parts under the owner's key, nothing without it. KeyError when it is gone."""
        own = hmac.digest(self._key(owner), b"mac of a person's own facts", "sha256")
        framed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
        return hmac.digest(own, framed, "sha256").hex()

    def _key(self, owner: UUID) -> bytes:
        if owner not in self._keys:
            wrapped = self._session.scalar(_DATA_KEY, {"owner": owner})
            if wrapped is None:
                raise KeyError(owner)
            self._keys[owner] = unwrap(self._ring.kek, wrapped, aad=_key_place(owner))
        return self._keys[owner]


_DATA_KEY = select(table_of(Subject).c.data_key).where(table_of(Subject).c.id == bindparam("owner"))


def new_data_key() -> bytes:
    """A key for one person, not yet wrapped."""
    return os.urandom(DATA_KEY_BYTES)


def wrapped(ring: KeyRing, key: bytes, owner: UUID) -> bytes:
    """The same as it is stored."""
    return wrap(ring.kek, key, aad=_key_place(owner))


def seal(key: bytes, plain: str, *, owner: UUID, field: str) -> bytes:
    """Ciphertext under a person's data key, bound to owner and field."""
    return wrap(key, pad(plain.encode(), to=AS_LONG_AS_ANY.get(field, PAD_TO)), aad=f"{owner}:{field}")


def _open(key: bytes, sealed: bytes, *, owner: UUID, field: str) -> str:
    return unpad(unwrap(key, sealed, aad=f"{owner}:{field}")).decode()


def _key_place(owner: UUID) -> str:
    return f"person:{owner}"
