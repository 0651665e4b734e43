"""People without one of the 13-digit numbers: a passport, or the number that a hospital gave them.

Such an account is found by what names it: kind, issuer and number, as a keyed fingerprint. It has no national ID, so
nobody can ask for a code by one: its holder signs in by passkey. Local: the facility that saw the paper vouches.
"""

import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, Sealed, new_id
from idp import subjects
from idp.keys import KeyRing
from idp.ports import RegistryPerson
from idp.subjects import PersonSealer, Subject

KINDS = ("passport", "hospital_number")
NUMBER = re.compile(r"[A-Z0-9]{3,20}")
COUNTRY = re.compile(r"[A-Z]{3}")  # ISO 3166-1 alpha-3, as the machine-readable zone of a passport has it (ICAO 9303)


class IdentityPaper(Base):
    """What names an account that has no national ID. The number is sealed under the person's own key."""

    __tablename__ = "identity_paper"
    __table_args__ = (CheckConstraint("kind IN ('passport', 'hospital_number')", name="kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), index=True)
    kind: Mapped[Plain]
    fingerprint: Mapped[Plain] = mapped_column(unique=True)
    key_id: Mapped[Plain]
    number: Mapped[Sealed]
    created_at: Mapped[datetime]


def tidy(number: str) -> str | None:
    """PURE: a passport's or hospital's number in capitals and ASCII digits, without spaces and dashes; or None."""
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in number if not sign.isspace() and sign not in "-/")
    return plain.upper() if NUMBER.fullmatch(plain.upper()) else None


def find(session: Session, ring: KeyRing, kind: str, *, issuer: str, number: str) -> Subject | None:
    """Whose paper it is."""
    return session.scalar(_BY_PAPER, {"fingerprint": ring.fingerprint(_named(kind, issuer, number))})


def create(
    session: Session, ring: KeyRing, person: RegistryPerson, *, kind: str, issuer: str, number: str, now: datetime
) -> Subject:
    """Open an account for whoever this paper names, or return the one that exists. Appends account.created.

    Two counters may race: the unique fingerprint decides, and the loser gets the winner's account.
    """
    known = find(session, ring, kind, issuer=issuer, number=number)
    if known is not None:
        return known
    named = _named(kind, issuer, number)
    with session.begin_nested() as attempt:
        subject, _ = subjects.rows(ring, named, person, locale="th", now=now)
        session.add(subject)
        session.flush()
        if not _kept(session, ring, subject.id, kind=kind, named=named, now=now):
            attempt.rollback()
            return find(session, ring, kind, issuer=issuer, number=number) or subject
    log.append(
        session, "account.created", now=now, actor=Actor.citizen(subject.id), subject_id=subject.id, ial=subject.ial
    )
    return subject


def number_of(session: Session, ring: KeyRing, subject_id: UUID) -> str | None:
    """The number on the newest paper of this person, for whoever sits at the counter with them."""
    mine = select(IdentityPaper).where(IdentityPaper.subject_id == subject_id)
    row = session.scalars(mine.order_by(IdentityPaper.created_at.desc(), IdentityPaper.id)).first()
    if row is None:
        return None
    named = PersonSealer(ring, session).open(row.number, owner=subject_id, field="paper")
    return named.rpartition(":")[2]


_BY_PAPER = (
    select(Subject)
    .join(IdentityPaper, IdentityPaper.subject_id == Subject.id)
    .where(IdentityPaper.fingerprint == bindparam("fingerprint"))
)


def _kept(session: Session, ring: KeyRing, subject_id: UUID, *, kind: str, named: str, now: datetime) -> bool:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row: dict[str, Any] = {
        "id": new_id(),
        "subject_id": subject_id,
        "kind": kind,
        "fingerprint": ring.fingerprint(named),
        "key_id": subjects.FINGERPRINT_KEY,
        "number": PersonSealer(ring, session).seal(named, owner=subject_id, field="paper"),
        "created_at": now,
    }
    kept = insert(IdentityPaper).values(**row).on_conflict_do_nothing().returning(IdentityPaper.id)
    return session.scalar(kept) is not None


def _named(kind: str, issuer: str, number: str) -> str:
    return f"{kind}:{issuer}:{number}"
