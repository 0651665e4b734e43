"""A card that was just read at a counter: what the clerk sees of it, and why no visit may open on it.

It is kept sealed for five minutes, for the session that read it, and then forgotten; sooner when nobody presses a key
for a minute, so that a desk somebody left shows nobody's card.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, Sealed, new_id
from consent.errors import NotFound
from idp import subjects, visits
from idp.assurance import Aal, Ial
from idp.directory import Affiliation
from idp.keys import KeyRing
from idp.national_id import BANGKOK
from idp.ports import Card, RegistryPerson

CARD_IAL = Ial.IAL1_3.value  # a chip that was read (THAI.md 3b, R3), of the person at the counter
KEPT_OPEN = timedelta(minutes=5)
IDLE = timedelta(seconds=60)
AT_A_DESK = frozenset({"clerk", "practitioner"})  # no auditor, no administrator: whoever watches does not act


class CardReading(Base):
    """A card that was just read in one session. `used_at` is set by the conditional UPDATE that opens one visit."""

    __tablename__ = "card_reading"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_hash: Mapped[Plain]
    read_by: Mapped[UUID]
    hcode: Mapped[Plain]
    card: Mapped[Sealed]
    read_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    visit_id: Mapped[UUID | None]


@dataclass(frozen=True)
class Desk:
    """Who sits at the counter: a person with one active affiliation, in one session."""

    person_id: UUID
    session_hash: str
    aal: Aal
    place: Affiliation

    @property
    def codes(self) -> tuple[str, str]:
        """How the log names the desk: the facility and the role, no name."""
        return f"hcode:{self.place.hcode}", f"role:{self.place.role}"


@dataclass(frozen=True)
class Read:
    """A card on the desk: what it says, whether a visit may open on it (`refusal` is a code), and one that is open."""

    id: UUID
    card: Card
    refusal: str | None
    visit_id: UUID | None
    has_account: bool


def keep(session: Session, ring: KeyRing, card: Card, *, desk: Desk, now: datetime) -> UUID:
    """Keep a card that was read, sealed, for five minutes and this session. Appends proofing.card_read."""
    reading_id = new_id()
    session.add(
        CardReading(
            id=reading_id,
            session_hash=desk.session_hash,
            read_by=desk.person_id,
            hcode=desk.place.hcode,
            card=sealed(ring, card, reading_id=reading_id),
            read_at=now,
            seen_at=now,
            expires_at=now + KEPT_OPEN,
        )
    )
    session.flush()
    known = subjects.find_by_national_id(session, ring, card.national_id)
    log.append(
        session,
        "proofing.card_read",
        now=now,
        actor=Actor.staff(desk.person_id),
        subject_id=None if known is None else known.id,
        recipient_id=desk.place.legal_entity_id,
        codes=desk.codes,
        ial=CARD_IAL,
    )
    return reading_id


def look(
    session: Session,
    ring: KeyRing,
    reading_id: UUID,
    *,
    desk: Desk,
    now: datetime,
    person: RegistryPerson | None = None,
) -> Read:
    """The card as this session read it; `person` is the register's entry for a holder without an account.

    Raises: NotFound when unknown, another session's, older than 5 minutes, or left alone for 60 s.
    """
    row = session.get(CardReading, reading_id, populate_existing=True)
    if row is None or (row.session_hash, row.hcode) != (desk.session_hash, desk.place.hcode) or not _lies(row, now):
        raise NotFound("Please put the card into the reader again.", detail="card")
    card = opened(ring, row)
    known = subjects.find_by_national_id(session, ring, card.national_id)
    visit_id = row.visit_id or (
        None if known is None else visits.running_of(session, known.id, desk.place.hcode, now=now)
    )
    today = now.astimezone(BANGKOK).date()
    clerk = subjects.get(session, desk.person_id)
    witness = subjects.level(clerk.ial, clerk.ial_expires_at, now)
    why = refusal(
        card,
        status=known.status if known is not None else _status(person),
        own=known is not None and known.id == desk.person_id,
        licensed=desk.place.licensed_at(now),
        witness=visits.may_treat(visits.PURPOSE, desk.aal, witness),
        today=today,
    )
    return Read(row.id, card, why, visit_id, has_account=known is not None)


def _lies(row: CardReading, now: datetime) -> bool:
    """PURE: within its five minutes, and somebody looked at it within the last."""
    return now < row.expires_at and now - (row.seen_at or row.read_at) < IDLE


_TOUCH = (
    update(CardReading)
    .where(
        CardReading.id == bindparam("reading"),
        CardReading.session_hash == bindparam("of"),
        CardReading.seen_at > bindparam("before"),
    )
    .values(seen_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def touch(session: Session, reading_id: UUID, *, desk: Desk, now: datetime) -> None:
    """Somebody is at work with it: the minute starts anew. What was left alone does not come back."""
    known = {"reading": reading_id, "of": desk.session_hash, "before": now - IDLE, "now": now}
    session.execute(_TOUCH, known)


def _status(person: RegistryPerson | None) -> str:
    return "deceased" if person is not None and person.status == "deceased" else "active"


class Expiring(Protocol):
    """A card or a paper that runs out."""

    @property
    def expires_on(self) -> date | None:
        """Its last day; None: it never ends, or has none."""
        ...


def refusal(card: Expiring, *, status: str, own: bool, licensed: bool, witness: bool, today: date) -> str | None:
    """PURE: why no visit opens on this card, as a code, or None. Age is no reason: a child is treated as well."""
    against = (
        ("facility_licence", not licensed),
        ("staff_level", not witness),
        ("card_expired", card.expires_on is not None and card.expires_on < today),
        ("deceased", status == "deceased"),
        ("account_closed", status == "closed"),
        ("own_card", own),
    )
    return next((code for code, true in against if true), None)


_CLAIM = (
    update(CardReading)
    .where(
        CardReading.id == bindparam("reading"), CardReading.used_at.is_(None), CardReading.expires_at > bindparam("now")
    )
    .values(used_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def claim(session: Session, reading_id: UUID, *, now: datetime) -> bool:
    """Use the card up for a visit. True for exactly one caller."""
    claimed: Any = session.execute(_CLAIM, {"reading": reading_id, "now": now})
    return bool(claimed.rowcount == 1)


def settle(session: Session, reading_id: UUID, visit_id: UUID) -> None:
    """Remember which visit it opened, or was open already."""
    session.execute(
        update(CardReading)
        .where(CardReading.id == reading_id)
        .values(visit_id=visit_id)
        .execution_options(synchronize_session=False)
    )


def visit_of(session: Session, reading_id: UUID) -> UUID:
    """The visit that the first press opened. Raises: NotFound."""
    row = session.get_one(CardReading, reading_id, populate_existing=True)
    if row.visit_id is None:
        raise NotFound("Please put the card into the reader again.", detail="card")
    return row.visit_id


def drop(session: Session, reading_id: UUID) -> None:
    """The card goes on as a case: nothing of the reading stays."""
    session.execute(delete(CardReading).where(CardReading.id == reading_id))


def purge(session: Session, *, now: datetime) -> int:
    """Forget cards; how many."""
    gone: Any = session.execute(delete(CardReading).where(CardReading.expires_at < now))
    return int(gone.rowcount)


def opened(ring: KeyRing, row: CardReading) -> Card:
    """What the chip said."""
    facts = json.loads(ring.open(row.card, place=_place(row.id)))
    until = facts.pop("expires_on")
    return Card(**facts, expires_on=None if until is None else date.fromisoformat(until))


def sealed(ring: KeyRing, card: Card, *, reading_id: UUID) -> bytes:
    """The same, unreadable without the server's key."""
    until = None if card.expires_on is None else card.expires_on.isoformat()
    return ring.seal(json.dumps({**asdict(card), "expires_on": until}), place=_place(reading_id))


def _place(reading_id: UUID) -> str:
    return f"card_reading:{reading_id}"
