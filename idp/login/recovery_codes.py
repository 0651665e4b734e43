"""Ten codes on paper, each good once: a way in when the phone is gone (look-up secrets, ASVS 6.5.1, 6.5.2).

A code is 50 random bits; of it an argon2id hash with a salt of its set is kept, under a key of the server. The hash of
a typed code finds its row, and one conditional UPDATE uses it up, over all processes.
"""

import os
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, Plain
from idp.keys import KeyRing
from idp.login import tries
from idp.login.tries import Check, Limited

__all__ = ["Check", "Prepared", "RecoveryCode", "RecoverySet", "check", "left", "prepare", "replace", "tidy", "use"]

FACTOR = "recovery"
CODES, LETTERS_OF_ONE, GROUP = 10, 10, 5
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32 signs without I, L, O, U: nothing reads as another
LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
SALT_BYTES, HASH_BYTES = 16, 32
LONGEST_TYPED = 64


class RecoverySet(Limited):
    """One person's newest ten: the salt of their hashes, and the guesses at them."""

    __tablename__ = "recovery_set"

    salt: Mapped[Plain]
    made_at: Mapped[datetime]


class RecoveryCode(Base):
    """One code by its hash. A new set deletes the rows of the old one."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[Plain] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Prepared:
    """A set that nobody owns yet: `shown` is seen this once."""

    shown: tuple[str, ...]
    salt: str
    hashes: tuple[str, ...]


def prepare(ring: KeyRing, subject_id: UUID) -> Prepared:
    """Ten new codes and their hashes (0.2 s): made before a transaction is open, so that nobody waits for it."""
    salt = os.urandom(SALT_BYTES).hex()
    plain = tuple("".join(secrets.choice(ALPHABET) for _ in range(LETTERS_OF_ONE)) for _ in range(CODES))
    shown = tuple(f"{code[:GROUP]}-{code[GROUP:]}" for code in plain)
    return Prepared(shown, salt, tuple(hashed(ring, subject_id, salt, code) for code in plain))


def replace(session: Session, subject_id: UUID, prepared: Prepared, *, now: datetime) -> None:
    """Make this the person's set; older codes stop working, tries and locks start anew. Appends recovery_codes.made.

    The caller has asked for a fresh second factor (ASVS 7.5.1; `factors.may_add`).
    """
    fresh = {"tries_left": tries.TRIES, "lockouts": 0, "locked_until": None}
    tries.keep(session, RecoverySet, subject_id, salt=prepared.salt, made_at=now, **fresh)
    session.execute(
        delete(RecoveryCode).where(RecoveryCode.subject_id == subject_id).execution_options(synchronize_session=False)
    )
    session.add_all(RecoveryCode(code_hash=one, subject_id=subject_id, used_at=None) for one in prepared.hashes)
    session.flush()
    actor = log.Actor.citizen(subject_id)
    log.append(session, "recovery_codes.made", now=now, actor=actor, subject_id=subject_id)


def check(session: Session, ring: KeyRing, subject_id: UUID, typed: str, *, now: datetime) -> Check:
    """Compare a code of somebody who is signed in, once the try is paid for; a right one is used up."""
    salt = session.scalar(select(RecoverySet.salt).where(RecoverySet.subject_id == subject_id))
    if salt is None:
        return Check("none")
    spent = tries.spend(session, RecoverySet, subject_id, now=now)
    if spent is None:
        return tries.refusal(session, RecoverySet, subject_id)
    if not use(session, subject_id, hashed(ring, subject_id, salt, tidy(typed)), now=now):
        return tries.wrong(session, RecoverySet, subject_id, spent, factor="recovery_codes", reason="wrong", now=now)
    tries.forgive(session, RecoverySet, subject_id)
    note_used(session, subject_id, now=now)
    return Check("right", tries_left=tries.TRIES)


def use(session: Session, subject_id: UUID, code_hash: str, *, now: datetime) -> bool:
    """Use exactly this code up, once."""
    used = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.subject_id == subject_id,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.subject_id)
        .execution_options(synchronize_session=False)
    )
    return used is not None


def note_used(session: Session, subject_id: UUID, *, now: datetime) -> None:
    """Say in the log that one is gone. Appends recovery_codes.used."""
    actor = log.Actor.citizen(subject_id)
    log.append(session, "recovery_codes.used", now=now, actor=actor, subject_id=subject_id)


def left(session: Session, subject_id: UUID) -> int:
    """How many codes still work."""
    unused = (RecoveryCode.subject_id == subject_id, RecoveryCode.used_at.is_(None))
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0


def hashed(ring: KeyRing, subject_id: UUID, salt: str, code: str) -> str:
    """What is stored of a code (20 ms): a password hash, as 50 bits need one, under a key of the server."""
    slow = hash_secret_raw(
        code.encode(),
        bytes.fromhex(salt),
        time_cost=2,
        memory_cost=19_456,
        parallelism=1,
        hash_len=HASH_BYTES,
        type=Type.ID,
    )
    return ring.mac("one-time-code", "recovery", str(subject_id), slow.hex()).hex()


def tidy(typed: str) -> str:
    """PURE: what somebody copied from paper: any case, spaces, dashes, Thai digits, O for 0, I or L for 1, U for V."""
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in typed[:LONGEST_TYPED] if sign.isalnum())
    return plain.upper().translate(LOOKALIKES)
