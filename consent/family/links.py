"""A guardianship as it stands now: drawn up by one officer, confirmed by a second, over by the clock or by somebody.

Nothing here is remembered: whoever acts for another asks at every use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Sealer, new_id, table_of
from consent.decision import Capacity
from consent.errors import NotFound
from consent.family.models import Guardianship
from consent.family.rules import Term
from consent.models import ConsentRecord, ConsentStanding

DRAFT_LIVES = timedelta(minutes=20)
FIELD, RENEWED = "guardianship", "renewed"


@dataclass(frozen=True)
class Link:
    """One guardianship that was confirmed. `ends_by` says what its end will be: a birthday, an order, a year."""

    id: UUID
    ward_id: UUID
    guardian_id: UUID
    kind: str
    needed: str
    evidence: str
    starts_at: datetime
    ends_at: datetime
    ends_by: str
    ended_at: datetime | None
    end_reason: str | None
    may: str = ""  # of a chosen helper: words of `helping.POWERS`
    purposes: str = ""  # of a chosen helper: codes

    def runs_at(self, now: datetime) -> bool:
        """PURE: whether the guardian may act."""
        return self.ended_at is None and self.starts_at <= now < self.ends_at

    def stopped_at(self, now: datetime) -> str | None:
        """PURE: why nobody may act under it any more, as a code, or None."""
        if self.ended_at is not None and self.end_reason != "of_age":
            return "guardian_ended"
        if self.runs_at(now):
            return None
        return "of_age" if self.ends_by == "of_age" and now >= self.ends_at else "guardian_ended"


@dataclass(frozen=True)
class Evidence:
    """What an officer saw: the kind of paper, its number, and the SHA-256 of its scan where there is one."""

    kind: str
    reference: str = ""
    sha256: str | None = None


@dataclass(frozen=True)
class Officer:
    """Who saw it, at which place, in which case of the counter."""

    id: UUID
    hcode: str
    case_id: UUID | None = None


_TABLE = table_of(Guardianship)
_G = _TABLE.c
_COLUMNS = (
    *(_G.id, _G.ward_id, _G.guardian_id, _G.kind, _G.needed, _G.evidence, _G.starts_at, _G.ends_at),
    *(_G.ends_by, _G.ended_at, _G.end_reason, func.coalesce(_G.may, "").label("may")),
    func.coalesce(_G.purposes, "").label("purposes"),
)
_CONFIRMED = _G.starts_at.is_not(None)
_ONE = select(*_COLUMNS).where(_G.id == bindparam("link"), _CONFIRMED)
_RUNNING: tuple[ColumnElement[bool], ...] = (
    _G.starts_at <= bindparam("now"),
    _G.ends_at > bindparam("now"),
    _G.ended_at.is_(None),
)
_OF_WARD = select(*_COLUMNS).where(_G.ward_id == bindparam("person"), *_RUNNING).order_by(_G.id)
_OF_GUARDIAN = select(*_COLUMNS).where(_G.guardian_id == bindparam("person"), *_RUNNING).order_by(_G.id)
_PAST = (
    select(*_COLUMNS)
    .where(or_(_G.ward_id == bindparam("person"), _G.guardian_id == bindparam("person")), _CONFIRMED)
    .where(or_(_G.ended_at.is_not(None), _G.ends_at <= bindparam("now")))
    .order_by(_G.id.desc())
    .limit(bindparam("most"))
)


def draw_up(
    session: Session,
    *,
    ward_id: UUID,
    guardian_id: UUID,
    kind: str,
    needed: str,
    term: Term,
    evidence: Evidence,
    officer: Officer,
    sealer: Sealer,
    now: datetime,
) -> UUID:
    """Write down what one officer saw. It lets nobody do anything before `confirm`, and is forgotten soon."""
    link_id = new_id()
    seen = evidence.reference.strip()
    row = Guardianship(
        id=link_id,
        ward_id=ward_id,
        guardian_id=guardian_id,
        kind=kind,
        needed=needed,
        evidence=evidence.kind,
        reference=sealer.seal(seen, owner=ward_id, field=FIELD) if seen else None,
        evidence_sha256=evidence.sha256,
        case_id=officer.case_id,
        hcode=officer.hcode,
        given_by=officer.id,
        drawn_up_at=now,
        ends_at=term.ends_at,
        ends_by=term.ends_by,
    )
    session.add(row)
    session.flush()
    return link_id


def drawn_up(session: Session, case_id: UUID, *, given_by: UUID, now: datetime) -> Guardianship | None:
    """The newest one of this case that waits for its confirmation."""
    waits = (_G.starts_at.is_(None), _G.drawn_up_at > now - DRAFT_LIVES)
    mine = select(Guardianship).where(_G.case_id == case_id, _G.given_by == given_by, *waits)
    return session.scalars(mine.order_by(_G.id.desc()).execution_options(populate_existing=True)).first()


def confirm(session: Session, link_id: UUID, *, second_by: UUID, codes: Sequence[str], now: datetime) -> Link | None:
    """Let it begin, once: the same pair's older one ends by it. Appends guardian.added. None: it has begun already."""
    begun = session.execute(
        update(_TABLE)
        .where(_G.id == link_id, _G.starts_at.is_(None), _G.drawn_up_at > now - DRAFT_LIVES, _G.ends_at > now)
        .values(starts_at=now, second_by=second_by)
        .returning(_G.ward_id, _G.guardian_id, _G.given_by)
    ).one_or_none()
    if begun is None:
        return None
    for older in of_ward(session, begun.ward_id, now=now):
        if older.guardian_id == begun.guardian_id and older.id != link_id:
            end(session, older.id, by=Actor.staff(begun.given_by), reason=RENEWED, now=now)
    link = get(session, link_id)
    _tell(session, "guardian.added", link, Actor.staff(begun.given_by), codes=(f"kind:{link.kind}", *codes), now=now)
    return link


def end(session: Session, link_id: UUID, *, by: Actor, reason: str, now: datetime) -> Link | None:
    """End it, once over all processes; None when it was over. Appends guardian.ended.

    What hangs on it (tokens, consents, proposals) is ended by the caller in the same transaction.
    """
    person = by.id if isinstance(by.id, UUID) else None
    ended = session.scalar(
        update(_TABLE)
        .where(_G.id == link_id, _CONFIRMED, _G.ended_at.is_(None))
        .values(ended_at=now, ended_by=person, end_reason=reason)
        .returning(_G.id)
    )
    if ended is None:
        return None
    link = get(session, link_id)
    _tell(session, "guardian.ended", link, by, codes=(f"kind:{link.kind}",), reason=reason, now=now)
    return link


def find(session: Session, link_id: UUID | None) -> Link | None:
    """One, running or over; None if it never began."""
    row = None if link_id is None else session.execute(_ONE, {"link": link_id}).mappings().one_or_none()
    return None if row is None else Link(**row)


def get(session: Session, link_id: UUID) -> Link:
    """The same. Raises: NotFound."""
    found = find(session, link_id)
    if found is None:
        raise NotFound("We could not find that.", detail="guardianship")
    return found


def own(session: Session, link_id: UUID, person_id: UUID) -> Link:
    """One of the two people's own. Raises: NotFound, the same for unknown and for strangers'."""
    found = get(session, link_id)
    if person_id not in (found.ward_id, found.guardian_id):
        raise NotFound("We could not find that.", detail="guardianship")
    return found


def of_guardian(session: Session, person_id: UUID, *, now: datetime) -> list[Link]:
    """For whom this person may act now."""
    return [Link(**row) for row in session.execute(_OF_GUARDIAN, {"person": person_id, "now": now}).mappings()]


def of_ward(session: Session, person_id: UUID, *, now: datetime) -> list[Link]:
    """Who may act for this person now."""
    return [Link(**row) for row in session.execute(_OF_WARD, {"person": person_id, "now": now}).mappings()]


def past(session: Session, person_id: UUID, *, now: datetime, most: int = 20) -> list[Link]:
    """What is over, of both kinds, newest first."""
    return [Link(**row) for row in session.execute(_PAST, {"person": person_id, "now": now, "most": most}).mappings()]


def capacity(session: Session, link_id: UUID, now: datetime) -> Capacity:
    """The guardianship that an answer rests on, as the decision asks about it; one that nobody knows has ended."""
    found = find(session, link_id)
    why = "guardian_ended" if found is None else found.stopped_at(now)
    if found is not None and found.end_reason == RENEWED:  # it goes on in the newer one of the same two
        mine = [one for one in of_ward(session, found.ward_id, now=now) if one.guardian_id == found.guardian_id]
        why = None if mine and now < found.ends_at else why
    return Capacity(ended=why == "guardian_ended", of_age=why == "of_age")


def answers_under(session: Session, link: Link) -> list[UUID]:
    """The consents that rest on the power of these two and stand now: their records, in the order given."""
    held = table_of(ConsentStanding).c
    of_both = select(_G.id).where(_G.ward_id == link.ward_id, _G.guardian_id == link.guardian_id)
    under = (
        select(ConsentRecord.id)
        .join(table_of(ConsentStanding), held.record_id == ConsentRecord.id)
        .where(ConsentRecord.guardianship_id.in_(of_both), held.state == "given")
        .order_by(ConsentRecord.id)
    )
    return list(session.scalars(under))


def over_by_the_clock(session: Session, *, now: datetime, most: int = 200) -> list[Link]:
    """Those whose time is over and whose end nobody has written down yet."""
    over = select(*_COLUMNS).where(_CONFIRMED, _G.ended_at.is_(None), _G.ends_at <= now).order_by(_G.id).limit(most)
    return [Link(**row) for row in session.execute(over).mappings()]


def purge(session: Session, *, now: datetime) -> int:
    """Forget what was drawn up and never confirmed; how many."""
    old = and_(_G.starts_at.is_(None), _G.drawn_up_at <= now - DRAFT_LIVES)
    gone: Any = session.execute(delete(_TABLE).where(old))
    return int(gone.rowcount)


def _tell(
    session: Session, event: str, link: Link, actor: Actor, *, codes: Sequence[str], now: datetime, reason: str = ""
) -> None:
    """One entry about the ward and one about the guardian: each sees it in their own log."""
    for person in (link.ward_id, link.guardian_id):
        log.append(session, event, now=now, actor=actor, subject_id=person, codes=tuple(codes), reason=reason)
