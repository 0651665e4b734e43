"""People: one row a person, their national ID found by keyed fingerprint, everything that names them sealed.

Nothing here decides who may sign in.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id, table_of
from consent.errors import NotFound
from idp import people
from idp.assurance import Ial
from idp.keys import KeyRing
from idp.national_id import NationalIdError, RealOnly, SyntheticOnly, age_on, mask_national_id, parse_national_id
from idp.people import NationalId, PersonSealer, Subject
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
    "hold",
    "is_shut",
    "level",
    "level_now",
    "mask_national_id",
    "parse_national_id",
    "profile",
    "rename",
    "rewrite",
    "rows",
]

FINGERPRINT_KEY = "1"
NAME_PARTS = ("title", "given_name", "family_name")


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


def hold(session: Session, subject_id: UUID) -> Subject:
    """The same, and nobody else changes this person until our transaction is over. Raises: NotFound."""
    subject = session.get(Subject, subject_id, with_for_update=True, populate_existing=True)
    if subject is None:
        raise NotFound("We could not find that person.", detail=f"{subject_id=}")
    return subject


def level(ial: str, expires_at: datetime | None, now: datetime) -> Ial:
    """PURE: the level of an account as it counts at this moment; what has run out counts no more (THAI.md 3)."""
    return Ial.IAL1_1 if expires_at is not None and expires_at <= now else Ial(ial)


def level_now(session: Session, subject_id: UUID, *, now: datetime) -> Ial:
    """The level of this person's account now. Raises: NotFound."""
    subject = get(session, subject_id)
    return level(subject.ial, subject.ial_expires_at, now)


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


def rewrite(session: Session, ring: KeyRing, subject_id: UUID, person: RegistryPerson, *, phone: str = "") -> None:
    """Write what an authority says of a person over what we held; an empty `phone` leaves the phone as it is.

    The level and the number are not touched. Raises: NotFound; KeyError when the person was erased.
    """
    sealer = PersonSealer(ring, session)
    fields = _sealed_fields(person) | {"phone": e164(phone)}
    if not phone:
        del fields["phone"]
    values: dict[str, Any] = {
        field: sealer.seal(plain, owner=subject_id, field=field) for field, plain in fields.items()
    }
    session.execute(update(Subject).where(Subject.id == subject_id).values(gender=person.gender, **values))


def rename(session: Session, ring: KeyRing, subject_id: UUID, person: RegistryPerson) -> bool:
    """Write the names that an authority holds now over ours; False when they are the same. Nothing else is touched."""
    sealer, subject = PersonSealer(ring, session), get(session, subject_id)
    names = {field: plain for field, plain in _sealed_fields(person).items() if field.startswith("name_")}
    if all(sealer.open(getattr(subject, field), owner=subject_id, field=field) == names[field] for field in names):
        return False
    values: dict[str, Any] = {
        field: sealer.seal(plain, owner=subject_id, field=field) for field, plain in names.items()
    }
    session.execute(update(Subject).where(Subject.id == subject_id).values(**values))
    return True


def speak(session: Session, subject_id: UUID, locale: str) -> None:
    """From now on messages to this person are in this language."""
    session.execute(
        update(Subject)
        .where(Subject.id == subject_id, Subject.locale != locale)
        .values(locale=locale)
        .execution_options(synchronize_session=False)
    )


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
    owner, key = new_id(), people.new_data_key()
    sealed: dict[str, Any] = {
        field: people.seal(key, plain, owner=owner, field=field) for field, plain in _sealed_fields(person).items()
    }
    subject = Subject(
        id=owner,
        status="active" if person.status == "alive" else "deceased",
        ial=person.attested_ial,
        ial_method="registry",
        ial_at=now,
        data_key=people.wrapped(ring, key, owner),
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
        number=people.seal(key, national_id, owner=owner, field="national_id"),
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
