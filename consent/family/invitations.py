"""An invitation to be somebody's helper: a code that is typed once, an answer of who typed it, and the person's yes.

It lets nobody do anything. The code alone is worth nothing either: the person agrees last, to somebody whose name
they see (a code that was talked out of them opens nothing).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import InsertOnce, new_id, rows_of, table_of
from consent.errors import Conflict, NotFound
from consent.family import links
from consent.family.helping import Wanted
from consent.family.links import Link
from consent.family.models import Guardianship, HelperInvitation
from consent.family.rules import Kind, Needed

CODE_LIVES = timedelta(hours=24)  # to be told on the phone, or across a table
ANSWER_LIVES = timedelta(days=7)  # from the code to the last yes
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Invitation:
    """One that waits. `guardian_id`: who typed its code; `accepted_at`: when they said yes."""

    id: UUID
    ward_id: UUID
    guardian_id: UUID | None
    may: str
    kinds: str
    days: int
    made_at: datetime
    expires_at: datetime
    accepted_at: datetime | None

    @property
    def wanted(self) -> Wanted:
        """What would be entrusted."""
        return Wanted(tuple(self.may.split()), tuple(self.kinds.split()), self.days)


@dataclass(frozen=True)
class Officers:
    """The two who saw it at a counter, where, in which case; `codes`: how the log names the place."""

    first: UUID
    second: UUID
    hcode: str
    case_id: UUID
    codes: tuple[str, ...]


_TABLE = table_of(HelperInvitation)
_I = _TABLE.c
_COLUMNS = tuple(_TABLE.c[name] for name in Invitation.__dataclass_fields__)
_OPEN: tuple[ColumnElement[bool], ...] = (_I.settled_at.is_(None), _I.expires_at > bindparam("now"))
_ONE = select(*_COLUMNS).where(_I.id == bindparam("invitation"), *_OPEN)
_OF_WARD = select(*_COLUMNS).where(_I.ward_id == bindparam("person"), *_OPEN)
_OF_GUARDIAN = select(*_COLUMNS).where(_I.guardian_id == bindparam("person"), *_OPEN).order_by(_I.id)
_write_once = InsertOnce(HelperInvitation)


def invite(
    session: Session, wanted: Wanted, *, ward_id: UUID, code_hash: str, now: datetime, officer: UUID | None = None
) -> UUID:
    """A new one; an older one of the same person waits no longer. Appends helper.invited, by the `officer` if one did.

    Raises: Conflict when the same person invited somebody at this moment.
    """
    older = update(_TABLE).where(_I.ward_id == ward_id, _I.settled_at.is_(None))
    session.execute(older.values(settled_at=now, outcome="replaced"))
    row = {
        "id": new_id(),
        "ward_id": ward_id,
        "code_hash": code_hash,
        "may": " ".join(wanted.may),
        "kinds": " ".join(wanted.kinds),
        "days": wanted.days,
        "made_at": now,
        "expires_at": now + CODE_LIVES,
    }
    if not _write_once(session, row):
        raise Conflict("You are choosing a helper elsewhere. Please look again.", detail="invitation")
    codes = (*(f"may:{one}" for one in wanted.may), *(f"kind:{one}" for one in wanted.kinds), f"days:{wanted.days}")
    by = Actor.citizen(ward_id) if officer is None else Actor.staff(officer)
    _tell(session, "helper.invited", ward_id, by, codes=codes, now=now)
    return UUID(str(row["id"]))


def take(session: Session, code_hash: str, *, by: UUID, now: datetime) -> UUID | None:
    """Use the code, once over all processes; the invitation. None: unknown, used, too old, or one's own."""
    taken: UUID | None = session.scalar(
        update(_TABLE)
        .where(_I.code_hash == code_hash, _I.guardian_id.is_(None), _I.settled_at.is_(None), _I.expires_at > now)
        .where(_I.ward_id != by)
        .values(guardian_id=by, expires_at=now + ANSWER_LIVES)
        .returning(_I.id)
    )
    return taken


def accept(session: Session, asked: Invitation, *, by: UUID, now: datetime) -> bool:
    """Who typed the code says yes, once. False: it was said already, or nothing waits. Appends helper.accepted."""
    done = session.execute(
        update(_TABLE)
        .where(_I.id == asked.id, _I.guardian_id == by, _I.accepted_at.is_(None))
        .where(_I.settled_at.is_(None), _I.expires_at > now)
        .values(accepted_at=now)
    )
    if rows_of(done) != 1:
        return False
    _tell(session, "helper.accepted", asked.ward_id, Actor.citizen(by), codes=(), now=now)
    return True


def begin(
    session: Session,
    asked: Invitation,
    *,
    link_id: UUID,
    ends_at: datetime,
    now: datetime,
    officers: Officers | None = None,
) -> Link:
    """The person has agreed to who accepted: it is settled, once, and the helper may act from this moment on.

    Appends guardian.added for both. Raises: Conflict when it waits for no yes any more.
    """
    done = session.execute(
        update(_TABLE)
        .where(_I.id == asked.id, _I.accepted_at.is_not(None), _I.settled_at.is_(None), _I.expires_at > now)
        .values(settled_at=now, outcome="begun", link_id=link_id)
    )
    if rows_of(done) != 1 or asked.guardian_id is None:
        raise Conflict("This was just answered elsewhere. Please look again.", detail="invitation")
    seen: dict[str, Any] = {} if officers is None else {"given_by": officers.first, "second_by": officers.second}
    seen |= {} if officers is None else {"hcode": officers.hcode, "case_id": officers.case_id}
    facts = {
        "id": link_id,
        "ward_id": asked.ward_id,
        "guardian_id": asked.guardian_id,
        "kind": Kind.helper.value,
        "needed": Needed.self_alone.value,
        "evidence": "own_choice",
        "ends_by": "chosen",
        "may": asked.may,
        "purposes": " ".join(asked.wanted.purposes),
    }
    session.add(Guardianship(**facts, **seen, drawn_up_at=now, starts_at=now, ends_at=ends_at))
    session.flush()
    codes = (f"kind:{Kind.helper}", *(f"may:{one}" for one in asked.wanted.may), *(officers.codes if officers else ()))
    actor = Actor.citizen(asked.ward_id) if officers is None else Actor.staff(officers.first)
    for person in (asked.ward_id, asked.guardian_id):
        log.append(session, "guardian.added", now=now, actor=actor, subject_id=person, codes=codes)
    return links.get(session, link_id)


def turn_down(session: Session, asked: Invitation, *, by: UUID, now: datetime, officer: UUID | None = None) -> bool:
    """Either of the two does not want it; False: it was settled. Appends helper.turned_down, as `invite`."""
    called_back = "refused" if asked.accepted_at else "called_back"
    outcome = called_back if by == asked.ward_id else "declined"
    done = session.execute(
        update(_TABLE).where(_I.id == asked.id, _I.settled_at.is_(None)).values(settled_at=now, outcome=outcome)
    )
    if rows_of(done) != 1:
        return False
    hand = Actor.citizen(by) if officer is None else Actor.staff(officer)
    _tell(session, "helper.turned_down", asked.ward_id, hand, codes=(), reason=outcome, now=now)
    return True


def end_of_person(session: Session, person_id: UUID, *, now: datetime) -> int:
    """Whatever waits on either side of this person, who wants none of it; how many. Appends helper.turned_down."""
    made = of_ward(session, person_id, now=now)
    waiting = [*([made] if made else []), *of_guardian(session, person_id, now=now)]
    return sum(turn_down(session, one, by=person_id, now=now) for one in waiting)


def own(session: Session, invitation_id: UUID, person_id: UUID, *, now: datetime) -> Invitation:
    """One that waits, of one of the two. Raises: NotFound, the same for unknown, settled, too old and strangers'."""
    row = session.execute(_ONE, {"invitation": invitation_id, "now": now}).mappings().one_or_none()
    found = None if row is None else Invitation(**row)
    if found is None or person_id not in (found.ward_id, found.guardian_id):
        raise NotFound("We could not find that.", detail="invitation")
    return found


def of_ward(session: Session, person_id: UUID, *, now: datetime) -> Invitation | None:
    """The one that this person has made and that waits."""
    row = session.execute(_OF_WARD, {"person": person_id, "now": now}).mappings().one_or_none()
    return None if row is None else Invitation(**row)


def of_guardian(session: Session, person_id: UUID, *, now: datetime) -> list[Invitation]:
    """Those whose code this person has typed, oldest first."""
    return [Invitation(**row) for row in session.execute(_OF_GUARDIAN, {"person": person_id, "now": now}).mappings()]


def purge(session: Session, *, now: datetime) -> int:
    """Forget what is over for a month; how many."""
    old = now - KEPT_FOR
    gone: Any = session.execute(delete(_TABLE).where(or_(_I.settled_at <= old, _I.expires_at <= old)))
    return int(gone.rowcount)


def _tell(
    session: Session, event: str, ward_id: UUID, by: Actor, *, codes: tuple[str, ...], now: datetime, reason: str = ""
) -> None:
    """One entry about the person who chooses."""
    log.append(session, event, now=now, actor=by, subject_id=ward_id, codes=codes, reason=reason)
