"""A visit: one person at one facility, proved by the card in its reader, until somebody ends it or a day has passed.

Care during a visit rests on TREAT, and nobody is asked for a consent (catalogue row CARE). What a clinician may do
hangs on the visit as it is at this moment: `treatment` reads it, with their own role and licence, at every use.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Row, and_, bindparam, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent import purposes
from consent.db import Base, InsertOnce, Plain, new_id
from consent.errors import NotFound
from idp import papers, treatments
from idp.assurance import Aal, Ial
from idp.directory import Facility
from idp.keys import KeyRing
from idp.national_id import BANGKOK, mask_national_id
from idp.subjects import NationalId, PersonSealer, Subject
from idp.treatments import Treatment

PURPOSE = treatments.CARE
MOST_LISTED = 50


class Visit(Base):
    """One visit. `ended_at` is set once, by a conditional UPDATE; after `ends_at` it is over whoever forgot to say so.

    `ial` is what was shown at the counter by the person who stood there; the account's own level is not touched.
    `method` is `card` for whatever lay on the counter: a card in the reader, or what a case there was proved by.
    """

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("method IN ('card')", name="method"),
        CheckConstraint("ends_at > opened_at", name="order"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        Index("ix_visit_hcode_opened_at", "hcode", "opened_at"),
        Index(
            "uq_visit_open",
            "subject_id",
            "hcode",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"))
    hcode: Mapped[Plain] = mapped_column(ForeignKey("facility.hcode"))
    recipient_id: Mapped[UUID]
    record_id: Mapped[UUID]  # the notice that was told: a consent record of the package below
    method: Mapped[Plain]
    ial: Mapped[Plain]
    opened_by: Mapped[UUID]
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[Plain | None]

    def runs_at(self, now: datetime) -> bool:
        """Whether care may go on under it."""
        return self.ended_at is None and now < self.ends_at


@dataclass(frozen=True)
class Listed:
    """One line of a facility's open visits: the number is masked before it leaves the room."""

    id: UUID
    masked_id: str
    opened_at: datetime
    ends_at: datetime


def may_treat(code: str, aal: Aal, ial: Ial) -> bool:
    """PURE: whether a member of staff at these levels may use the purpose, or witness its notice (rule 4)."""
    purpose = purposes.get(code)
    return purposes.reaches(aal.value, purpose.staff_aal) and purposes.reaches(ial.value, purpose.staff_ial)


_TABLE = Visit.__table__
_TREATMENT = (
    select(
        Visit.id.label("visit_id"),
        Visit.subject_id.label("patient_id"),
        Visit.recipient_id,
        Visit.hcode,
        Visit.ial,
        Visit.ends_at,
        Visit.ended_at,
        Subject.status.label("patient_status"),
        Facility.licence_valid_until.label("licensed_until"),
        treatments.practises_at(Visit.hcode).label("practises"),
        treatments.LICENCE.label("licence"),
    )
    .join(Subject, Subject.id == Visit.subject_id)
    .join(Facility, Facility.hcode == Visit.hcode)
    .where(Visit.id == bindparam("visit"))
)
_END = (
    update(Visit)
    .where(Visit.id == bindparam("visit"), Visit.ended_at.is_(None))
    .values(ended_at=bindparam("now"), end_reason=bindparam("reason"))
    .execution_options(synchronize_session=False)
)
_OPEN = select(_TABLE.c.id, _TABLE.c.ends_at).where(
    and_(_TABLE.c.subject_id == bindparam("person"), _TABLE.c.hcode == bindparam("place"), _TABLE.c.ended_at.is_(None))
)
_ANYWHERE = (
    select(_TABLE.c.id)
    .where(
        _TABLE.c.subject_id == bindparam("person"),
        _TABLE.c.recipient_id == bindparam("organisation"),
        _TABLE.c.ended_at.is_(None),
        _TABLE.c.ends_at > bindparam("now"),
    )
    .order_by(_TABLE.c.opened_at.desc(), _TABLE.c.id)
    .limit(1)
)
_RUNS = select(_TABLE.c.id).where(
    _TABLE.c.id == bindparam("visit"), _TABLE.c.ended_at.is_(None), _TABLE.c.ends_at > bindparam("now")
)
_open_once = InsertOnce(Visit)


def treatment(session: Session, visit_id: UUID, *, clinician_id: UUID, now: datetime) -> Treatment | None:
    """The visit and this clinician's part in it; None for an unknown visit."""
    known = {"visit": visit_id, "clinician": clinician_id, "now": now, "today": now.astimezone(BANGKOK).date()}
    row = session.execute(_TREATMENT, known).mappings().one_or_none()
    return None if row is None else Treatment(**row)


def add(
    session: Session,
    *,
    visit_id: UUID,
    subject_id: UUID,
    hcode: str,
    recipient_id: UUID,
    record_id: UUID,
    ial: str,
    opened_by: UUID,
    now: datetime,
) -> bool:
    """Write the row of a visit that begins now. False: the person already has an open one at this facility."""
    row = {
        "id": visit_id,
        "subject_id": subject_id,
        "hcode": hcode,
        "recipient_id": recipient_id,
        "record_id": record_id,
        "method": "card",
        "ial": ial,
        "opened_by": opened_by,
        "opened_at": now,
        "ends_at": now + purposes.get(PURPOSE).life(None),
        "ended_at": None,
        "end_reason": None,
    }
    return _open_once(session, row)


def end(session: Session, visit_id: UUID, *, reason: str, now: datetime) -> bool:
    """End it, once over all processes; True if it was this call that did."""
    return session.execute(_END, {"visit": visit_id, "now": now, "reason": reason}).rowcount == 1  # type: ignore[attr-defined,no-any-return]


def open_of(session: Session, subject_id: UUID, hcode: str) -> Row[*tuple[Any, ...]] | None:
    """The visit of this person here that nobody has ended, with when it ends by itself; it may have lapsed."""
    return session.execute(_OPEN, {"person": subject_id, "place": hcode}).one_or_none()


def running_of(session: Session, subject_id: UUID, hcode: str, *, now: datetime) -> UUID | None:
    """The visit of this person that is open here now."""
    found = open_of(session, subject_id, hcode)
    return found.id if found is not None and now < found.ends_at else None


def running_for(session: Session, subject_id: UUID, recipient_id: UUID, *, now: datetime) -> UUID | None:
    """The newest visit of this person that is open now at any facility of this organisation."""
    known = {"person": subject_id, "organisation": recipient_id, "now": now}
    found: UUID | None = session.scalar(_ANYWHERE, known)
    return found


def runs_for(session: Session, subject_id: UUID, recipient_id: UUID, *, now: datetime) -> bool:
    """Whether there is one."""
    return running_for(session, subject_id, recipient_id, now=now) is not None


def runs(session: Session, visit_id: UUID, now: datetime) -> bool:
    """Whether this one visit goes on: what was allowed for it alone ends with it, by whatever ended it or the clock."""
    found = session.execute(_RUNS, {"visit": visit_id, "now": now}).first()
    return found is not None


def at(session: Session, visit_id: UUID, hcode: str) -> Visit:
    """A visit of this facility. Raises NotFound, the same for unknown and for another facility's."""
    found = session.get(Visit, visit_id)
    if found is None or found.hcode != hcode:
        raise NotFound("We could not find that visit.", detail="visit")
    return found


def find_at(session: Session, visit_id: UUID | None, hcode: str) -> UUID | None:
    """The visit with this id, if it is one of this facility's, over or not."""
    found = None if visit_id is None else session.get(Visit, visit_id)
    return None if found is None or found.hcode != hcode else found.id


def running(session: Session, ring: KeyRing, hcode: str, *, now: datetime) -> list[Listed]:
    """The visits that are open here now, newest first."""
    sealer = PersonSealer(ring, session)
    return [
        Listed(row.id, _masked(session, ring, sealer, row), row.opened_at, row.ends_at)
        for row in session.execute(_RUNNING, {"place": hcode, "now": now})
    ]


def number_of(session: Session, ring: KeyRing, subject_id: UUID) -> str:
    """The national ID of a patient, or the number on their paper, for whoever sits at the counter with them."""
    row = session.execute(_NUMBER, {"person": subject_id}).one_or_none()
    if row is None:
        return papers.number_of(session, ring, subject_id) or ""
    return _number(PersonSealer(ring, session), row)


_RUNNING = (
    select(Visit.id, Visit.subject_id, Visit.opened_at, Visit.ends_at, NationalId.number)
    .outerjoin(NationalId, and_(NationalId.subject_id == Visit.subject_id, NationalId.proved))
    .where(Visit.hcode == bindparam("place"), Visit.ended_at.is_(None), Visit.ends_at > bindparam("now"))
    .order_by(Visit.opened_at.desc(), Visit.id)
    .limit(MOST_LISTED)
)
_NUMBER = select(NationalId.subject_id, NationalId.number).where(
    NationalId.subject_id == bindparam("person"), NationalId.proved
)


def _masked(session: Session, ring: KeyRing, sealer: PersonSealer, row: Row[*tuple[Any, ...]]) -> str:
    if row.number is not None:
        return mask_national_id(_number(sealer, row))
    return f"xxx {(papers.number_of(session, ring, row.subject_id) or '')[-3:]}"


def _number(sealer: PersonSealer, row: Row[*tuple[Any, ...]]) -> str:
    return sealer.open(row.number, owner=row.subject_id, field="national_id")
