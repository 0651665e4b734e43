"""The story of a pause (PDPA s.34): an officer begins it for a request, the person sees it, and hears before it ends.

The rule and the rows are in `consent.rights.restricting`; here a pause meets the request's own consent, and people.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import history, purposes, records
from consent.errors import Conflict, NotAllowed
from consent.history import ConsentView
from consent.models import ConsentRestriction
from consent.purposes import Kind
from consent.rights import cases, restricting
from consent.rights.models import RightsCase
from consent.rights.restricting import EVERY
from idp import alerts, jobs, rights, subjects, suspending
from idp.jobs import Job
from idp.keys import KeyRing
from idp.settings import Settings

OVER = "pause-is-over"
WHOLE, ITS_CONSENT = "every", "record"  # beside the codes of the catalogue: what a pause may cover
CLOSED_TO_PAUSES = ("refused", "taken_back")


@dataclass(frozen=True)
class Pause:
    """One pause for a page. `purpose` "": every use that rests on a consent."""

    id: UUID
    purpose: str
    recipient_id: UUID | None
    begun_at: datetime
    until: datetime | None
    runs: bool


def begin(session: Session, ring: KeyRing, case_id: UUID, *, what: str, by: UUID, now: datetime) -> ConsentRestriction:
    """Pause what a request is about and tell the person: `record`, its own consent; `every` use by consent; a purpose.

    Raises: NotAllowed(code=…): `own_case`, `pause` for what cannot be paused; Conflict for a request that was refused
    or taken back; NotFound.
    """
    case = rights.handled(session, case_id, by=by)
    if case.state in CLOSED_TO_PAUSES:
        raise Conflict("This request was answered already.", detail="rights_case")
    purpose, recipient_id = _covers(session, case, what)
    pause = restricting.begin(session, case, purpose=purpose, recipient_id=recipient_id, by=by, now=now)
    suspending.reconsider(session, case.subject_id, now=now)
    _tell(session, ring, case.subject_id, "restriction_begun", now=now)
    return pause


def announce(session: Session, ring: KeyRing, case_id: UUID, pause_id: UUID, *, by: UUID, now: datetime) -> None:
    """Tell the person that a pause of this request will end, and let it end then.

    Raises: NotFound; NotAllowed(code="own_case"); Conflict for a pause of another request, or one announced before.
    """
    rights.handled(session, case_id, by=by)
    if pause_id not in {one.id for one in restricting.of_case(session, case_id)}:
        raise Conflict("This request has no such pause.", detail="restriction")
    pause = restricting.announce(session, pause_id, by=by, now=now)
    jobs.enqueue_job(session, OVER, pause.id, now=now, run_at=pause.until)
    _tell(session, ring, pause.subject_id, "restriction_ending", now=now)


def over(session: Session, ring: KeyRing, settings: Settings, job: Job, *, now: datetime) -> None:  # noqa: ARG001 -- a job's verb
    """A pause has ended by the clock: the status list says so. The decision knew it already."""
    suspending.reconsider(session, restricting.get(session, job.ref_id).subject_id, now=now)
    jobs.finish(session, job.id)


def end(session: Session, pause_id: UUID, *, subject_id: UUID, now: datetime, actor_id: UUID | None = None) -> bool:
    """The person ends it at once. False: it was over. Raises: NotFound, also for another's."""
    ended = restricting.end(session, pause_id, subject_id=subject_id, actor_id=actor_id or subject_id, now=now)
    if ended:
        suspending.reconsider(session, subject_id, now=now)
    return ended


def pausable() -> tuple[str, ...]:
    """PURE: the purposes whose use can be paused, in the catalogue's order."""
    return tuple(one.code for one in purposes.all() if one.kind is Kind.CITIZEN_CONSENT)


def choices(session: Session, case_id: UUID, *, now: datetime) -> list[str]:
    """What an officer may pause: the request's own consent, or all; a purpose only where something runs under it."""
    case = cases.get(session, case_id)
    running = {one.purpose for one in history.for_subject(session, case.subject_id, now=now) if one.state == "active"}
    own = [ITS_CONSENT] if case.about_record is not None else []
    return [*own, WHOLE, *(code for code in pausable() if code in running)]


def of_case(session: Session, case_id: UUID, *, now: datetime) -> list[Pause]:
    """The pauses of one request."""
    return [_drawn(one, now=now) for one in restricting.of_case(session, case_id)]


def of_person(session: Session, subject_id: UUID, *, now: datetime) -> list[Pause]:
    """What is paused of a person now."""
    return [_drawn(one, now=now) for one in restricting.running(session, subject_id, now=now)]


def covers(session: Session, view: ConsentView, subject_id: UUID, *, now: datetime) -> bool:
    """Whether a pause keeps this running consent from being used."""
    if view.state != "active" or view.purpose not in pausable():
        return False
    return any(
        one.purpose in (EVERY, view.purpose) and one.recipient_id in (None, view.recipient_id)
        for one in restricting.running(session, subject_id, now=now)
    )


def _covers(session: Session, case: RightsCase, what: str) -> tuple[str, UUID | None]:
    """Purpose and receiver of a pause."""
    if what == WHOLE:
        return EVERY, None
    purpose, recipient_id = what, None
    if what == ITS_CONSENT and case.about_record is not None:
        key = records.key_of(records.get(session, case.about_record, subject_id=case.subject_id))
        purpose, recipient_id = key.purpose, key.recipient_id
    if purpose not in pausable():
        raise NotAllowed("This cannot be paused.", code="pause")
    return purpose, recipient_id


def _drawn(pause: ConsentRestriction, *, now: datetime) -> Pause:
    until = None if pause.until == restricting.NO_END else pause.until
    return Pause(pause.id, pause.purpose, pause.recipient_id, pause.begun_at, until, pause.runs_at(now))


def _tell(session: Session, ring: KeyRing, subject_id: UUID, kind: str, *, now: datetime) -> None:
    if subjects.get(session, subject_id).data_key is not None:
        alerts.tell(session, ring, subject_id=subject_id, kind=kind, now=now)
