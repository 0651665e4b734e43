"""A six-digit PIN: something known, never enough alone (THAI.md 3: with a code it makes AAL2.1)."""

from datetime import datetime
from functools import cache
from itertools import pairwise
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session

from consent.audit import log
from consent.db import Plain
from idp.login import tries
from idp.login.tries import Check, Limited

__all__ = ["Check", "Pin", "PinRefused", "check", "is_trivial", "set_pin"]

FEW_DIGITS = 2
# A hash, under the same parameters, of a random text that was thrown away: spends the time of a real comparison.
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$QV5RCA8exTUpX9PQgASKzw$pyBNXinimwUOOuJqIaDhe+l59Figg60dNw44p50i3rw"
COMMON = frozenset({"112233", "123321", "147258", "159753", "159357", "258369", "789456", "456123", "123654", "142536"})


class Pin(Limited):
    """One person's PIN, as an argon2id hash."""

    __tablename__ = "pin"

    hash: Mapped[Plain]
    set_at: Mapped[datetime]


class PinRefused(Exception):  # noqa: N818 -- a refusal with a code for the page
    """The PIN is not six digits ("format") or among the first an attacker tries ("trivial")."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_trivial(pin: str) -> bool:
    """PURE: one or two different digits, a run up or down, a half said twice, or a well-known figure of the keypad."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return len(set(pin)) <= FEW_DIGITS or steps in ({1}, {9}) or pin[:3] == pin[3:] or pin in COMMON


def set_pin(session: Session, subject_id: UUID, pin: str, *, now: datetime) -> None:
    """Set or replace the PIN; tries and locks start anew. Appends pin.set.

    The caller has asked for a fresh factor where one exists (ASVS 7.5.1; `factors.may_add`).

    Raises: PinRefused, before anything is written.
    """
    digits = tries.six_digits(pin)
    if not digits:
        raise PinRefused("format")
    if is_trivial(digits):
        raise PinRefused("trivial")
    fresh = {"tries_left": tries.TRIES, "lockouts": 0, "locked_until": None}
    tries.keep(session, Pin, subject_id, hash=_hasher().hash(digits), set_at=now, **fresh)
    log.append(session, "pin.set", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)


def check(session: Session, subject_id: UUID, pin: str, *, now: datetime) -> Check:
    """Compare a guess, once it is paid for. A person without a PIN costs the same time as one with."""
    spent = tries.spend(session, Pin, subject_id, now=now)
    if spent is None:
        refused = tries.refusal(session, Pin, subject_id)
        if refused.outcome == "none":
            _matches(DECOY, "000000")
        return refused
    stored = session.execute(select(Pin.hash).where(Pin.subject_id == subject_id)).scalar_one()
    if not _matches(stored, tries.six_digits(pin)):
        return tries.wrong(session, Pin, subject_id, spent, factor="pin", reason="wrong", now=now)
    tries.forgive(session, Pin, subject_id)
    return Check("right", tries_left=tries.TRIES)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's argon2id, 20 ms


def _matches(stored: str, digits: str) -> bool:
    try:
        return _hasher().verify(stored, digits)
    except VerifyMismatchError:
        return False
