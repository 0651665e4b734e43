"""One person in front of a counter, from the card to the slip: what was laid down, which step is due, and its result.

The facts are sealed and live for 20 minutes, for the session that read them; after 60 s without a key press they are
gone for everybody, also for whoever goes back in the browser. Each step is settled once, by one conditional UPDATE.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, bindparam, delete, or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed, new_id
from consent.errors import Conflict, NotFound
from idp.keys import KeyRing
from idp.ports import Card, RegistryPerson
from idp.proofing import steps
from idp.readings import IDLE, Desk

LIFETIME = timedelta(minutes=20)
RECIPE = "counter"
RESULTS: Mapping[str, tuple[str, ...]] = {
    "chip": ("good", "mismatch", "incomplete", "unavailable", "not_asked", "read_by_eye"),
    "face": ("match", "no_match", "colleague"),
    "reach": ("proved", "kept", "none", "waiting"),
    "passkey": ("added", "later", "waiting"),
}
STEPS = tuple(step.name for step in steps.of(RECIPE) if step.name in RESULTS)  # the slip follows when all have one
LASTS: Mapping[str, frozenset[str]] = {"chip": frozenset({"mismatch", "incomplete"}), "face": frozenset({"no_match"})}
PASSED: Mapping[str, frozenset[str]] = {  # results that say that a step was left out, or waits
    "chip": frozenset({"unavailable", "not_asked", "read_by_eye"}),
    "reach": frozenset({"kept", "none", "waiting"}),
    "passkey": frozenset({"later", "waiting"}),
}
PAPERS = ("card", "foreign_card", "hospital_file", "passport", "hospital_number")
WITH_NUMBER = frozenset({"card", "foreign_card", "hospital_file"})  # they name one of the 13-digit numbers


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class DeskCase(Base):
    """One person at one counter. Results are empty until their step is settled; `quiet_until` stops the idle clock."""

    __tablename__ = "desk_case"
    __table_args__ = (
        CheckConstraint(_one_of("paper", PAPERS), name="paper"),
        *(CheckConstraint(_one_of(step, ("", *RESULTS[step])), name=step) for step in STEPS),
        CheckConstraint("expires_at > opened_at", name="order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    paper: Mapped[Plain]
    session_hash: Mapped[Plain]
    opened_by: Mapped[UUID]
    hcode: Mapped[Plain]
    facts: Mapped[Sealed]
    subject_id: Mapped[UUID | None]
    chip: Mapped[Plain]
    face: Mapped[Plain]
    reach: Mapped[Plain]  # the phone in the hand
    passkey: Mapped[Plain]
    ial: Mapped[Plain]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    quiet_until: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Shown:
    """What was laid on the counter, as the chip or an officer read it. `birth_date` is CE and may be partial.

    `number` is the 13-digit number, or a passport's or the hospital's own; `issuer` its country (ISO 3166, three
    letters) or hcode.
    """

    paper: str
    number: str
    title_th: str
    given_name_th: str
    family_name_th: str
    title_en: str
    given_name_en: str
    family_name_en: str
    birth_date: str
    gender: str
    expires_on: date | None
    issuer: str = ""
    photo: str = ""  # of the chip, JPEG in base64: gone once the face was compared

    @property
    def national_id(self) -> str | None:
        """The 13-digit number, for whoever has one."""
        return self.number if self.paper in WITH_NUMBER else None

    def name(self, locale: str) -> str:
        """The holder's name in the language of a page."""
        parts = (self.given_name_en, self.family_name_en) if locale == "en" else ("", "")
        return " ".join(filter(None, parts)) or f"{self.given_name_th} {self.family_name_th}".strip()

    def person(self) -> RegistryPerson:
        """The same as an entry of a register, for an account that is made from it: no phone, no level."""
        dropped = ("paper", "number", "issuer", "expires_on", "photo")
        return RegistryPerson(**{key: value for key, value in asdict(self).items() if key not in dropped}, phone="")


@dataclass(frozen=True)
class Case:
    """A case as it stands now."""

    id: UUID
    shown: Shown
    subject_id: UUID | None
    chip: str
    face: str
    reach: str
    passkey: str
    ial: str
    expires_at: datetime

    @property
    def due(self) -> str:
        """PURE: the step that waits; "slip" when all have a result, "stopped" when one of them ended the way."""
        return "stopped" if self.ended_at else steps.due(RECIPE, self.done) or "slip"

    @property
    def done(self) -> frozenset[str]:
        """PURE: the steps that have a result."""
        return frozenset({"card", *(step for step in STEPS if getattr(self, step))})

    @property
    def ended_at(self) -> str:
        """PURE: the step whose result ended the way; empty for none."""
        return next((step for step, lasts in LASTS.items() if getattr(self, step) in lasts), "")

    def marks(self, now: str = "") -> tuple[tuple[str, str], ...]:
        """PURE: the stepper, with `now` as the step that is shown (by itself the one that is due)."""
        passed = {step for step, results in PASSED.items() if getattr(self, step) in results}
        return steps.marks(RECIPE, self.done, now=now or self.ended_at or self.due, passed=passed)


def of_card(card: Card) -> Shown:
    """A chip's card as what was laid down."""
    facts = {key: value for key, value in asdict(card).items() if key in {one.name for one in fields(Shown)}}
    return Shown(paper="card", number=card.national_id, **facts)


def begin(session: Session, ring: KeyRing, shown: Shown, *, desk: Desk, chip: str, now: datetime) -> UUID:
    """Open a case; `chip` is what the issuer said of the card, or that there is no chip to ask about."""
    case_id = new_id()
    row = DeskCase(
        id=case_id,
        paper=shown.paper,
        session_hash=desk.session_hash,
        opened_by=desk.person_id,
        hcode=desk.place.hcode,
        facts=_sealed(ring, shown, case_id),
        chip=chip,
        face="",
        reach="",
        passkey="",
        ial="",
        opened_at=now,
        seen_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    session.flush()
    return case_id


def look(session: Session, ring: KeyRing, case_id: UUID, *, desk: Desk, now: datetime) -> Case:
    """The case of this desk.

    Raises: NotFound, the same when unknown, another session's or facility's, over, or left alone for 60 s.
    """
    row = session.get(DeskCase, case_id, populate_existing=True)
    if row is None or (row.session_hash, row.hcode) != (desk.session_hash, desk.place.hcode) or not _lives(row, now):
        raise NotFound("Please put the card into the reader again.", detail="case")
    facts = {step: getattr(row, step) for step in STEPS}
    shown = _opened(ring, row)
    return Case(row.id, shown, row.subject_id, **facts, ial=row.ial, expires_at=row.expires_at)


def _lives(row: DeskCase, now: datetime) -> bool:
    """PURE: not over, and somebody pressed a key in the last minute, or is waited for on purpose."""
    quiet = row.quiet_until is not None and now < row.quiet_until
    return row.closed_at is None and now < row.expires_at and (quiet or now - row.seen_at < IDLE)


_LIVE = (DeskCase.closed_at.is_(None), DeskCase.expires_at > bindparam("now"))
_SETTLE = {
    step: (
        update(DeskCase)
        .where(DeskCase.id == bindparam("of"), getattr(DeskCase, step) == "", *_LIVE)
        .values({step: bindparam("result"), "seen_at": bindparam("now")})
        .execution_options(synchronize_session=False)
    )
    for step in STEPS
}


def settle(session: Session, case_id: UUID, step: str, result: str, *, now: datetime) -> bool:
    """Write the result of a step, once over all processes. False: it has one, or the case is over."""
    done: Any = session.execute(_SETTLE[step], {"of": case_id, "result": result, "now": now})
    return bool(done.rowcount == 1)


def forget_photo(session: Session, ring: KeyRing, case: Case) -> None:
    """The officer has looked: the picture of a face stays nowhere (PDPA s.26)."""
    _set(session, case.id, facts=_sealed(ring, replace(case.shown, photo=""), case.id))


def reached(session: Session, case_id: UUID, *, subject_id: UUID, ial: str) -> None:
    """Remember whose account it is, and the level that was reached."""
    _set(session, case_id, subject_id=subject_id, ial=ial)


def touch(session: Session, case_id: UUID, *, now: datetime, quiet_until: datetime | None = None) -> None:
    """Somebody pressed a key; or nobody has to until `quiet_until`, while the person looks at their own phone.

    Written for a live case only: what was left alone does not come back. Raises: Conflict.
    """
    alone = or_(DeskCase.seen_at > now - IDLE, DeskCase.quiet_until > now)
    live = (DeskCase.id == case_id, DeskCase.closed_at.is_(None), DeskCase.expires_at > now, alone)
    done: Any = session.execute(
        update(DeskCase)
        .where(*live)
        .values(seen_at=now, quiet_until=quiet_until)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:
        raise Conflict("Please put the card into the reader again.", detail="case")


def close(session: Session, case_id: UUID, *, now: datetime) -> None:
    """The person leaves: nothing of them stays on this desk."""
    _set(session, case_id, closed_at=now, facts=b"")


def purge(session: Session, *, now: datetime) -> int:
    """Forget cases whose time is over; how many."""
    gone: Any = session.execute(delete(DeskCase).where(DeskCase.expires_at < now))
    return int(gone.rowcount)


def _set(session: Session, case_id: UUID, **values: Any) -> None:
    session.execute(
        update(DeskCase).where(DeskCase.id == case_id).values(**values).execution_options(synchronize_session=False)
    )


def _sealed(ring: KeyRing, shown: Shown, case_id: UUID) -> bytes:
    until = None if shown.expires_on is None else shown.expires_on.isoformat()
    return ring.seal(json.dumps({**asdict(shown), "expires_on": until}), place=_place(case_id))


def _opened(ring: KeyRing, row: DeskCase) -> Shown:
    facts = json.loads(ring.open(row.facts, place=_place(row.id)))
    until = facts.pop("expires_on")
    return Shown(**facts, expires_on=None if until is None else date.fromisoformat(until))


def _place(case_id: UUID) -> str:
    return f"desk_case:{case_id}"
