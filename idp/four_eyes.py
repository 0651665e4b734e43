"""Four eyes at a counter: what one member of staff may not do alone, a second one signs with their own passkey.

Never the same person, never the person concerned, and only somebody who works at this facility today with an identity
that may witness (THAI.md 3b, R3 and R8). A signature is for one case and one act, within five minutes, used once.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, new_id
from consent.errors import NotAllowed, NotFound
from idp import directory, subjects, visits
from idp.assurance import Aal
from idp.readings import AT_A_DESK, Desk

LIFETIME = timedelta(minutes=5)
ACTS = ("recovery", "expired_card", "bedside", "guardianship", "first_way", "helper")
EVER = datetime.min.replace(tzinfo=UTC)


class Countersign(Base):
    """One act that waits for a second member of staff. Signed once and used once, by conditional UPDATEs."""

    __tablename__ = "countersign"
    __table_args__ = (
        CheckConstraint(f"act IN ({', '.join(repr(act) for act in ACTS)})", name="act"),
        CheckConstraint("(signed_by IS NULL) = (signed_at IS NULL)", name="signed"),
        CheckConstraint("signed_by <> asked_by", name="two_people"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(index=True)
    act: Mapped[Plain]
    asked_by: Mapped[UUID]
    hcode: Mapped[Plain]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    signed_by: Mapped[UUID | None]
    signed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


def ask(session: Session, case_id: UUID, act: str, *, desk: Desk, now: datetime) -> UUID:
    """Say what a colleague is asked to sign. Raises: ValueError for an act that is none."""
    if act not in ACTS:
        raise ValueError(act)
    asked_id = new_id()
    facts = {"case_id": case_id, "act": act, "asked_by": desk.person_id, "hcode": desk.place.hcode}
    session.add(Countersign(id=asked_id, asked_at=now, expires_at=now + LIFETIME, **facts))
    session.flush()
    return asked_id


def waiting(session: Session, case_id: UUID, *, now: datetime) -> Countersign | None:
    """What a colleague is asked to sign in this case now, newest first."""
    open_now = (Countersign.signed_at.is_(None), Countersign.expires_at > now)
    mine = select(Countersign).where(Countersign.case_id == case_id, *open_now)
    return session.scalars(mine.order_by(Countersign.asked_at.desc(), Countersign.id.desc())).first()


def sign(
    session: Session,
    asked_id: UUID,
    *,
    case_id: UUID,
    colleague: UUID,
    concerned: UUID | None,
    desk: Desk,
    now: datetime,
) -> None:
    """The second member of staff signs, once; the caller verified their passkey. Appends proofing.countersigned.

    Raises: NotAllowed with the code of `refusal`; NotFound when it is not waiting any more.
    """
    works = directory.affiliations_of(session, colleague, now=now)
    here = [one for one in works if one.hcode == desk.place.hcode and one.role in AT_A_DESK]
    witness = subjects.get(session, colleague)
    level = subjects.level(witness.ial, witness.ial_expires_at, now)
    why = refusal(
        first=desk.person_id,
        second=colleague,
        concerned=concerned,
        works_here=bool(here),
        witness=visits.may_treat(visits.PURPOSE, Aal.AAL2_2, level),
    )
    if why is not None:
        raise NotAllowed("This colleague cannot sign here.", detail=f"{why=}", code=why)
    _sign_once(session, asked_id, case_id=case_id, colleague=colleague, now=now)
    log.append(
        session,
        "proofing.countersigned",
        now=now,
        actor=Actor.staff(colleague),
        subject_id=concerned,
        recipient_id=desk.place.legal_entity_id,
        codes=(f"hcode:{desk.place.hcode}", f"role:{here[0].role}"),
    )


def attempt(session: Session, asked_id: UUID, **said: Any) -> str | None:
    """`sign`, with the refusal returned as its code: what the passkey left behind is kept."""
    try:
        sign(session, asked_id, **said)
    except NotAllowed as refused:
        return str(refused.code)
    return None


def refusal(*, first: UUID, second: UUID, concerned: UUID | None, works_here: bool, witness: bool) -> str | None:
    """PURE: why the second person's signature does not count, as a code, or None."""
    against = (
        ("same_person", second == first),
        ("own_case", concerned is not None and concerned in (first, second)),
        ("not_here", not works_here),
        ("staff_level", not witness),
    )
    return next((code for code, true in against if true), None)


def take(
    session: Session, case_id: UUID, act: str, *, asked_by: UUID, now: datetime, since: datetime | None = None
) -> UUID | None:
    """Use the signature up, once over all processes: who signed, or None when nobody did, or too long ago.

    `since`: what was asked for before does not count, because something changed then that the signature stands for.
    """
    return session.scalar(
        update(Countersign)
        .where(
            Countersign.case_id == case_id,
            Countersign.act == act,
            Countersign.asked_by == asked_by,
            Countersign.signed_by.is_not(None),
            Countersign.used_at.is_(None),
            Countersign.expires_at > now,
            Countersign.asked_at >= (since or EVER),
        )
        .values(used_at=now)
        .returning(Countersign.signed_by)
        .execution_options(synchronize_session=False)
    )


def signed(session: Session, case_id: UUID, act: str, *, now: datetime, since: datetime | None = None) -> bool:
    """Whether a colleague's signature for this act lies ready; `since` as for `take`."""
    ready = (Countersign.signed_by.is_not(None), Countersign.used_at.is_(None), Countersign.expires_at > now)
    meant = Countersign.asked_at >= (since or EVER)
    found = select(Countersign.id).where(Countersign.case_id == case_id, Countersign.act == act, *ready, meant)
    return session.scalars(found).first() is not None


def purge(session: Session, *, now: datetime) -> int:
    """Forget what nobody can sign or use any more; how many. The log keeps who signed."""
    gone: Any = session.execute(delete(Countersign).where(Countersign.expires_at < now))
    return int(gone.rowcount)


def _sign_once(session: Session, asked_id: UUID, *, case_id: UUID, colleague: UUID, now: datetime) -> None:
    done: Any = session.execute(
        update(Countersign)
        .where(
            Countersign.id == asked_id,
            Countersign.case_id == case_id,
            Countersign.signed_by.is_(None),
            Countersign.expires_at > now,
        )
        .values(signed_by=colleague, signed_at=now)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:
        raise NotFound("Please ask your colleague again.", detail="countersign")
