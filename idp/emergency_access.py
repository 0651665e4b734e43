"""Breaking the glass, as rows: who opened whose record, why and until when, and what was judged of it afterwards.

`treatment` reads an emergency as `visits.treatment` reads a visit: with the clinician's role and licence as they stand
at this moment, at every use. The person may be unknown at first; until somebody names them nothing can be opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, bindparam, case, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent import emergency, purposes
from consent.db import Base, InsertOnce, Plain, Sealed, rows_of, table_of
from consent.emergency import Emergency, Opener, Said
from consent.errors import NotFound
from idp import directory, subjects, treatments, visits
from idp.directory import Facility
from idp.keys import KeyRing
from idp.national_id import BANGKOK
from idp.readings import Desk
from idp.subjects import PersonSealer, Subject
from idp.treatments import Treatment

NOBODYS_LEVEL = "1.1"  # nothing is asked of whoever cannot answer
FIELD = "emergency"
MOST_LISTED = 50


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class EmergencyAccess(Base):
    """One breaking of the glass by one clinician. `ended_at` and `patient_id` are set once, by conditional UPDATEs.

    `words` are sealed under the patient's own key, or under the server's while nobody knows who it is. `record_id` is
    the notice that stands for the person (PDPA s.27).
    """

    __tablename__ = "emergency_access"
    __table_args__ = (
        CheckConstraint(_one_of("reason", emergency.REASONS), name="reason"),
        CheckConstraint(_one_of("identified_by", emergency.IDENTIFIED_BY), name="identified_by"),
        CheckConstraint(_one_of("end_reason", emergency.ENDINGS), name="end_reason"),
        CheckConstraint(f"hours BETWEEN {emergency.LEAST_HOURS} AND {emergency.MOST_HOURS}", name="hours"),
        CheckConstraint("ends_at > opened_at", name="order"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint(
            "(patient_id IS NULL) = (named_at IS NULL) AND (patient_id IS NULL) = (record_id IS NULL)"
            " AND (patient_id IS NULL) = (identified_by IS NULL)",
            name="named",
        ),
        CheckConstraint("patient_id <> opened_by", name="two_people"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    opened_by: Mapped[UUID] = mapped_column(index=True)
    hcode: Mapped[Plain] = mapped_column(ForeignKey("facility.hcode"))
    recipient_id: Mapped[UUID]
    reason: Mapped[Plain]
    words: Mapped[Sealed]
    hours: Mapped[int]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("subject.id"), index=True)
    identified_by: Mapped[Plain | None]
    record_id: Mapped[UUID | None]
    named_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[Plain | None]
    review_due_at: Mapped[datetime] = mapped_column(index=True)

    def runs_at(self, now: datetime) -> bool:
        """Whether its time has come and not run out."""
        return Emergency(self.opened_at, self.ends_at, self.ended_at).runs_at(now)


class EmergencyReview(Base):
    """What somebody else judged of it afterwards: one row each, never changed, never by who opened it."""

    __tablename__ = "emergency_review"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (
        CheckConstraint(_one_of("outcome", emergency.OUTCOMES), name="outcome"),
        CheckConstraint("reviewed_by <> opened_by", name="two_people"),
    )

    emergency_id: Mapped[UUID] = mapped_column(ForeignKey("emergency_access.id"), primary_key=True)
    opened_by: Mapped[UUID]
    reviewed_by: Mapped[UUID]
    outcome: Mapped[Plain]
    words: Mapped[Sealed]
    reviewed_at: Mapped[datetime]


@dataclass(frozen=True)
class Waiting:
    """How many openings wait for a judgement, and how many of them past their time."""

    waiting: int
    overdue: int


_E, _R = table_of(EmergencyAccess).c, table_of(EmergencyReview).c
_TREATMENT = (
    select(
        EmergencyAccess.id.label("emergency_id"),
        EmergencyAccess.patient_id,
        EmergencyAccess.recipient_id,
        EmergencyAccess.hcode,
        EmergencyAccess.opened_at,
        EmergencyAccess.ends_at,
        EmergencyAccess.ended_at,
        Subject.status.label("patient_status"),
        Facility.licence_valid_until.label("licensed_until"),
        treatments.practises_at(EmergencyAccess.hcode).label("practises"),
        treatments.LICENCE.label("licence"),
    )
    .join(Subject, Subject.id == EmergencyAccess.patient_id)
    .join(Facility, Facility.hcode == EmergencyAccess.hcode)
    .where(EmergencyAccess.id == bindparam("emergency"), EmergencyAccess.opened_by == bindparam("clinician"))
)
_NAME = (
    update(EmergencyAccess)
    .where(
        _E.id == bindparam("of"), _E.patient_id.is_(None), _E.ended_at.is_(None), _E.ends_at > bindparam("named_now")
    )
    .execution_options(synchronize_session=False)
)
_END = (
    update(EmergencyAccess)
    .where(_E.id == bindparam("of"), _E.ended_at.is_(None))
    .values(ended_at=bindparam("at"), end_reason=bindparam("why"))
    .execution_options(synchronize_session=False)
)
_RUNNING = (_E.ended_at.is_(None), _E.ends_at > bindparam("now"))
_LATEST_END = select(func.max(_E.ends_at)).where(
    _E.patient_id == bindparam("person"), _E.recipient_id == bindparam("organisation"), *_RUNNING
)
_MINE = (
    select(EmergencyAccess)
    .where(_E.opened_by == bindparam("clinician"), _E.hcode == bindparam("place"), *_RUNNING)
    .order_by(_E.opened_at.desc(), _E.id)
    .limit(MOST_LISTED)
)
_LAPSED = (
    select(EmergencyAccess).where(_E.ended_at.is_(None), _E.ends_at <= bindparam("now")).order_by(_E.id).limit(200)
)
_COUNTS = (
    select(
        func.count().label("waiting"),
        func.coalesce(func.sum(case((_E.review_due_at <= bindparam("now"), 1), else_=0)), 0).label("overdue"),
    )
    .select_from(_E.id.table.outerjoin(_R.emergency_id.table, _R.emergency_id == _E.id))
    .where(_E.patient_id.is_not(None), _R.emergency_id.is_(None))
)
_KIND = select(Facility.kind).where(Facility.hcode == bindparam("place"))
_open_once, _review_once = InsertOnce(EmergencyAccess), InsertOnce(EmergencyReview)


def treatment(session: Session, emergency_id: UUID, *, clinician_id: UUID, now: datetime) -> Treatment | None:
    """The emergency with this clinician's part in it, read once; None when it is not theirs or nobody is named yet."""
    known = {"emergency": emergency_id, "clinician": clinician_id, "now": now}
    row = session.execute(_TREATMENT, known | {"today": now.astimezone(BANGKOK).date()}).mappings().one_or_none()
    if row is None:
        return None
    facts = dict(row)
    opened_at = facts.pop("opened_at")
    runs = Emergency(opened_at, facts["ends_at"], facts["ended_at"])
    return Treatment(visit_id=None, ial=NOBODYS_LEVEL, emergency=runs, **facts)


def opener(session: Session, desk: Desk, *, now: datetime) -> Opener:
    """How this member of staff stands now. A practitioner without a licence that holds is none (`directory`)."""
    kind = session.scalar(_KIND, {"place": desk.place.hcode})
    purpose = purposes.get(emergency.PURPOSE)
    ial = subjects.level_now(session, desk.person_id, now=now)
    recipient = directory.recipient_of(session, desk.place.legal_entity_id, now=now)
    return Opener(
        practitioner=desk.place.role == "practitioner",
        facility_kind=kind in purpose.recipient_kinds and recipient.kind in purpose.recipient_kinds,
        facility_licence=desk.place.licensed_at(now) and recipient.licence_valid,
        level=visits.may_treat(emergency.PURPOSE, desk.aal, ial),
    )


def add(session: Session, ring: KeyRing, emergency_id: UUID, *, said: Said, desk: Desk, now: datetime) -> bool:
    """Write the row of an emergency of somebody unknown. False: there is one with this id already."""
    row = {
        "id": emergency_id,
        "opened_by": desk.person_id,
        "hcode": desk.place.hcode,
        "recipient_id": desk.place.legal_entity_id,
        "reason": said.reason,
        "words": ring.seal(said.words.strip(), place=_place(emergency_id)),
        "hours": said.hours,
        "opened_at": now,
        "ends_at": now + timedelta(hours=said.hours),
        "review_due_at": emergency.due_at(now),
    }
    return _open_once(session, row)


def name(
    session: Session,
    ring: KeyRing,
    found: EmergencyAccess,
    *,
    patient_id: UUID,
    identified_by: str,
    record_id: UUID,
    now: datetime,
) -> bool:
    """Say who it is, once over all processes, while it runs; the words go under the key of that person."""
    words = PersonSealer(ring, session).seal(words_of(session, ring, found), owner=patient_id, field=FIELD)
    named = {"patient_id": patient_id, "identified_by": identified_by, "record_id": record_id, "named_at": now}
    known = {"of": found.id, "named_now": now}
    return rows_of(session.execute(_NAME.values(**named, words=words), known)) == 1


def end(session: Session, emergency_id: UUID, *, reason: str, now: datetime) -> bool:
    """End it, once over all processes; True if it was this call that did."""
    return rows_of(session.execute(_END, {"of": emergency_id, "at": now, "why": reason})) == 1


def find(session: Session, emergency_id: UUID) -> EmergencyAccess | None:
    """The row as it is in the database now."""
    return session.get(EmergencyAccess, emergency_id, populate_existing=True)


def own(session: Session, emergency_id: UUID, *, desk: Desk) -> EmergencyAccess:
    """One that this person opened at this place. Raises: NotFound, the same for unknown and for somebody else's."""
    found = find(session, emergency_id)
    if found is None or (found.opened_by, found.hcode) != (desk.person_id, desk.place.hcode):
        raise NotFound("We could not find that emergency.", detail="emergency")
    return found


def running_of(session: Session, desk: Desk, *, now: datetime) -> Sequence[EmergencyAccess]:
    """What this person opened here and what runs, newest first."""
    return session.scalars(_MINE, {"clinician": desk.person_id, "place": desk.place.hcode, "now": now}).all()


def latest_end(session: Session, patient_id: UUID, recipient_id: UUID, *, now: datetime) -> datetime | None:
    """Until when some emergency of this person runs at this organisation, whoever opened it."""
    known = {"person": patient_id, "organisation": recipient_id, "now": now}
    latest: datetime | None = session.scalar(_LATEST_END, known)
    return latest


def lapsed(session: Session, *, now: datetime) -> Sequence[EmergencyAccess]:
    """What its time has ended and nobody else has; some of it."""
    return session.scalars(_LAPSED, {"now": now}).all()


def counts(session: Session, *, now: datetime) -> Waiting:
    """How many openings of somebody's record wait for a judgement."""
    return Waiting(*session.execute(_COUNTS, {"now": now}).one())


def unjudged(session: Session, patient_id: UUID) -> bool:
    """Whether an opening of this person's record waits for its judgement, which their key is needed for."""
    waits = select(_E.id).outerjoin(_R.emergency_id.table, _R.emergency_id == _E.id)
    return session.scalar(waits.where(_E.patient_id == patient_id, _R.emergency_id.is_(None)).limit(1)) is not None


def words_of(session: Session, ring: KeyRing, found: EmergencyAccess) -> str:
    """Why, in the clinician's own words. Raises: KeyError when the person was erased."""
    if found.patient_id is None:
        return ring.open(found.words, place=_place(found.id))
    return PersonSealer(ring, session).open(found.words, owner=found.patient_id, field=FIELD)


def review_of(session: Session, emergency_id: UUID) -> EmergencyReview | None:
    """What was judged of it."""
    return session.get(EmergencyReview, emergency_id)


def keep_review(session: Session, review: dict[str, object]) -> bool:
    """Write a judgement. False: there is one already."""
    return _review_once(session, review)


def _place(emergency_id: UUID) -> str:
    return f"{FIELD}:{emergency_id}"
