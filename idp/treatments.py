"""Somebody treats somebody, right now: in a visit, or in an emergency. Read at every use, never remembered.

`visits.treatment` and `emergency_access.treatment` fill it; the protocol room asks it whether it still stands.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from consent import emergency
from consent.emergency import Emergency
from idp.directory import Practitioner, StaffAssignment
from idp.national_id import BANGKOK

CARE = "CARE"


@dataclass(frozen=True)
class Treatment:
    """A visit with the clinician who treats in it, as both stand now: one read. Or an emergency, with no visit."""

    visit_id: UUID | None
    patient_id: UUID
    recipient_id: UUID
    hcode: str
    ial: str
    ends_at: datetime
    ended_at: datetime | None
    patient_status: str
    licensed_until: date | None
    practises: bool
    licence: bool
    emergency_id: UUID | None = None
    emergency: Emergency | None = None

    @property
    def purpose(self) -> str:
        """What it opens: care in a visit, or what saves a life; never the one under the other."""
        return CARE if self.emergency is None else emergency.PURPOSE

    def fits(self, code: str) -> bool:
        """Whether a purpose may rest on it: the emergency's on an emergency alone, every other on a visit alone."""
        return (code == emergency.PURPOSE) == (self.emergency is not None)

    def stopped_at(self, now: datetime) -> str | None:
        """PURE: why nobody may open anything under it any more, or None. The licence holds through its Bangkok day."""
        today, over = now.astimezone(BANGKOK).date(), "visit_over" if self.emergency is None else "emergency_over"
        against = (
            (over, self.ended_at is not None or now >= self.ends_at),
            ("patient_closed", self.patient_status != "active"),
            ("facility_licence", self.licensed_until is None or self.licensed_until < today),
            ("not_practitioner", not self.practises),
            ("licence", not self.licence),
        )
        return next((reason for reason, true in against if true), None)


def practises_at(hcode: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """SQL: `clinician` works as a practitioner at the facility of that column `now`."""
    return (
        select(StaffAssignment.id)
        .where(
            StaffAssignment.subject_id == bindparam("clinician"),
            StaffAssignment.hcode == hcode,
            StaffAssignment.role == "practitioner",
            StaffAssignment.starts_at <= bindparam("now"),
            or_(StaffAssignment.ends_at.is_(None), StaffAssignment.ends_at > bindparam("now")),
        )
        .exists()
    )


LICENCE = (  # SQL: `clinician` holds a licence that is neither suspended nor over `today` in Bangkok
    select(Practitioner.number)
    .where(
        Practitioner.subject_id == bindparam("clinician"),
        Practitioner.suspended_at.is_(None),
        or_(Practitioner.valid_until.is_(None), Practitioner.valid_until >= bindparam("today")),
    )
    .exists()
)
