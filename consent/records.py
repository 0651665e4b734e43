"""Acts of consent and where they leave things: give, refuse, note; standings; what a person may look back on.

An act writes its row, moves the one standing of its key by compare-and-swap, and appends its entry: all in the
caller's transaction. The number of the move stands in the entry, so a missing act shows (DECISIONS 15, 16).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from consent import choices, notices, purposes
from consent.audit import log
from consent.choices import Choice
from consent.db import new_id, table_of
from consent.decision import Standing
from consent.errors import NotAllowed, NotFound
from consent.history import ConsentView, for_subject, of_key
from consent.models import ConsentRecord, ConsentRefusal, ConsentStanding, ConsentWithdrawal
from consent.purposes import Kind, Purpose
from consent.standings import ATTEMPTS, Key, look, lost_the_race, number, standing, standings
from consent.standings import move as move_standing

__all__ = [
    "Choice",
    "ConsentRecord",
    "ConsentRefusal",
    "ConsentView",
    "Key",
    "Standing",
    "for_subject",
    "for_visit",
    "get",
    "give",
    "key_of",
    "lapse",
    "note",
    "of_key",
    "refuse",
    "standing",
    "standings",
]


def give(session: Session, choice: Choice, *, now: datetime) -> ConsentRecord:
    """Record a consent, or the confirmation of a right; it replaces what stood under the key.

    Raises: NotAllowed(code=…) when the purpose is not one to agree to (`kind`), the levels are too low (`aal_too_low`,
    `ial_too_low`), a C26 consent was no act of its own (`explicit`), or `basis`, `scope`, `categories`, `notice`,
    `life`, `data_range` leave the catalogue, or it is not told who acted as what (`capacity`); Conflict when others
    kept moving the key.
    """
    purpose = purposes.get(choice.key.purpose)
    consent = purposes.is_asked(choice.basis)
    if not purpose.asks or not (consent or choice.basis == "RIGHT30" or purpose.kind is Kind.RIGHT):
        raise NotAllowed("This purpose is not agreed to, it is told.", detail=f"{purpose.code=}", code="kind")
    if choice.basis == "C26" and not choice.explicit:
        raise NotAllowed("Data of section 26 need an act of their own.", detail=f"{purpose.code=}", code="explicit")
    choices.check_levels(choice, purpose)
    return _record(session, choice, purpose, kind="consent" if consent else "right", event="consent.given", now=now)


def note(session: Session, choice: Choice, *, now: datetime) -> ConsentRecord:
    """Record that a use was told together with its legal basis, where the law asks for no consent (PDPA s.27).

    Raises: NotAllowed(code=…): `kind` when the basis is one that must be asked or confirmed, else as `give`.
    """
    purpose = purposes.get(choice.key.purpose)
    if purpose.kind not in (Kind.LAWFUL_NOTICE, Kind.CITIZEN_CONSENT) or purposes.is_asked(choice.basis):
        raise NotAllowed("This purpose is asked, not told.", detail=f"{purpose.code=}", code="kind")
    return _record(session, choice, purpose, kind="notice", event="disclosure.recorded", now=now)


def refuse(session: Session, choice: Choice, *, now: datetime) -> ConsentRefusal:
    """Remember a "no". If a consent ran under the key, it is withdrawn by the same act (`ended_record_id`).

    No level is asked for: saying no must be as easy as anything. Raises: NotAllowed(code="kind") for a purpose that
    is told, not asked; Conflict when others kept moving the key.
    """
    if not purposes.get(choice.key.purpose).asks:
        raise NotAllowed("This purpose is told, not asked.", detail=f"{choice.key.purpose=}", code="kind")
    refusal_id, key = new_id(), choice.key
    for _ in range(ATTEMPTS):
        here = look(session, key)
        ended = here.record_id if here is not None and here.state == "given" else None
        if not move_standing(
            session, key, here, state="refused", basis=choice.basis, record_id=ended, refusal_id=refusal_id, now=now
        ):
            continue
        refusal = ConsentRefusal(
            id=refusal_id,
            subject_id=key.subject_id,
            recipient_id=key.recipient_id,
            holder=key.holder,
            purpose=key.purpose,
            client_id=choice.client_id,
            actor_id=choice.actor_id,
            notice_id=choice.notice.id,
            notice_sha256=choice.notice.sha256,
            locale=choice.notice.locale,
            aal=choice.aal,
            channel=choice.channel,
            refused_at=now,
            ended_record_id=ended,
            capacity=choice.capacity,
            guardianship_id=choice.guardianship_id,
        )
        session.add(refusal)
        notices.keep(session, choice.notice)
        write_down(session, choice, "consent.refused", move=number(here), now=now)
        if ended is not None:
            record = get(session, ended, subject_id=key.subject_id)
            end(session, record, actor_id=choice.actor_id, reason="refused", move=number(here), now=now)
        return refusal
    raise lost_the_race(key)


def get(session: Session, record_id: UUID, *, subject_id: UUID) -> ConsentRecord:
    """The record, if it is this person's. Raises NotFound, the same for unknown and for another's."""
    record = session.get(ConsentRecord, record_id)
    if record is None or record.subject_id != subject_id:
        raise NotFound("We could not find that consent.", detail=f"{record_id=}")
    return record


def key_of(record: ConsentRecord) -> Key:
    """The key that a record belongs to."""
    return Key(record.subject_id, record.recipient_id, record.holder, record.purpose)


def end(
    session: Session,
    record: ConsentRecord,
    *,
    actor_id: UUID,
    reason: str,
    move: int,
    now: datetime,
    office: Sequence[str] = (),
) -> None:
    """Write the end of a record whose standing was just moved away from it, and its entry.

    `office`: the codes of the counter where an officer entered it for the person; then the actor is staff.
    """
    row = {"record_id": record.id, "actor_id": actor_id, "reason": reason, "withdrawn_at": now}
    session.execute(insert(table_of(ConsentWithdrawal)), row)
    log.append(
        session,
        "consent.withdrawn",
        now=now,
        actor=log.Actor.staff(actor_id) if office else log.Actor.citizen(actor_id),
        subject_id=record.subject_id,
        client_id=record.client_id,
        recipient_id=record.recipient_id,
        holder=key_of(record).named_holder,
        purpose=record.purpose,
        basis=record.basis,
        consent_id=record.id,
        move=move,
        codes=(*record.scopes.split(), *office),
        reason=reason,
    )


_FOR_VISIT = (
    select(ConsentRecord)
    .join(ConsentStanding, ConsentStanding.record_id == ConsentRecord.id)
    .where(
        ConsentStanding.subject_id == bindparam("person"),
        ConsentStanding.state == "given",
        ConsentRecord.visit_id == bindparam("visit"),
    )
    .order_by(ConsentRecord.id)
)


def for_visit(session: Session, subject_id: UUID, visit_id: UUID) -> Sequence[ConsentRecord]:
    """The consents of this person that stand for this visit alone."""
    return session.scalars(_FOR_VISIT, {"person": subject_id, "visit": visit_id}).all()


def lapse(session: Session, record: ConsentRecord, *, now: datetime) -> int:
    """End a notice, or a consent for one visit, before its time: what its row `ends_on` has ended. The move's number.

    The decision ended it already, by itself; this makes the lists say so. The caller's own entry carries the number.
    0: something newer stands under the key, it is over, or it is a consent for longer; nothing moved.
    Raises: Conflict if others kept moving the key.
    """
    key = key_of(record)
    for _ in range(ATTEMPTS):
        here = look(session, key)
        if here is None or here.record_id != record.id or record.expires_at <= now:
            return 0
        if here.state != "noticed" and (here.state != "given" or record.visit_id is None):
            return 0
        told: dict[str, Any] = {
            "state": here.state,
            "basis": here.basis,
            "record_id": record.id,
            "max_uses": record.max_uses,
        }
        if move_standing(session, key, here, **told, expires_at=now, now=now):
            return number(here)
    raise lost_the_race(key)


def _record(
    session: Session, choice: Choice, purpose: Purpose, *, kind: str, event: str, now: datetime
) -> ConsentRecord:
    choices.check(choice, purpose)
    key, record = choice.key, choices.drawn_up(choice, purpose, kind=kind, now=now)
    state = "noticed" if kind == "notice" else "given"
    for _ in range(ATTEMPTS):
        here = look(session, key)
        if move_standing(
            session,
            key,
            here,
            state=state,
            basis=record.basis,
            record_id=record.id,
            expires_at=record.expires_at,
            max_uses=record.max_uses,
            now=now,
        ):
            session.add(record)
            notices.keep(session, choice.notice)
            session.flush()
            write_down(session, choice, event, consent_id=record.id, move=number(here), now=now)
            return record
    raise lost_the_race(key)


def write_down(
    session: Session, choice: Choice, event: str, *, now: datetime, move: int = 0, consent_id: UUID | None = None
) -> None:
    """Append the entry of an answer, or of one of its steps: who acted, for whom, what, at which levels."""
    log.append(
        session,
        event,
        now=now,
        actor=log.Actor(choice.actor_kind, choice.actor_id),
        subject_id=choice.key.subject_id,
        client_id=choice.client_id,
        recipient_id=choice.key.recipient_id,
        holder=choice.key.named_holder,
        purpose=choice.key.purpose,
        basis=choice.basis,
        consent_id=consent_id,
        move=move,
        codes=choice.scopes,
        ial=choice.ial,
        acr=choice.aal,
    )
