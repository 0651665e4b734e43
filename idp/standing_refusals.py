"""A person's refusals in general: what they may name, what each of them stops, and the two acts on them.

`consent.refusing` writes them; here are the names of places, visits and lines of the log that a person chooses from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from consent import questions, records, refusing
from consent.audit import log
from consent.audit.entry import Entry
from consent.decision import Reason
from consent.errors import NotFound
from consent.records import ConsentView
from consent.refusing import No, RefusalView
from idp import directory, suspending
from idp.circumstances import ROOMS
from idp.directory import Facility
from idp.keys import KeyRing
from idp.subjects import PersonSealer
from idp.visits import Visit

UNITS = ("ER", "OPD", "IPD", "ICU", "LAB", "XRAY", "PHARM", "DENT", "ANC", "OR", "TELE", "REC")
LOOKED_BACK = 500  # entries of the log in which a refusal is looked for
MOST_PLACES, MOST_VISITS = 10, 20
SHORTEST_NAME = 2
MARK = "refusal:"


@dataclass(frozen=True)
class Place:
    """A facility that can be refused."""

    hcode: str
    recipient_id: UUID
    name_th: str
    name_en: str


@dataclass(frozen=True)
class Stay:
    """One of the person's own visits."""

    id: UUID
    hcode: str
    opened_at: datetime


@dataclass(frozen=True)
class Seen:
    """Whoever did what one line of the log tells: known to us, not shown to the person."""

    at: datetime
    person: str
    recipient_id: UUID | None
    hcode: str
    unit: str


@dataclass(frozen=True)
class Line:
    """One refusal with the consents that it beats now, and how often it was what stopped somebody."""

    view: RefusalView
    beats: tuple[ConsentView, ...] = ()
    stopped: int = 0
    last_stopped_at: datetime | None = field(default=None)


def make(session: Session, ring: KeyRing, no: No, *, subject_id: UUID, actor_id: UUID, aal: str, now: datetime) -> UUID:
    """Write it; it holds from the next question on, and for who asks none within a minute (`suspending`).

    No event tells anybody (CAEP has none that would not say why). Raises: NotAllowed as `refusing.object_to`.
    """
    sealer = PersonSealer(ring, session)
    own = refusing.object_to(session, sealer, no, subject_id=subject_id, actor_id=actor_id, aal=aal, now=now)
    suspending.reconsider(session, subject_id, now=now)
    return own


def lift(session: Session, refusal_id: UUID, *, subject_id: UUID, actor_id: UUID, now: datetime) -> bool:
    """End it. False: it was over. Raises: NotFound if unknown or another's."""
    lifted = refusing.lift(session, refusal_id, subject_id=subject_id, actor_id=actor_id, now=now)
    if lifted:
        suspending.reconsider(session, subject_id, now=now)
    return lifted


def of_person(session: Session, ring: KeyRing, subject_id: UUID, *, now: datetime) -> list[Line]:
    """All of them, newest first. What each beats is the live decision of a question that states nobody."""
    views = refusing.of_subject(session, PersonSealer(ring, session), subject_id)
    if not views:
        return []
    beaten = _beaten(session, subject_id, now=now)
    stops = _stops(log.of_subject(session, subject_id, limit=LOOKED_BACK))
    return [
        Line(
            view,
            tuple(beaten.get(view.refusal.id, ())) if view.lifted_at is None else (),
            len(stops.get(view.refusal.id, ())),
            max((entry.at for entry in stops.get(view.refusal.id, ())), default=None),
        )
        for view in views
    ]


def beating(session: Session, view: ConsentView, subject_id: UUID, *, now: datetime) -> UUID | None:
    """The refusal that beats this running consent, if one does."""
    found = _verdicts(session, subject_id, [view], now=now) if view.state == "active" else []
    return found[0][1] if found else None


def places_named(session: Session, text: str) -> list[Place]:
    """Facilities by a part of the name in either language, or by the code."""
    words = " ".join(text.replace("%", "").replace("_", "").replace("\\", "").split())
    if len(words) < SHORTEST_NAME:
        return []
    like = f"%{words}%"
    query = (
        select(Facility)
        .where(or_(Facility.hcode == words, Facility.name_th.ilike(like), Facility.name_en.ilike(like)))
        .order_by(Facility.hcode)
        .limit(MOST_PLACES)
    )
    return [Place(one.hcode, one.legal_entity_id, one.name_th, one.name_en) for one in session.scalars(query)]


def place(session: Session, hcode: str) -> Place | None:
    """One facility by its code."""
    one = session.get(Facility, hcode) if hcode else None
    return None if one is None else Place(one.hcode, one.legal_entity_id, one.name_th, one.name_en)


def stays_of(session: Session, subject_id: UUID) -> list[Stay]:
    """The person's latest visits, newest first."""
    query = (
        select(Visit.id, Visit.hcode, Visit.opened_at)
        .where(Visit.subject_id == subject_id)
        .order_by(Visit.opened_at.desc(), Visit.id)
        .limit(MOST_VISITS)
    )
    return [Stay(*row) for row in session.execute(query)]


def seen_in(session: Session, entry_id: UUID | None, subject_id: UUID) -> Seen | None:
    """Who did what this line tells, where a member of staff did it; None for another's line as for an unknown one."""
    entry = None if entry_id is None else log.about(session, entry_id, subject_id=subject_id)
    person = None if entry is None else log.staff_behind(session, entry)
    if entry is None or person is None:
        return None
    marks = dict(code.split(":", 1) for code in entry.codes if code.startswith(("hcode:", "unit:")))
    return Seen(entry.at, str(person), entry.recipient_id, marks.get("hcode", ""), marks.get("unit", ""))


def _beaten(session: Session, subject_id: UUID, *, now: datetime) -> Mapping[UUID, list[ConsentView]]:
    running = [view for view in records.for_subject(session, subject_id, now=now) if view.state == "active"]
    found: dict[UUID, list[ConsentView]] = {}
    for view, refusal_id in _verdicts(session, subject_id, running, now=now):
        found.setdefault(refusal_id, []).append(view)
    return found


def _verdicts(
    session: Session, subject_id: UUID, views: Sequence[ConsentView], *, now: datetime
) -> list[tuple[ConsentView, UUID]]:
    found = []
    for view in views:
        record = view.record
        try:
            recipient = directory.recipient_of(session, view.recipient_id, now=now)
        except NotFound:
            continue
        if record is None:
            continue
        verdict = questions.look(
            session,
            subject_id=subject_id,
            recipient=recipient,
            purposes=[view.purpose],
            aal=None,
            ial=None,
            now=now,
            holder=record.holder,
            scopes={view.purpose: record.scopes.split()},
            rooms=ROOMS,
        ).verdict(view.purpose)
        if verdict.reason is Reason.standing_refusal and verdict.refusal_id is not None:
            found.append((view, verdict.refusal_id))
    return found


def _stops(entries: Sequence[Entry]) -> Mapping[UUID, list[Entry]]:
    found: dict[UUID, list[Entry]] = {}
    for entry in entries:
        marks = [code.removeprefix(MARK) for code in entry.codes if code.startswith(MARK)]
        if entry.outcome == "denied" and marks:
            found.setdefault(UUID(marks[0]), []).append(entry)
    return found
