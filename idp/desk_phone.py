"""The phone in the person's hand: a code goes to it, and is typed at the counter before the number is believed.

A number that an account has is only confirmed here. The first number of an account is bound here, in person (DECISIONS
1). Another number for an account that has one is a recovery, and takes four eyes and a waiting time (`idp.recovery`).
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, Sealed, new_id
from idp import outbox, subjects
from idp.contact import codes, limits
from idp.contact.codes import GuessResult
from idp.contact.limits import Limited
from idp.keys import KeyRing
from idp.readings import Desk
from idp.subjects import PersonSealer, e164

LIFETIME = timedelta(minutes=5)
TRIES = 5
MOBILE = re.compile(r"\+66[1689]\d{8}")  # 01 is used by nobody since 2006: the sandbox's made-up numbers
TEXTS = {
    "th": "{code} คือรหัสยืนยันเบอร์ที่เคาน์เตอร์ {place} อ้างอิง {ref} ใช้ได้ 5 นาที กรอกที่เคาน์เตอร์เท่านั้น",
    "en": "{code} confirms your number at the counter of {place}. Ref {ref}. Valid 5 min. Type it only there.",
}
LONGEST_PLACE = 40


class DeskCode(Base):
    """One code to one phone in one case. A guess costs a try before it is compared; the newest code alone counts."""

    __tablename__ = "desk_code"
    __table_args__ = (CheckConstraint("tries_left >= 0", name="tries"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(index=True)
    phone: Mapped[Sealed]
    ref: Mapped[Plain]
    code_hash: Mapped[Plain]
    tries_left: Mapped[int]
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Sent:
    """A code is on its way: its reference letters, and the end of the number it went to."""

    ref: str
    ends_with: str


def mobile(typed: str) -> str | None:
    """PURE: a Thai mobile number as +66…, or None. Spaces, dashes and Thai digits are fine."""
    number = e164(codes.typed(typed))
    return number if MOBILE.fullmatch(number) else None


def of_record(session: Session, ring: KeyRing, subject_id: UUID) -> str:
    """The number that the account has; empty when it has none."""
    account = subjects.get(session, subject_id)
    return PersonSealer(ring, session).open(account.phone, owner=account.id, field="phone")


def send(
    session: Session,
    ring: KeyRing,
    case_id: UUID,
    phone: str,
    *,
    subject_id: UUID,
    desk: Desk,
    locale: str,
    now: datetime,
    fixed_code: str | None = None,
) -> Sent | Limited:
    """Send a code to this number, within the limits of every number; earlier codes of the case stop working.

    `fixed_code` replaces the random one in a sandbox. Appends otp.sent.
    """
    allowed = limits.take(session, ring.mac("one-time-code", "phone", phone).hex(), now=now, patience=timedelta(0))
    if isinstance(allowed, Limited):
        return allowed
    _expire(session, case_id, now=now)
    code_id, code = new_id(), fixed_code or codes.new_code()
    ref = "".join(secrets.choice(codes.REF_LETTERS) for _ in range(codes.REF_LENGTH))
    session.add(
        DeskCode(
            id=code_id,
            case_id=case_id,
            phone=ring.seal(phone, place=_place(code_id)),
            ref=ref,
            code_hash=codes.code_hash(ring, code_id, code),
            tries_left=TRIES,
            sent_at=now,
            expires_at=now + LIFETIME,
        )
    )
    place = desk.place.name(locale)[:LONGEST_PLACE]
    body = TEXTS[locale].format(code=code, place=place, ref=ref)
    outbox.enqueue(
        session,
        ring,
        kind="sms",
        to=phone,
        body=body,
        key=f"desk-{code_id}",
        subject_id=subject_id,
        until=now + LIFETIME,
        now=now,
    )
    actor = Actor.staff(desk.person_id)
    log.append(session, "otp.sent", now=now, actor=actor, subject_id=subject_id, codes=("channel:sms", *desk.codes))
    return Sent(ref, phone[-3:])


def newest(session: Session, ring: KeyRing, case_id: UUID, *, now: datetime) -> Sent | None:
    """The code that is waited for."""
    row = _newest(session, case_id, now=now)
    return None if row is None else Sent(row.ref, _phone(ring, row)[-3:])


def proved(session: Session, ring: KeyRing, case_id: UUID, *, now: datetime) -> str | None:
    """The number whose code was typed right in this case, newest first."""
    mine = select(DeskCode).where(DeskCode.case_id == case_id, DeskCode.used_at.is_not(None), DeskCode.used_at <= now)
    row = session.scalars(mine.order_by(DeskCode.sent_at.desc(), DeskCode.id.desc())).first()
    return None if row is None else _phone(ring, row)


def answered_at(session: Session, case_id: UUID, *, now: datetime) -> datetime | None:
    """When the newest code that was typed right in this case was typed."""
    mine = (DeskCode.case_id == case_id, DeskCode.used_at <= now)
    return session.scalar(select(DeskCode.used_at).where(*mine).order_by(DeskCode.used_at.desc()).limit(1))


def guess(session: Session, ring: KeyRing, case_id: UUID, typed: str, *, now: datetime) -> tuple[GuessResult, str]:
    """Spend a try, then compare: the outcome, and with "right" the number that is proved. The caller commits always."""
    row = _newest(session, case_id, now=now)
    if row is None:
        return GuessResult("expired", 0), ""
    left = session.scalar(
        update(DeskCode)
        .where(DeskCode.id == row.id, DeskCode.tries_left > 0, DeskCode.used_at.is_(None))
        .values(tries_left=DeskCode.tries_left - 1)
        .returning(DeskCode.tries_left)
        .execution_options(synchronize_session=False)
    )
    if left is None:
        return GuessResult("spent", 0), ""
    if not hmac.compare_digest(row.code_hash, codes.code_hash(ring, row.id, codes.typed(typed))):
        return GuessResult("wrong", left), ""
    used: Any = session.execute(
        update(DeskCode)
        .where(DeskCode.id == row.id, DeskCode.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return (GuessResult("right", left), _phone(ring, row)) if used.rowcount == 1 else (GuessResult("spent", left), "")


def bind_first(session: Session, ring: KeyRing, subject_id: UUID, phone: str) -> bool:
    """Give an account that has no number this one. False: it has one, and another would be a recovery."""
    if of_record(session, ring, subject_id):
        return False
    _keep(session, ring, subject_id, phone)
    return True


def forget(session: Session, ring: KeyRing, subject_id: UUID) -> None:
    """The account has no number any more."""
    _keep(session, ring, subject_id, "")


def _keep(session: Session, ring: KeyRing, subject_id: UUID, phone: str) -> None:
    sealed = PersonSealer(ring, session).seal(phone, owner=subject_id, field="phone")
    subjects.get(session, subject_id).phone = sealed
    session.flush()


def purge(session: Session, *, now: datetime) -> int:
    """Forget codes that are over; how many."""
    gone: Any = session.execute(delete(DeskCode).where(DeskCode.expires_at < now))
    return int(gone.rowcount)


def _newest(session: Session, case_id: UUID, *, now: datetime) -> DeskCode | None:
    mine = select(DeskCode).where(DeskCode.case_id == case_id, DeskCode.expires_at > now)
    return session.scalars(mine.order_by(DeskCode.sent_at.desc(), DeskCode.id.desc())).first()


def _expire(session: Session, case_id: UUID, *, now: datetime) -> None:
    session.execute(
        update(DeskCode)
        .where(DeskCode.case_id == case_id, DeskCode.expires_at > now)
        .values(expires_at=now)
        .execution_options(synchronize_session=False)
    )


def _phone(ring: KeyRing, row: DeskCode) -> str:
    return ring.open(row.phone, place=_place(row.id))


def _place(code_id: UUID) -> str:
    return f"desk_code:{code_id}"
