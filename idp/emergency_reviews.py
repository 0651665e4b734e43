"""Every broken glass is judged by somebody else, within 72 hours: a facility's head, or the data protection officer.

The judge is never who opened it and never the patient; a judgement stands once and for ever. What was not justified
ends at once, is told to the person, and opens a case for them.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import Session

from consent import emergency, purposes
from consent.audit import entry, log
from consent.audit.entry import Entry
from consent.audit.log import Actor
from consent.emergency import EVERYWHERE, LONGEST_WORDS, OUTCOMES, OWN_FACILITY, PURPOSE, SHORTEST_WORDS
from consent.errors import Conflict, NotAllowed, NotFound
from idp import alerts, emergencies, emergency_access, emergency_pace, rights, subjects, visits
from idp.directory import StaffAssignment
from idp.emergency_access import FIELD, EmergencyAccess, EmergencyReview
from idp.emergency_pace import Busy
from idp.keys import KeyRing
from idp.national_id import mask_national_id
from idp.subjects import PersonSealer

TOLD = "emergency_unjustified"
MOST_LISTED, MOST_DONE, A_PAGE = 100, 20, 500
Duties = frozenset[tuple[str, str | None]]


@dataclass(frozen=True)
class Item:
    """One line of the queue, or of what was judged. `why_not`: why this reviewer cannot judge it, as a code."""

    id: UUID
    hcode: str
    reason: str
    opened_at: datetime
    ends_at: datetime
    due_at: datetime
    overdue: bool
    running: bool
    why_not: str | None
    outcome: str | None
    reviewed_at: datetime | None


@dataclass(frozen=True)
class Look:
    """All that a reviewer needs: who, whose (masked), why, how long, and each use in its order."""

    item: Item
    words: str
    opened_by: str
    masked_id: str
    identified_by: str
    ended_at: datetime | None
    end_reason: str | None
    uses: tuple[Entry, ...]
    review_words: str


_DUTIES = select(StaffAssignment.role, StaffAssignment.hcode).where(
    StaffAssignment.subject_id == bindparam("person"),
    StaffAssignment.role.in_((EVERYWHERE, OWN_FACILITY)),
    StaffAssignment.starts_at <= bindparam("now"),
    or_(StaffAssignment.ends_at.is_(None), StaffAssignment.ends_at > bindparam("now")),
)
_LISTED = select(EmergencyAccess, EmergencyReview).outerjoin(
    EmergencyReview, EmergencyReview.emergency_id == EmergencyAccess.id
)


def duties_of(session: Session, person: UUID, *, now: datetime) -> Duties:
    """What this member of staff reviews now: (role, facility) pairs; empty for everybody else."""
    return frozenset((role, hcode) for role, hcode in session.execute(_DUTIES, {"person": person, "now": now}))


def queue(session: Session, reviewer: UUID, *, now: datetime) -> list[Item]:
    """What waits for a judgement where this person may judge, the most urgent first; their own openings show too."""
    waiting = _LISTED.where(EmergencyReview.emergency_id.is_(None)).order_by(EmergencyAccess.review_due_at)
    return _listed(session, waiting.limit(MOST_LISTED), reviewer, now=now)


def done(session: Session, reviewer: UUID, *, now: datetime) -> list[Item]:
    """The newest judgements there."""
    judged = _LISTED.where(EmergencyReview.emergency_id.is_not(None)).order_by(EmergencyReview.reviewed_at.desc())
    return _listed(session, judged.limit(MOST_DONE), reviewer, now=now)


def busy(session: Session, reviewer: UUID, *, now: datetime) -> list[Busy]:
    """Where one member of staff opened or tried very many of late, at the places of this reviewer."""
    duties = duties_of(session, reviewer, now=now)
    return [one for one in emergency_pace.many(session, now=now) if emergency.may_review(duties, one.hcode)]


def look(session: Session, ring: KeyRing, emergency_id: UUID, *, reviewer: UUID, locale: str, now: datetime) -> Look:
    """One opening, for whoever may judge it; the look is an entry of the log (audit.searched).

    Raises: NotFound, the same when unknown, of another facility, or when nobody's record was opened.
    """
    found, duties = _reviewable(session, emergency_id, reviewer, now=now)
    patient = found.patient_id
    if patient is None:
        raise _not_found()
    log.append(
        session,
        "audit.searched",
        now=now,
        actor=Actor.auditor(reviewer),
        subject_id=patient,
        recipient_id=found.recipient_id,
        purpose=PURPOSE,
        consent_id=found.record_id,
        reason="review",
    )
    review = emergency_access.review_of(session, found.id)
    opened = PersonSealer(ring, session)
    return Look(
        item=_item(found, review, reviewer, duties, now=now),
        words=emergency_access.words_of(session, ring, found),
        opened_by=subjects.profile(session, ring, found.opened_by).name(locale),
        masked_id=mask_national_id(visits.number_of(session, ring, patient)),
        identified_by=found.identified_by or "",
        ended_at=found.ended_at,
        end_reason=found.end_reason,
        uses=_uses(session, found, patient),
        review_words="" if review is None else opened.open(review.words, owner=patient, field=FIELD),
    )


def judge(
    session: Session, ring: KeyRing, emergency_id: UUID, *, reviewer: UUID, outcome: str, words: str, now: datetime
) -> None:
    """Write the judgement, once; every check precedes every write.

    Not justified: it ends now, the person is told, and a case is opened for them. Appends breakglass.reviewed.
    Raises: NotFound as `look`; NotAllowed with the code of `emergency.review_refusal`, or `outcome`, `words` for what
    is missing; Conflict when somebody else was just faster.
    """
    found, duties = _reviewable(session, emergency_id, reviewer, now=now)
    patient = found.patient_id
    if patient is None:
        raise _not_found()
    review = emergency_access.review_of(session, found.id)
    why = _item(found, review, reviewer, duties, now=now).why_not
    stops = why == "running" and outcome != "justified"
    if why is not None and not stops:
        raise NotAllowed("You cannot review this.", detail=f"{why=}", code=why)
    if outcome not in OUTCOMES or not SHORTEST_WORDS <= len(words.strip()) <= LONGEST_WORDS:
        raise NotAllowed("Please say why.", code="words" if outcome in OUTCOMES else "outcome")
    if stops:
        _stop(session, found, reviewer, now=now)
    row = {
        "emergency_id": found.id,
        "opened_by": found.opened_by,
        "reviewed_by": reviewer,
        "outcome": outcome,
        "words": PersonSealer(ring, session).seal(words.strip(), owner=patient, field=FIELD),
        "reviewed_at": now,
    }
    if not emergency_access.keep_review(session, row):
        raise Conflict("Somebody has just reviewed this.", detail="review")
    _note(session, found, reviewer, outcome, now=now)
    if outcome == "not_justified":
        rights.open_emergency_case(session, patient_id=patient, emergency_id=found.id, by=reviewer, now=now)
        alerts.tell(session, ring, subject_id=patient, kind=TOLD, now=now)


def _listed(
    session: Session, query: Select[EmergencyAccess, EmergencyReview], reviewer: UUID, *, now: datetime
) -> list[Item]:
    duties = duties_of(session, reviewer, now=now)
    if not duties:
        return []
    named = query.where(EmergencyAccess.patient_id.is_not(None))
    if not any(role == EVERYWHERE for role, _ in duties):
        named = named.where(EmergencyAccess.hcode.in_([hcode for _, hcode in duties]))
    return [_item(found, review, reviewer, duties, now=now) for found, review in session.execute(named)]


def _item(
    found: EmergencyAccess, review: EmergencyReview | None, reviewer: UUID, duties: Duties, *, now: datetime
) -> Item:
    running = found.runs_at(now)
    why_not = emergency.review_refusal(
        reviewer=reviewer,
        opened_by=found.opened_by,
        patient_id=found.patient_id,
        may=emergency.may_review(duties, found.hcode),
        running=running,
        reviewed=review is not None,
    )
    return Item(
        id=found.id,
        hcode=found.hcode,
        reason=found.reason,
        opened_at=found.opened_at,
        ends_at=found.ends_at,
        due_at=found.review_due_at,
        overdue=review is None and now >= found.review_due_at,
        running=running,
        why_not=why_not,
        outcome=None if review is None else review.outcome,
        reviewed_at=None if review is None else review.reviewed_at,
    )


def _reviewable(
    session: Session, emergency_id: UUID, reviewer: UUID, *, now: datetime
) -> tuple[EmergencyAccess, Duties]:
    found, duties = emergency_access.find(session, emergency_id), duties_of(session, reviewer, now=now)
    if found is None or not emergency.may_review(duties, found.hcode):
        raise _not_found()
    return found, duties


def _not_found() -> NotFound:
    return NotFound("We could not find that emergency.", detail="emergency")


def _uses(session: Session, found: EmergencyAccess, patient: UUID) -> tuple[Entry, ...]:
    """What the log holds of it, oldest first: same person, organisation and purpose, while it ran."""
    since, until = entry.to_the_millisecond(found.opened_at), found.ended_at or found.ends_at
    mine: list[Entry] = []
    before: UUID | None = None
    while True:  # back to the opening: whatever was written since, nothing of it is pushed off the page
        entries = log.of_subject(session, patient, limit=A_PAGE, before=before)
        mine += [one for one in entries if (one.recipient_id, one.purpose) == (found.recipient_id, PURPOSE)]
        if len(entries) < A_PAGE or entries[-1].at < since:
            break
        before = entries[-1].id
    return tuple(reversed([one for one in mine if since <= one.at <= until]))


def _stop(session: Session, found: EmergencyAccess, reviewer: UUID, *, now: datetime) -> None:
    codes = (f"hcode:{found.hcode}", "role:reviewer")
    emergencies.end(session, found, actor=Actor.staff(reviewer), codes=codes, reason="stopped", now=now)


def _note(session: Session, found: EmergencyAccess, reviewer: UUID, outcome: str, *, now: datetime) -> None:
    late = ("late",) if now >= found.review_due_at else ()
    log.append(
        session,
        "breakglass.reviewed",
        now=now,
        actor=Actor.staff(reviewer),
        subject_id=found.patient_id,
        recipient_id=found.recipient_id,
        purpose=PURPOSE,
        basis=purposes.get(PURPOSE).basis,
        consent_id=found.record_id,
        codes=(f"hcode:{found.hcode}", *late),
        reason=outcome,
    )
