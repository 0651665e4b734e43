"""Signing in without SMS: after the number, a code of the app or one of the recovery codes (63B-4 draft 5.1.3.3).

The same statements and the same work for a number that nobody has (DECISIONS 2): what is not there is replaced by a
decoy that nothing opens. A guess spends a try of the challenge and one of the number, before it is compared. The
number's tries are counted for each known device apart: whoever guesses elsewhere does not lock the owner out. They are
the number's own too where a code went to a phone that was typed, as what opens is its own account.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import pyotp
from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, InsertOnce, Plain
from idp.abuse import failures
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.contact.codes import GuessResult
from idp.keys import KeyRing, unwrap, wrap
from idp.login import recovery_codes, totp, tries
from idp.login.recovery_codes import RecoverySet
from idp.login.totp import Totp
from idp.subjects import NationalId, PersonSealer, is_shut

KEPT = timedelta(days=2)  # longer than the longest lock
NOBODY, DECOY = UUID(int=0), "other-way:decoy"
NO_SALT = bytes(recovery_codes.SALT_BYTES).hex()


class OtherWayLedger(Base):
    """Guesses at one number on one known device or on any other, whoever it belongs to and whether to anybody."""

    __tablename__ = "other_way_ledger"

    fingerprint: Mapped[Plain] = mapped_column(primary_key=True)
    tries_left: Mapped[int] = mapped_column(default=tries.TRIES)
    lockouts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    guessed_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Outcome:
    """outcome: right, wrong, locked (`until`), or what `codes.guess` says of a challenge that takes no guess."""

    outcome: str
    tries_left: int = 0
    until: datetime | None = None
    subject_id: UUID | None = None
    factor: str = ""


@dataclass(frozen=True)
class _Held:
    """What the owner of a number has; nobody has nothing."""

    subject_id: UUID = NOBODY
    secret: bytes | None = None
    salt: str | None = None


_open_ledger = InsertOnce(OtherWayLedger)
_HELD = (
    select(NationalId.subject_id, Totp.secret, RecoverySet.salt)
    .outerjoin(Totp, and_(Totp.subject_id == NationalId.subject_id, Totp.confirmed_at.is_not(None)))
    .outerjoin(RecoverySet, RecoverySet.subject_id == NationalId.subject_id)
    .where(NationalId.fingerprint == bindparam("number"), NationalId.proved, ~is_shut(NationalId.subject_id))
)


def guess(session: Session, ring: KeyRing, challenge_id: UUID, typed: str, *, browser: str, now: datetime) -> Outcome:
    """Spend the tries, then compare. The caller commits whatever the outcome, and signs a right one in."""
    paid = codes.pay(session, challenge_id, browser=browser, now=now)
    if isinstance(paid, GuessResult):
        return Outcome(paid.outcome, paid.tries_left)
    number = ring.fingerprint(codes.asked(ring, session.get_one(Challenge, challenge_id)))
    device = paid.device if paid.fingerprint == number else failures.STRANGER  # known for another account with it
    place = hashlib.sha256(f"{number} {device}".encode()).hexdigest()
    spent = _spend(session, place, now=now)
    if spent is None:
        until = session.scalar(select(OtherWayLedger.locked_until).where(OtherWayLedger.fingerprint == place))
        return Outcome("locked", paid.tries_left, until)
    row = session.execute(_HELD, {"number": number}).one_or_none()
    held = _Held() if row is None else _Held(*row)
    by_app = tries.six_digits(typed)
    right = _by_app(session, ring, held, by_app, now=now) if by_app else _by_sheet(session, ring, held, typed, now=now)
    if not right:
        codes.note_wrong(session, challenge_id, paid.tries_left, now=now)
        return _wrong(session, place, spent, paid.tries_left, now=now)
    if not codes.use(session, challenge_id, now=now):
        return Outcome("spent", paid.tries_left)
    _set(session, place, tries_left=tries.TRIES, lockouts=0, locked_until=None)
    factor = totp.FIELD if by_app else recovery_codes.FACTOR
    return Outcome("right", paid.tries_left, subject_id=held.subject_id, factor=factor)


def purge(session: Session, *, now: datetime) -> None:
    """Forget counts that no lock can rest on any more."""
    session.execute(
        delete(OtherWayLedger)
        .where(OtherWayLedger.guessed_at < now - KEPT)
        .execution_options(synchronize_session=False)
    )


def _by_app(session: Session, ring: KeyRing, held: _Held, code: str, *, now: datetime) -> bool:
    """A code of the app, each step once. Without an app a decoy's secret is opened, and no code of it counts."""
    step = totp.step_of(_secret(session, ring, held), code, now=now)
    return step is not None and held.secret is not None and totp.use_step(session, held.subject_id, held.secret, step)


def _by_sheet(session: Session, ring: KeyRing, held: _Held, typed: str, *, now: datetime) -> bool:
    """A recovery code, used up by the comparison. Nobody's codes are looked for in the same way, and never found."""
    salt, code = held.salt or NO_SALT, recovery_codes.tidy(typed)
    hashed = recovery_codes.hashed(ring, held.subject_id, salt, code)
    if not recovery_codes.use(session, held.subject_id, hashed, now=now):
        return False
    recovery_codes.note_used(session, held.subject_id, now=now)
    return True


def _secret(session: Session, ring: KeyRing, held: _Held) -> str:
    sealer = PersonSealer(ring, session)
    if held.secret is not None:
        return sealer.open(held.secret, owner=held.subject_id, field=totp.FIELD)
    try:
        return sealer.open(b"", owner=NOBODY, field=totp.FIELD)  # the same look for a key, which is not there
    except KeyError:
        return unwrap(ring.kek, _decoy(ring.kek), aad=DECOY).decode()


@cache
def _decoy(kek: bytes) -> bytes:
    return wrap(kek, pyotp.random_base32().encode(), aad=DECOY)


def _spend(session: Session, place: str, *, now: datetime) -> tries.Spent | None:
    """Pay for one guess at this number by one conditional update; None while locked."""
    fresh = {"tries_left": tries.TRIES, "lockouts": 0, "locked_until": None, "guessed_at": now}
    _open_ledger(session, {"fingerprint": place, **fresh})
    row = session.execute(
        update(OtherWayLedger)
        .where(
            OtherWayLedger.fingerprint == place,
            OtherWayLedger.tries_left > 0,
            or_(OtherWayLedger.locked_until.is_(None), OtherWayLedger.locked_until <= now),
        )
        .values(tries_left=OtherWayLedger.tries_left - 1, guessed_at=now)
        .returning(OtherWayLedger.tries_left, OtherWayLedger.lockouts)
        .execution_options(synchronize_session=False)
    ).first()
    return None if row is None else tries.Spent(*row)


def _wrong(session: Session, place: str, spent: tries.Spent, tries_left: int, *, now: datetime) -> Outcome:
    """The last try of a number locks this way for it, longer each time."""
    if spent.tries_left > 0:
        return Outcome("wrong", min(tries_left, spent.tries_left))
    until = now + tries.lock_of(spent.lockouts)
    _set(session, place, tries_left=tries.TRIES, lockouts=spent.lockouts + 1, locked_until=until)
    return Outcome("locked", tries_left, until)


def _set(session: Session, place: str, **values: object) -> None:
    session.execute(
        update(OtherWayLedger)
        .where(OtherWayLedger.fingerprint == place)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
