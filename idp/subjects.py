"""People: one row a person, their national ID found by keyed fingerprint, everything that names them sealed.

Each person has a data key of their own, wrapped by the key-encryption key. Destroying the data key erases the
person's sealed text everywhere at once (DECISIONS 5). Nothing here decides who may sign in.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, bindparam, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, Sealed, new_id, table_of
from consent.errors import NotFound
from idp.keys import PAD_TO, KeyRing, pad, unpad, unwrap, wrap
from idp.national_id import NationalIdError, RealOnly, SyntheticOnly, age_on, mask_national_id, parse_national_id
from idp.ports import IdPolicy, RegistryPerson

__all__ = [
    "IdPolicy",
    "NationalId",
    "NationalIdError",
    "PersonSealer",
    "Profile",
    "RealOnly",
    "Subject",
    "SyntheticOnly",
    "age_on",
    "create",
    "e164",
    "find_by_national_id",
    "get",
    "is_shut",
    "mask_national_id",
    "parse_national_id",
    "profile",
    "rows",
]

DATA_KEY_BYTES = 32
AS_LONG_AS_ANY = {"name_th": 256, "name_en": 256, "email": 128, "address": 1024}  # bytes: nobody's length stands out
FINGERPRINT_KEY = "1"
NAME_PARTS = ("title", "given_name", "family_name")


class Subject(Base):
    """One person as this server knows them. The level `ial` is the account's, with how and when it was reached."""

    __tablename__ = "subject"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'closed', 'deceased')", name="status"),
        CheckConstraint("ial IN ('1.1', '1.2', '1.3', '2.1', '2.2', '2.3', '3')", name="ial"),
        CheckConstraint("gender IN ('male', 'female', 'other', 'unknown')", name="gender"),
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


class NationalId(Base):
    """A person's number. Proved numbers are unique; a provisional account may one day hold an unproved one."""

    __tablename__ = "national_id"
    __table_args__ = (
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
    number: Mapped[Sealed]
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Profile:
    """A person's own data, opened. `birth_date` is CE and may be partial (YYYY[-MM[-DD]]); unknown text is empty."""

    title_th: str
    given_name_th: str
    family_name_th: str
    title_en: str
    given_name_en: str
    family_name_en: str
    birth_date: str
    gender: str
    phone: str
    email: str
    address: str
    locale: str

    @property
    def name_th(self) -> str:
        """Given and family name in Thai; one name alone for those who have one."""
        return f"{self.given_name_th} {self.family_name_th}".strip()

    @property
    def name_en(self) -> str:
        """Given and family name in Latin letters."""
        return f"{self.given_name_en} {self.family_name_en}".strip()

    def name(self, locale: str) -> str:
        """The name in the language of a page, Thai unless English is asked for and known."""
        return (self.name_en if locale == "en" else "") or self.name_th


class PersonSealer:
    """Seals and opens under people's own keys (`consent.db.Sealer`); unwrapped keys live as long as this object."""

    def __init__(self, ring: KeyRing, session: Session) -> None:
        self._ring, self._session = ring, session
        self._keys: dict[UUID, bytes] = {}

    def seal(self, plain: str, *, owner: UUID, field: str) -> bytes:
        """Ciphertext, padded, different each time, bound to owner and field. KeyError without the owner's key."""
        return _seal(self._key(owner), plain, owner=owner, field=field)

    def open(self, sealed: bytes, *, owner: UUID, field: str) -> str:
        """The text; KeyError when the owner's key is gone."""
        return _open(self._key(owner), sealed, owner=owner, field=field)

    def _key(self, owner: UUID) -> bytes:
        if owner not in self._keys:
            wrapped = self._session.scalar(_DATA_KEY, {"owner": owner})
            if wrapped is None:
                raise KeyError(owner)
            self._keys[owner] = unwrap(self._ring.kek, wrapped, aad=_key_place(owner))
        return self._keys[owner]


_DATA_KEY = select(table_of(Subject).c.data_key).where(table_of(Subject).c.id == bindparam("owner"))
_BY_FINGERPRINT = (
    select(Subject)
    .join(NationalId, NationalId.subject_id == Subject.id)
    .where(NationalId.fingerprint == bindparam("fingerprint"), NationalId.proved)
)


def find_by_national_id(session: Session, ring: KeyRing, national_id: str) -> Subject | None:
    """The proved owner of a number, whatever their status; one indexed read."""
    return session.scalar(_BY_FINGERPRINT, {"fingerprint": ring.fingerprint(national_id)})


def get(session: Session, subject_id: UUID) -> Subject:
    """One person. Raises: consent.errors.NotFound."""
    subject = session.get(Subject, subject_id)
    if subject is None:
        raise NotFound("We could not find that person.", detail=f"{subject_id=}")
    return subject


def is_shut(owner: InstrumentedAttribute[UUID] | ColumnElement[UUID]) -> ColumnElement[bool]:
    """SQL: the account of that column's person is closed, or they have died. Nobody enters by it any more."""
    person = table_of(Subject).c
    return select(person.id).where(person.id == owner, person.status != "active").exists()


def create(
    session: Session, ring: KeyRing, national_id: str, person: RegistryPerson, *, now: datetime, locale: str = "th"
) -> Subject:
    """Open the account of a person whom the registry attested, or return the one that exists.

    Two processes may race: the unique fingerprint decides, and the loser gets the winner's row. Appends
    account.created.
    """
    subject, number = rows(ring, national_id, person, locale=locale, now=now)
    try:
        with session.begin_nested():
            session.add(subject)
            session.flush()
            session.add(number)
    except IntegrityError:
        existing = find_by_national_id(session, ring, national_id)
        if existing is None:
            raise
        return existing
    log.append(
        session, "account.created", now=now, actor=Actor.citizen(subject.id), subject_id=subject.id, ial=subject.ial
    )
    return subject


def profile(session: Session, ring: KeyRing, subject_id: UUID) -> Profile:
    """Open a person's own data. Raises: NotFound; KeyError when the person was erased."""
    subject = get(session, subject_id)
    sealer = PersonSealer(ring, session)

    def opened(field: str) -> str:
        return sealer.open(getattr(subject, field), owner=subject.id, field=field)

    names = {
        f"{part}_{language}": value
        for language in ("th", "en")
        for part, value in zip(NAME_PARTS, json.loads(opened(f"name_{language}")), strict=True)
    }
    return Profile(
        **names,
        birth_date=opened("birth_date"),
        gender=subject.gender,
        phone=opened("phone"),
        email=opened("email"),
        address=opened("address"),
        locale=subject.locale,
    )


def e164(phone: str) -> str:
    """A Thai number as +66…; what already is international stays; empty stays empty."""
    digits = re.sub(r"[^\d+]", "", phone)
    return "+66" + digits[1:] if digits.startswith("0") else digits


def rows(
    ring: KeyRing, national_id: str, person: RegistryPerson, *, locale: str, now: datetime
) -> tuple[Subject, NationalId]:
    """A new account, sealed under a key of its own; not yet in the database."""
    owner, key = new_id(), os.urandom(DATA_KEY_BYTES)
    sealed: dict[str, Any] = {
        field: _seal(key, plain, owner=owner, field=field) for field, plain in _sealed_fields(person).items()
    }
    subject = Subject(
        id=owner,
        status="active" if person.status == "alive" else "deceased",
        ial=person.attested_ial,
        ial_method="registry",
        ial_at=now,
        data_key=wrap(ring.kek, key, aad=_key_place(owner)),
        gender=person.gender,
        locale=locale,
        created_at=now,
        **sealed,
    )
    number = NationalId(
        subject_id=owner,
        fingerprint=ring.fingerprint(national_id),
        key_id=FINGERPRINT_KEY,
        proved=True,
        number=_seal(key, national_id, owner=owner, field="national_id"),
        created_at=now,
    )
    return subject, number


def _sealed_fields(person: RegistryPerson) -> dict[str, str]:
    names = {
        f"name_{language}": json.dumps(
            [getattr(person, f"{part}_{language}") for part in NAME_PARTS], ensure_ascii=False
        )
        for language in ("th", "en")
    }
    return {
        **names,
        "birth_date": person.birth_date,
        "phone": e164(person.phone),
        "email": person.email,
        "address": person.address,
    }


def _key_place(owner: UUID) -> str:
    return f"person:{owner}"


def _seal(key: bytes, plain: str, *, owner: UUID, field: str) -> bytes:
    return wrap(key, pad(plain.encode(), to=AS_LONG_AS_ANY.get(field, PAD_TO)), aad=f"{owner}:{field}")


def _open(key: bytes, sealed: bytes, *, owner: UUID, field: str) -> str:
    return unpad(unwrap(key, sealed, aad=f"{owner}:{field}")).decode()
