"""Standing refusals: "not this person, unit, facility, visit, time, topic", said once and asked at every use.

Who asks never sees that one exists: the answer is that of nothing there (`reasons.outward`). `specificity` has the
rule; here they are written, lifted and read back.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from consent import purposes, specificity
from consent.audit import log
from consent.db import InsertOnce, Sealer, new_id, table_of
from consent.emergency import PURPOSE as EMERGENCY
from consent.errors import NotAllowed, NotFound
from consent.models import ConsentObjection, ConsentObjectionLift
from consent.purposes import Kind, Purpose
from consent.specificity import BITES_ON_LAW, Level, StandingRefusal, is_dated, topics_of

TOPICS = frozenset(topic for row in purposes.all() for topic in topics_of(row.all_scopes))
MOST_RUNNING = 100
LONGEST_WORDS = 80
FIELD = "objection"


@dataclass(frozen=True)
class No:
    """What a person refuses in general, before it is written. `words` name it for their own eyes."""

    level: Level
    recipient_id: UUID | None = None
    hcode: str = ""
    unit: str = ""
    person: str = ""
    visit_id: UUID | None = None
    data_from: date | None = None
    data_until: date | None = None
    topics: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    past: bool = True
    future: bool = True
    words: str = ""


@dataclass(frozen=True)
class RefusalView:
    """One line of "what I refuse in general". `actor_id`, `lifted_by`: who acted, the person or somebody for them."""

    refusal: StandingRefusal
    words: str
    lifted_at: datetime | None
    actor_id: UUID
    lifted_by: UUID | None = None


_NO, _LIFT = table_of(ConsentObjection), table_of(ConsentObjectionLift)
_OF_SUBJECT = (
    select(_NO, _LIFT.c.lifted_at, _LIFT.c.actor_id.label("lifted_by"))
    .outerjoin(_LIFT, _LIFT.c.objection_id == _NO.c.id)
    .where(_NO.c.subject_id == bindparam("subject"))
    .order_by(_NO.c.id.desc())
)
_RUNNING = _OF_SUBJECT.where(_LIFT.c.lifted_at.is_(None))
_lift_once = InsertOnce(ConsentObjectionLift)


def object_to(
    session: Session, sealer: Sealer, no: No, *, subject_id: UUID, actor_id: UUID, aal: str, now: datetime
) -> UUID:
    """Write a standing refusal; from the next question on it is asked. Its id.

    No level is asked for: saying no must be as easy as anything. Raises: NotAllowed(code=…) with `incomplete` for a
    refusal that does not name what its level names, `data_range` for one that ends before it begins, `unknown` for a
    topic or purpose outside the catalogue or one that nobody may refuse, `too_many`.
    """
    code = fault(no)
    if code is None and len(running(session, subject_id)) >= MOST_RUNNING:
        code = "too_many"
    if code is not None:
        raise NotAllowed("This cannot be refused so.", detail=f"{no.level=} {code=}", code=code)
    own = new_id()
    words = " ".join(no.words.split())[:LONGEST_WORDS]
    row = ConsentObjection(
        id=own,
        subject_id=subject_id,
        actor_id=actor_id,
        level=no.level.value,
        recipient_id=no.recipient_id,
        hcode=no.hcode or None,
        unit_mark=specificity.unit_mark(no.unit) if no.unit else None,
        person=no.person or None,
        visit_id=no.visit_id,
        data_from=no.data_from,
        data_until=no.data_until,
        topics=" ".join(no.topics),
        purposes=" ".join(no.purposes),
        past=no.past,
        future=no.future,
        words=sealer.seal(words, owner=subject_id, field=FIELD) if words else None,
        aal=aal,
        made_at=now,
    )
    session.add(row)
    session.flush()
    _tell(session, "refusal.made", row, actor_id=actor_id, now=now)
    return own


def fault(no: No) -> str | None:
    """PURE: why a refusal cannot be written, as a code, or None."""
    named = {
        Level.person: bool(no.person),
        Level.unit: bool(no.unit) and no.recipient_id is not None,
        Level.facility: no.recipient_id is not None,
        Level.visit: no.visit_id is not None,
        Level.period: no.data_from is not None or no.data_until is not None,
        Level.topic: bool(no.topics),
    }
    known = {row.code for row in refusable(no.level)}
    against = (
        ("incomplete", not named[no.level] or not (no.past or no.future)),
        ("data_range", None not in (no.data_from, no.data_until) and no.data_from > no.data_until),  # type: ignore[operator]
        ("unknown", not set(no.topics) <= TOPICS or not set(no.purposes) <= known),
    )
    return next((code for code, true in against if true), None)


def refusable(level: Level) -> tuple[Purpose, ...]:
    """PURE: the purposes that a refusal of this level can stop, and may therefore be narrowed to."""
    kinds = (
        (Kind.CITIZEN_CONSENT, Kind.LAWFUL_NOTICE, Kind.SYSTEM) if level in BITES_ON_LAW else (Kind.CITIZEN_CONSENT,)
    )
    rows = [row for row in purposes.all() if row.kind in kinds and row.code != EMERGENCY]
    if level is Level.period:
        rows = [row for row in rows if is_dated(row)]
    if level is Level.topic:
        rows = [row for row in rows if topics_of(row.all_scopes)]
    return tuple(rows)


def lift(session: Session, refusal_id: UUID, *, subject_id: UUID, actor_id: UUID, now: datetime) -> bool:
    """End a standing refusal, once. False: it was over already. Raises: NotFound if unknown or another's."""
    row = session.get(ConsentObjection, refusal_id)
    if row is None or row.subject_id != subject_id:
        raise NotFound("We could not find that refusal.", detail="refusal")
    if not _lift_once(session, {"objection_id": refusal_id, "actor_id": actor_id, "lifted_at": now}):
        return False
    _tell(session, "refusal.lifted", row, actor_id=actor_id, now=now)
    return True


def of_subject(session: Session, sealer: Sealer, subject_id: UUID) -> list[RefusalView]:
    """Every standing refusal of this person, newest first, lifted ones too."""
    rows = session.execute(_OF_SUBJECT, {"subject": subject_id})
    return [
        RefusalView(
            _as_refusal(row),
            sealer.open(row.words, owner=subject_id, field=FIELD) if row.words is not None else "",
            row.lifted_at,
            row.actor_id,
            row.lifted_by,
        )
        for row in rows
    ]


def running(session: Session, subject_id: UUID) -> tuple[StandingRefusal, ...]:
    """Those that were not lifted, newest first: what every decision about this person asks."""
    return tuple(_as_refusal(row) for row in session.execute(_RUNNING, {"subject": subject_id}))


def _as_refusal(row: Row[*tuple[Any, ...]]) -> StandingRefusal:
    return StandingRefusal(
        id=row.id,
        level=Level(row.level),
        made_at=row.made_at,
        recipient_id=row.recipient_id,
        hcode=row.hcode or "",
        unit_mark=row.unit_mark or "",
        person=row.person or "",
        visit_id=row.visit_id,
        data_from=row.data_from,
        data_until=row.data_until,
        topics=tuple(row.topics.split()),
        purposes=tuple(row.purposes.split()),
        past=row.past,
        future=row.future,
    )


def _tell(session: Session, event: str, row: ConsentObjection, *, actor_id: UUID, now: datetime) -> None:
    """The entry names no receiver: what a person refuses is nobody's business but theirs and the auditor's."""
    log.append(
        session,
        event,
        now=now,
        actor=log.Actor.citizen(actor_id),
        subject_id=row.subject_id,
        codes=(f"level:{row.level}", f"refusal:{row.id}", *row.purposes.split()),
        acr=row.aal,
    )
