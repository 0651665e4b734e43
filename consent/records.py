"""Acts of consent and where they leave things: give, refuse, note; standings; what a person may look back on.

An act writes its row, moves the one standing of its key by compare-and-swap, and appends its entry: all in the
caller's transaction. The number of the move stands in the entry, so a missing act shows (DECISIONS 15, 16).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from consent import notices, purposes
from consent import scopes as grammar
from consent.audit import log
from consent.db import new_id, table_of
from consent.decision import Standing
from consent.errors import NotAllowed, NotFound
from consent.history import ConsentView, for_subject, of_key
from consent.models import ConsentRecord, ConsentRefusal, ConsentWithdrawal
from consent.notices import Notice
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


@dataclass(frozen=True)
class Choice:
    """One answer on one screen, with what was on that screen and how surely we knew who answered."""

    key: Key
    client_id: str
    actor_id: UUID
    notice: Notice
    scopes: tuple[str, ...]
    categories: tuple[str, ...]
    basis: str
    explicit: bool
    aal: str
    ial: str
    channel: str
    lives_for: timedelta | None
    actor_kind: str = "citizen"  # or staff, who told the notice at a counter


def give(session: Session, choice: Choice, *, now: datetime) -> ConsentRecord:
    """Record a consent, or the confirmation of a right; it replaces what stood under the key.

    Raises: NotAllowed(code=…) when the purpose is not one to agree to (`kind`), the levels are too low (`aal_too_low`,
    `ial_too_low`), a C26 consent was no act of its own (`explicit`), or `basis`, `scope`, `categories`, `notice`,
    `life` leave the catalogue; Conflict when others kept moving the key.
    """
    purpose = purposes.get(choice.key.purpose)
    consent = purposes.is_asked(choice.basis)
    if not purpose.asks or not (consent or choice.basis == "RIGHT30" or purpose.kind is Kind.RIGHT):
        raise NotAllowed("This purpose is not agreed to, it is told.", detail=f"{purpose.code=}", code="kind")
    if choice.basis == "C26" and not choice.explicit:
        raise NotAllowed("Data of section 26 need an act of their own.", detail=f"{purpose.code=}", code="explicit")
    if not purposes.reaches(choice.ial, purpose.citizen_ial):
        raise NotAllowed("Your identity is not proved well enough.", detail=f"{purpose.code=}", code="ial_too_low")
    if not purposes.reaches(choice.aal, purpose.citizen_aal):
        raise NotAllowed("Sign in more strongly first.", detail=f"{purpose.code=}", code="aal_too_low")
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
        )
        session.add(refusal)
        notices.keep(session, choice.notice)
        _tell(session, choice, "consent.refused", move=number(here), now=now)
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


def end(session: Session, record: ConsentRecord, *, actor_id: UUID, reason: str, move: int, now: datetime) -> None:
    """Write the end of a record whose standing was just moved away from it, and its entry."""
    row = {"record_id": record.id, "actor_id": actor_id, "reason": reason, "withdrawn_at": now}
    session.execute(insert(table_of(ConsentWithdrawal)), row)
    log.append(
        session,
        "consent.withdrawn",
        now=now,
        actor=log.Actor.citizen(actor_id),
        subject_id=record.subject_id,
        client_id=record.client_id,
        recipient_id=record.recipient_id,
        holder=key_of(record).named_holder,
        purpose=record.purpose,
        basis=record.basis,
        consent_id=record.id,
        move=move,
        codes=record.scopes.split(),
        reason=reason,
    )


def lapse(session: Session, record: ConsentRecord, *, now: datetime) -> int:
    """End a notice before its time, because what its row `ends_on` has ended; the number of the move.

    The caller's own entry carries that number. 0: something newer stands under the key, or it is over; nothing moved.
    Raises: Conflict if others kept moving the key.
    """
    key = key_of(record)
    for _ in range(ATTEMPTS):
        here = look(session, key)
        if here is None or here.state != "noticed" or here.record_id != record.id or record.expires_at <= now:
            return 0
        if move_standing(
            session, key, here, state="noticed", basis=here.basis, record_id=record.id, expires_at=now, now=now
        ):
            return number(here)
    raise lost_the_race(key)


def _drawn_up(choice: Choice, purpose: Purpose, *, kind: str, now: datetime) -> ConsentRecord:
    """The row of an act, not yet written."""
    key, notice = choice.key, choice.notice
    return ConsentRecord(
        id=new_id(),
        kind=kind,
        subject_id=key.subject_id,
        recipient_id=key.recipient_id,
        holder=key.holder,
        purpose=key.purpose,
        client_id=choice.client_id,
        actor_id=choice.actor_id,
        scopes=" ".join(choice.scopes),
        categories=" ".join(choice.categories),
        basis=choice.basis,
        explicit=choice.explicit,
        notice_id=notice.id,
        notice_version=notice.version,
        notice_sha256=notice.sha256,
        locale=notice.locale,
        aal=choice.aal,
        ial=choice.ial,
        channel=choice.channel,
        given_at=now,
        expires_at=now + purpose.life(choice.lives_for),
        max_uses=purpose.max_uses,
    )


def _record(
    session: Session, choice: Choice, purpose: Purpose, *, kind: str, event: str, now: datetime
) -> ConsentRecord:
    _check(choice, purpose)
    key, record = choice.key, _drawn_up(choice, purpose, kind=kind, now=now)
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
            _tell(session, choice, event, consent_id=record.id, move=number(here), now=now)
            return record
    raise lost_the_race(key)


def _check(choice: Choice, purpose: Purpose) -> None:
    rows = (*purpose.all_scopes, grammar.NAME_PREFIX + purpose.code)
    rules = (
        ("notice", choice.notice.purpose == purpose.code),
        ("basis", choice.basis in purposes.possible_bases(purpose)),
        ("categories", set(choice.categories) <= set(purpose.data_categories)),
        ("scope", all(any(grammar.covers(row, scope) for row in rows) for scope in choice.scopes)),
    )
    for code, kept in rules:
        if not kept:
            raise NotAllowed("This is not what the purpose allows.", detail=f"{purpose.code=} {code=}", code=code)


def _tell(
    session: Session, choice: Choice, event: str, *, move: int, now: datetime, consent_id: UUID | None = None
) -> None:
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
