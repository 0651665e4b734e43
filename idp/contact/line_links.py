"""Whose LINE account is linked: one of each, found by a keyed fingerprint, its id sealed under the person's own key.

A link is a row; unlinking ends it by one conditional update and takes the id away. LINE's ids of a person differ from
one provider to the next (THAI.md 2.9), so the fingerprint means nothing outside this channel.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, bindparam, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed, new_id
from idp.keys import KeyRing
from idp.subjects import PersonSealer

LIVE = text("removed_at IS NULL")
FIELD = "line_user"


class LineLink(Base):
    """One LINE account linked to one person. `removed_at` ends it; the sealed id is wiped with it."""

    __tablename__ = "line_link"
    __table_args__ = (
        Index("uq_line_link_person", "subject_id", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
        Index("uq_line_link_user", "fingerprint", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"))
    fingerprint: Mapped[Plain]
    user_id: Mapped[Sealed | None]
    linked_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


def add(session: Session, ring: KeyRing, *, subject_id: UUID, user_id: str, now: datetime) -> bool:
    """Link them; False when this LINE account or this person is linked already. The database decides a race."""
    sealed = PersonSealer(ring, session).seal(user_id, owner=subject_id, field=FIELD)
    row = LineLink(subject_id=subject_id, fingerprint=_fingerprint(ring, user_id), user_id=sealed, linked_at=now)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


def of(session: Session, subject_id: UUID) -> LineLink | None:
    """The person's live link."""
    return session.scalar(_OF, {"owner": subject_id})


def user_of(session: Session, ring: KeyRing, subject_id: UUID) -> str | None:
    """The LINE user id that messages to this person go to, if they linked one."""
    link = of(session, subject_id)
    if link is None or link.user_id is None:
        return None
    return PersonSealer(ring, session).open(link.user_id, owner=subject_id, field=FIELD)


def owner_of(session: Session, ring: KeyRing, user_id: str, *, now: datetime) -> UUID | None:
    """Whose this LINE account is, by one indexed statement that also notes the use."""
    return session.scalar(_USE, {"mark": _fingerprint(ring, user_id), "now": now})


def is_linked(session: Session, ring: KeyRing, user_id: str) -> bool:
    """Whether anybody has linked this LINE account."""
    return session.scalar(_BY_USER, {"mark": _fingerprint(ring, user_id)}) is not None


def remove(session: Session, subject_id: UUID, *, now: datetime) -> bool:
    """End the link and forget the id; whether this call did."""
    return session.scalar(_REMOVE, {"owner": subject_id, "now": now}) is not None


def _fingerprint(ring: KeyRing, user_id: str) -> str:
    return ring.mac("fingerprint", "line", user_id).hex()


_OF = select(LineLink).where(LineLink.subject_id == bindparam("owner"), LineLink.removed_at.is_(None))
_BY_USER = select(LineLink.id).where(LineLink.fingerprint == bindparam("mark"), LineLink.removed_at.is_(None))
_USE = (
    update(LineLink)
    .where(LineLink.fingerprint == bindparam("mark"), LineLink.removed_at.is_(None))
    .values(last_used_at=bindparam("now"))
    .returning(LineLink.subject_id)
    .execution_options(synchronize_session=False)
)
_REMOVE = (
    update(LineLink)
    .where(LineLink.subject_id == bindparam("owner"), LineLink.removed_at.is_(None))
    .values(removed_at=bindparam("now"), user_id=None)
    .returning(LineLink.id)
    .execution_options(synchronize_session=False)
)
