"""Roles are dated assignments that somebody granted; there is no role column on a person (DECISIONS 4)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from idp.directory.models import ROLES, Practitioner, StaffAssignment
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
