"""Roles are dated assignments that somebody granted; there is no role column on a person (DECISIONS 4)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from idp.directory.models import ROLES, Facility, Practitioner, StaffAssignment
from idp.national_id import BANGKOK

_ROLES = select(StaffAssignment.role).where(
    StaffAssignment.subject_id == bindparam("subject"),
    StaffAssignment.starts_at <= bindparam("now"),
    or_(StaffAssignment.ends_at.is_(None), StaffAssignment.ends_at > bindparam("now")),
)
_LICENCE = (
    select(Practitioner.number)
    .where(
        Practitioner.subject_id == bindparam("subject"),
        Practitioner.suspended_at.is_(None),
        or_(Practitioner.valid_until.is_(None), Practitioner.valid_until >= bindparam("today")),
    )
    .limit(1)
)

_AFFILIATIONS = (
    select(
        StaffAssignment.id,
        StaffAssignment.role,
        Facility.hcode,
        Facility.legal_entity_id,
        Facility.name_th,
        Facility.name_en,
        Facility.licence_valid_until,
    )
    .join(Facility, Facility.hcode == StaffAssignment.hcode)
    .where(
        StaffAssignment.subject_id == bindparam("subject"),
        StaffAssignment.starts_at <= bindparam("now"),
        or_(StaffAssignment.ends_at.is_(None), StaffAssignment.ends_at > bindparam("now")),
    )
    .order_by(Facility.hcode, StaffAssignment.role)
)


@dataclass(frozen=True)
class Affiliation:
    """One running role of a person at one facility: what a member of staff works as at a time."""

    id: UUID
    role: str
    hcode: str
    legal_entity_id: UUID
    name_th: str
    name_en: str
    licence_valid_until: date | None

    def name(self, locale: str) -> str:
        """The facility's name in the language of a page."""
        return self.name_en if locale == "en" else self.name_th

    def licensed_at(self, now: datetime) -> bool:
        """Whether the facility's licence holds on this Bangkok day."""
        return self.licence_valid_until is not None and now.astimezone(BANGKOK).date() <= self.licence_valid_until


def affiliations_of(session: Session, subject_id: UUID, *, now: datetime) -> list[Affiliation]:
    """Where this person works now, by facility code; as a practitioner only while their licence holds."""
    found = [Affiliation(*row) for row in session.execute(_AFFILIATIONS, {"subject": subject_id, "now": now})]
    if any(one.role == "practitioner" for one in found) and "practitioner" not in roles_of(
        session, subject_id, now=now
    ):
        found = [one for one in found if one.role != "practitioner"]
    return found


def roles_of(session: Session, subject_id: UUID, *, now: datetime) -> frozenset[str]:
    """The roles that run now. `practitioner` needs a licence that is neither expired nor suspended as well."""
    roles = set(session.scalars(_ROLES, {"subject": subject_id, "now": now}))
    if "practitioner" in roles:
        today = now.astimezone(BANGKOK).date()
        if session.scalar(_LICENCE, {"subject": subject_id, "today": today}) is None:
            roles.discard("practitioner")
    return frozenset(roles)


def assign(
    session: Session,
    *,
    subject_id: UUID,
    role: str,
    granted_by: UUID | None,
    now: datetime,
    hcode: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> StaffAssignment:
    """Grant a role from `starts_at` (default: now); `granted_by` is None for the operator's own command line.

    Appends role.changed. Raises: NotAllowed (code "unknown_role", or "own_role" for granting oneself).
    """
    if role not in ROLES:
        raise NotAllowed("There is no such role.", detail=f"{role=}", code="unknown_role")
    if granted_by == subject_id:
        raise NotAllowed("Nobody gives a role to themselves.", code="own_role")
    assignment = StaffAssignment(
        subject_id=subject_id,
        role=role,
        hcode=hcode,
        granted_by=granted_by,
        starts_at=starts_at or now,
        ends_at=ends_at,
    )
    session.add(assignment)
    session.flush()
    _log(session, subject_id, role=role, by=granted_by, reason="granted", now=now)
    return assignment


def end_assignment(session: Session, assignment_id: UUID, *, ended_by: UUID | None, now: datetime) -> None:
    """End a running role now, once. Appends role.changed. Raises: NotFound when it is unknown or already over."""
    ended = session.execute(
        update(StaffAssignment)
        .where(
            StaffAssignment.id == assignment_id,
            StaffAssignment.starts_at < now,
            or_(StaffAssignment.ends_at.is_(None), StaffAssignment.ends_at > now),
        )
        .values(ends_at=now)
        .returning(StaffAssignment.subject_id, StaffAssignment.role)
    ).one_or_none()
    if ended is None:
        raise NotFound("We could not find that role.", detail=f"{assignment_id=}")
    _log(session, ended.subject_id, role=ended.role, by=ended_by, reason="ended", now=now)


def _log(session: Session, subject_id: UUID, *, role: str, by: UUID | None, reason: str, now: datetime) -> None:
    actor = Actor.staff(by) if by else Actor.system("cli")
    log.append(
        session, "role.changed", now=now, actor=actor, subject_id=subject_id, codes=(f"role:{role}",), reason=reason
    )
