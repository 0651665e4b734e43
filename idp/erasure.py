"""The end of what we know about a person (PDPA s.33): their key is destroyed, and whatever leads to them goes.

What stays names nobody: records of consent and the log are kept as proof, under a number that leads to no one, and
the tree of the log is not touched, so it verifies as before. Consents are withdrawn first, so services are told.
What must stay for now is said by a hold, in words, before anything is asked for.

The last thing is to forget the pseudonyms: an entry written afterwards would make a new one. So everything that a
worker would still write about this person is done here, and letters lose their owner.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from consent import history, purposes
from consent.audit import log
from consent.audit.log import Actor
from consent.db import rows_of, table_of
from consent.errors import Conflict, NotAllowed
from consent.family import invitations, links
from consent.rights import cases, restricting, transferring
from consent.rights.clocks import Kind
from consent.rights.models import Erased, RightsCase
from idp import alerts, emergency_access, family, rights, signing_out, withdrawal
from idp.directory import StaffAssignment
from idp.jobs import Job
from idp.keys import KeyRing
from idp.migrations.models import metadata
from idp.oauth import grants
from idp.oauth.grants import Grant
from idp.outbox import Letter
from idp.people import NationalId, Subject
from idp.proofing import numbers
from idp.settings import Settings
from idp.visits import Visit

SYSTEM = Actor.system("erasure")
REST = alerts.GOOD_FOR  # between asking and doing: whoever did not ask can still say so with the code of the notice
STAFF_KEPT = timedelta(days=3 * 365)  # who opened what at work must be told for so long after the work has ended
GONE = (  # tables whose rows about this person go; each names them by `subject_id`. Order: children first
    "passkey",
    "pin",
    "totp",
    "recovery_code",
    "recovery_set",
    "known_device",
    "line_link",
    "account_hold",
    "staff_invitation",
    "challenge",
    "upstream_attempt",
    "webauthn_challenge",
    "handover",
    "desk_case",
    "recovery",
    "proofing_case",
    "notice_to_person",
    "identity_paper",
    "national_id",
    "sign_in_session",
    "known_as",
    "watch_wish",
    "watch_seen",
    "watch_reminded",
)
SEALED = ("name_th", "name_en", "birth_date", "phone", "email", "address")
NOTHING = b""
A_DAY = timedelta(days=1)
COUNTS = ("proofing_looks", "code_failures", "other_way_ledger", "send_ledger")  # by fingerprint of the number


def holds(session: Session, subject_id: UUID, *, now: datetime, but: UUID | None = None) -> list[str]:
    """What keeps the data for now, as codes of `cases.HOLDS`: each is said to the person, and nothing else counts.

    `but` is the case of the erasure itself.
    """
    found = []
    open_cases = [one for one in cases.of_subject(session, subject_id) if one.state == "open" and one.id != but]
    disputed = any(one.kind in (Kind.complaint, Kind.not_right, Kind.emergency) for one in open_cases)
    if disputed or emergency_access.unjudged(session, subject_id):
        found.append("open_case")
    here = select(Visit.id).where(Visit.subject_id == subject_id, Visit.ended_at.is_(None), Visit.ends_at > now)
    if session.scalars(here).first() is not None:
        found.append("open_visit")
    worked = or_(StaffAssignment.ends_at.is_(None), StaffAssignment.ends_at > now - STAFF_KEPT)
    if session.scalars(select(StaffAssignment.id).where(StaffAssignment.subject_id == subject_id, worked)).first():
        found.append("staff_role")
    if restricting.running(session, subject_id, now=now):
        found.append("restricted")
    own = None if but is None else session.get(RightsCase, but)
    if own is not None and own.hold is not None and own.hold not in found:
        found.append(own.hold)
    return found


def carry_out(session: Session, ring: KeyRing, settings: Settings, case_id: UUID, *, by: UUID, now: datetime) -> None:
    """Do what the person asked for. Appends account.erased and dsar.closed before the pseudonyms go.

    Raises: NotFound; NotAllowed(code=…): `own_case`, `not_erasure`, `held` while something keeps the data, `too_soon`
    before the time to object is over; Conflict when the case is answered already.
    """
    case = rights.handled(session, case_id, by=by)
    if case.kind != Kind.erasure.value:
        raise NotAllowed("This request is no erasure.", code="not_erasure")
    if case.state != "open":
        raise Conflict("This request was answered already.", detail="rights_case")
    if now < earliest(case):
        raise NotAllowed("The person can still say that it was not them.", code="too_soon")
    if holds(session, case.subject_id, now=now, but=case_id):
        raise NotAllowed("Something keeps the data for now.", code="held")
    alerts.tell(session, ring, subject_id=case.subject_id, kind="erased", now=now)
    rights.tell_actor(session, ring, case, now=now)
    cases.answer(session, case_id, by=Actor.staff(by), now=now)
    erase(session, ring, settings, case.subject_id, now=now)


def earliest(case: RightsCase) -> datetime:
    """PURE: from when an erasure may be done: the person was told when it was asked for, or entered from a paper."""
    return (case.entered_at or case.opened_at) + REST


def erase(session: Session, ring: KeyRing, settings: Settings, subject_id: UUID, *, now: datetime) -> None:
    """Erase a person, in this transaction. Again is harmless. Appends account.closed and account.erased."""
    _withdraw_everything(session, ring, settings, subject_id, now=now)
    _leave_the_family(session, ring, settings, subject_id, now=now)
    numbers.close(session, subject_id, status="closed", reason="erased", now=now)
    signing_out.everywhere(session, ring, settings, subject_id=subject_id, now=now)
    grants.end_for_subject(session, subject_id, now=now, reason="account_closed")
    _close_cases(session, subject_id, now=now)
    log.append(session, "account.erased", now=now, actor=SYSTEM, subject_id=subject_id)
    _remember(session, subject_id, now=now)
    destroy(session, subject_id)


def destroy(session: Session, subject_id: UUID) -> None:
    """Destroy the key and delete whatever leads to the person; nothing is logged about them after this."""
    session.flush()
    tables = metadata().tables
    number = session.scalars(select(NationalId.fingerprint).where(NationalId.subject_id == subject_id)).all()
    for name in COUNTS:
        table = tables[name]
        session.execute(delete(table).where(table.c.fingerprint.in_(number)))
    for name in GONE:
        table = tables[name]
        session.execute(delete(table).where(table.c.subject_id == subject_id))
    session.execute(update(Letter).where(Letter.subject_id == subject_id).values(subject_id=None))
    session.execute(update(Job).where(Job.ref_id == subject_id, Job.state == "queued").values(state="done"))
    session.execute(update(RightsCase).where(RightsCase.subject_id == subject_id).values(words=None, answer=None))
    mine = or_(Grant.subject_id == subject_id, Grant.patient_id == subject_id)
    session.execute(update(Grant).where(mine).values(details=None))  # numbers of visits, under the server's key
    nothing = dict.fromkeys(SEALED, NOTHING)
    session.execute(
        update(Subject).where(Subject.id == subject_id).values(data_key=None, gender="unknown", locale="th", **nothing)
    )
    log.forget(session, subject_id)
    session.expire_all()


def sweep(session: Session, *, now: datetime) -> None:
    """Forget once more who was erased within a day: an access that was under way may have written a last pseudonym."""
    for subject_id in session.scalars(select(Erased.subject_id).where(Erased.erased_at > now - A_DAY)).all():
        log.forget(session, subject_id)


def again(session: Session, people: Sequence[UUID], *, now: datetime) -> int:
    """After a backup was restored: destroy once more who had been erased since; how many were there again."""
    back = session.scalars(select(Subject.id).where(Subject.id.in_(people), Subject.data_key.is_not(None))).all()
    for subject_id in back:
        numbers.close(session, subject_id, status="closed", reason="erased", now=now)
        log.append(session, "account.erased", now=now, actor=SYSTEM, subject_id=subject_id, reason="restored")
        _remember(session, subject_id, now=now, repeated=True)
        destroy(session, subject_id)
    return len(back)


def erased(session: Session) -> list[UUID]:
    """Everybody who was erased, as numbers that lead to nobody: what an operator keeps beside the backups."""
    return list(session.scalars(select(Erased.subject_id).order_by(Erased.erased_at, Erased.subject_id)))


def left(session: Session, subject_id: UUID) -> dict[str, int]:
    """Rows that still name the person by table, for who checks: consents and visits, and nothing that opens."""
    found: dict[str, int] = {}
    for name, table in metadata().tables.items():
        named = [column for column in ("subject_id", "person_id", "owner") if column in table.c]
        if named:
            count = session.scalar(select(func.count()).select_from(table).where(table.c[named[0]] == subject_id))
            found |= {name: count} if count else {}
    return found


def _withdraw_everything(
    session: Session, ring: KeyRing, settings: Settings, subject_id: UUID, *, now: datetime
) -> None:
    for view in history.for_subject(session, subject_id, now=now):
        if view.state == "active" and view.record_id is not None and purposes.get(view.purpose).asks:
            withdrawal.withdraw(session, ring, settings, view.record_id, subject_id=subject_id, now=now)


def _leave_the_family(session: Session, ring: KeyRing, settings: Settings, subject_id: UUID, *, now: datetime) -> None:
    """Nobody acts for them any more, and they for nobody; the others are told. No choice of a helper waits."""
    by = Actor.citizen(subject_id)
    for link in (*links.of_guardian(session, subject_id, now=now), *links.of_ward(session, subject_id, now=now)):
        ended = links.end(session, link.id, by=by, reason="erased", now=now)
        if ended is not None:
            family.over(session, ring, settings, ended, by=subject_id, now=now)
    invitations.end_of_person(session, subject_id, now=now)


def _close_cases(session: Session, subject_id: UUID, *, now: datetime) -> None:
    """What else they asked for: nothing is left to answer it about, or to seal an answer with."""
    for case in cases.of_subject(session, subject_id):
        if case.state == "open":
            cases.answer(session, case.id, by=SYSTEM, now=now)
    transferring.take_back_all(session, subject_id, now=now)


def _remember(session: Session, subject_id: UUID, *, now: datetime, repeated: bool = False) -> None:
    table = table_of(Erased)
    known = update(table).where(table.c.subject_id == subject_id).values(erased_at=now, again=repeated)
    if rows_of(session.execute(known)) == 0:
        session.execute(insert(table).values(subject_id=subject_id, erased_at=now, again=repeated))
