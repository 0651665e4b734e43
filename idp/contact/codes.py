"""One-time codes: one challenge for any national ID that is posted, five guesses exactly, sends limited per number.

The request writes the same rows whoever the number belongs to; only the worker learns that (DECISIONS 2). It makes the
code as well, so a decoy never has one. A guess costs a try before it is compared, by one conditional UPDATE, so that
any number of processes evaluate five and not six, and another from the number's twenty in a row (RELIABILITY 3).
"""

import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from consent.db import new_id
from idp import jobs
from idp.abuse import failures, prefixes
from idp.contact import limits
from idp.contact.challenge import DIGITS, Challenge, hashed
from idp.contact.limits import Limited
from idp.keys import KeyRing

LIFETIME = timedelta(minutes=5)
TRIES = 5
REF_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I, no O: they read as 1 and 0
REF_LENGTH = 4
SNAPSHOT_BYTES = 4096  # what a registry says of anybody fits, so that its length tells nobody apart
NO_CODE = "0" * 64  # compared with when there is no code, so that a decoy costs the same work
RESOLVE = "resolve-challenge"
NOTE_WRONG = "note-wrong-code"
NOTE_LOCKED = "note-locked-code"


@dataclass(frozen=True)
class Paid:
    """A try that is spent and may now be compared, whatever with."""

    tries_left: int
    fingerprint: str
    device: str
    code_hash: str | None
    route: str | None


@dataclass(frozen=True)
class GuessResult:
    """outcome: right, wrong, spent (no try left, or already used), expired (or a newer code was asked for), unknown."""

    outcome: str
    tries_left: int


_INSERT = insert(Challenge)
_PAID = (Challenge.tries_left, Challenge.fingerprint, Challenge.device_hash, Challenge.code_hash, Challenge.route)


def begin(
    session: Session,
    ring: KeyRing,
    *,
    national_id: str,
    browser: str,
    interaction_id: str,
    locale: str,
    now: datetime,
    service: str = "",
    lifetime: timedelta = LIFETIME,
    tries: int = TRIES,
    at_once: bool = False,
    digits: int = DIGITS,
    device: str | None = None,
    hurdle: str | None = None,
    network: str | None = None,
    counted_as: str | None = None,
) -> Challenge:
    """Write a challenge and a job for a well-formed national ID; no read tells who it belongs to.

    Earlier challenges of this browser and flow are superseded: newest only. Within 30 s of the last send the code is
    sent when they are over; beyond the other limits `quiet_until` is set and nothing will be sent. `at_once` is for a
    sandbox with a fixed code, where nobody waits for a message: the worker looks now. `digits` is how long the code
    will be; `device` the mark of a device that this number's person is known by, None for every other. `hurdle` says
    why another proof is asked for: then no code is made, and none is counted. `counted_as` stands in for the number's
    fingerprint where the code goes to a phone that was typed: what is guessed there is nothing of the number's own.
    `network` is what questions to a register are counted under (`abuse.questions`).
    """
    fingerprint = counted_as or ring.fingerprint(national_id)
    device_hash = None if device is None else hashed(device)
    allowed = now if hurdle else limits.take(session, limits.counted_as(fingerprint, device_hash), now=now)
    facts = {
        "fingerprint": fingerprint,
        "browser_hash": hashed(browser),
        "interaction_hash": hashed(interaction_id),
        "locale": locale,
        "service": service,
        "digits": digits,
        "device_hash": device_hash,
        "hurdle": hurdle,
        "network": network,
        "tries_left": tries,
        "quiet_until": allowed.until if isinstance(allowed, Limited) else None,
    }
    send_at = now if at_once or isinstance(allowed, Limited) else allowed
    return _open(session, ring, facts, national_id=national_id, send_at=send_at, lifetime=lifetime, now=now)


def resend(
    session: Session,
    ring: KeyRing,
    challenge_id: UUID,
    *,
    browser: str,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    tries: int = TRIES,
    digits: int = DIGITS,
) -> Challenge | Limited | None:
    """Ask for a new code: a new challenge that supersedes this one, or when the next one may be asked for.

    1 in 30 s, 3 in 15 min, 8 a day for each number, known or unknown alike; the same again on each device that the
    person is known by, so that nobody silences them elsewhere. None: another browser's, or used.
    """
    old = find(session, challenge_id, browser=browser)
    if old is None or old.used_at is not None or old.superseded_at is not None or old.hurdle is not None:
        return None
    counted = limits.counted_as(old.fingerprint, old.device_hash)
    allowed = limits.take(session, counted, now=now, patience=timedelta(0))
    if isinstance(allowed, Limited):
        return allowed
    kept = ("fingerprint", "browser_hash", "interaction_hash", "locale", "service", "device_hash", "network")
    new = {"tries_left": tries, "digits": digits, "quiet_until": None, "hurdle": None}
    facts = {name: getattr(old, name) for name in kept} | new
    return _open(session, ring, facts, national_id=asked(ring, old), send_at=now, lifetime=lifetime, now=now)


def find(session: Session, challenge_id: UUID, *, browser: str) -> Challenge | None:
    """The challenge, if it belongs to this browser."""
    return session.scalar(
        select(Challenge).where(Challenge.id == challenge_id, Challenge.browser_hash == hashed(browser))
    )


def guess(
    session: Session, ring: KeyRing, challenge_id: UUID, code: str, *, browser: str, now: datetime
) -> GuessResult:
    """Spend a try, then compare. The caller commits whatever the outcome: a spent try is never given back.

    A challenge without a code (unknown number, or not resolved yet) answers as one with another code; so does any
    challenge of a number whose way by SMS is closed to this device.
    """
    paid = pay(session, challenge_id, browser=browser, now=now)
    if isinstance(paid, GuessResult):
        return paid
    open_here = failures.pay(session, paid.fingerprint, device=paid.device, now=now)
    same = hmac.compare_digest(paid.code_hash or NO_CODE, code_hash(ring, challenge_id, typed(code)))
    if not (same and open_here):
        note_wrong(session, challenge_id, paid.tries_left, now=now)
        return GuessResult("wrong", paid.tries_left)
    if not use(session, challenge_id, now=now):
        return GuessResult("spent", paid.tries_left)
    failures.forgive(session, paid.fingerprint, device=paid.device)
    if paid.route is not None:
        prefixes.note_typed(session, paid.route, now=now)
    return GuessResult("right", paid.tries_left)


def pay(session: Session, challenge_id: UUID, *, browser: str, now: datetime) -> Paid | GuessResult:
    """Spend one of the challenge's tries, before anything is compared; or why there is none to spend."""
    spent = session.execute(
        update(Challenge)
        .where(
            Challenge.id == challenge_id,
            Challenge.browser_hash == hashed(browser),
            Challenge.tries_left > 0,
            Challenge.used_at.is_(None),
            Challenge.superseded_at.is_(None),
            Challenge.expires_at > now,
        )
        .values(tries_left=Challenge.tries_left - 1)
        .returning(*_PAID)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if spent is None:
        return _why_not(session, challenge_id, browser=browser, now=now)
    return Paid(spent[0], spent[1], spent[2] or failures.STRANGER, *spent[3:])


def use(session: Session, challenge_id: UUID, *, now: datetime) -> bool:
    """Use the challenge up; whether this call did."""
    used: Any = session.execute(
        update(Challenge)
        .where(Challenge.id == challenge_id, Challenge.used_at.is_(None), Challenge.superseded_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(used.rowcount)


def note_wrong(session: Session, challenge_id: UUID, tries_left: int, *, now: datetime) -> None:
    """Let the worker write a wrong guess into the log and count it into everybody's budget (`abuse.alarms`)."""
    jobs.enqueue_job(session, NOTE_WRONG if tries_left else NOTE_LOCKED, challenge_id, now=now)


def is_waiting(challenge: Challenge) -> bool:
    """Whether the worker has not looked yet, so that no code can be right."""
    return challenge.state == "waiting"


def new_code(digits: int = DIGITS) -> str:
    """Random digits, each code as likely as any other."""
    return f"{secrets.randbelow(10**digits):0{digits}}"


def code_hash(ring: KeyRing, challenge_id: UUID, code: str) -> str:
    """What is stored of a code: an HMAC bound to its challenge, so that a copied database guesses nothing."""
    return ring.mac("one-time-code", str(challenge_id), code).hex()


def typed(text: str) -> str:
    """The digits of what a person typed: Thai digits become ASCII, spaces and dashes go."""
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text if not sign.isspace() and sign != "-")


def asked(ring: KeyRing, challenge: Challenge) -> str:
    """The national ID that was posted."""
    return ring.open(challenge.asked, place=_place(challenge.id, "asked"))


def seal_snapshot(ring: KeyRing, challenge_id: UUID, text: str) -> bytes:
    """Keep what the registry said until the code proves who holds the phone."""
    return ring.seal(text, place=_place(challenge_id, "snapshot"), to=SNAPSHOT_BYTES)


def open_snapshot(ring: KeyRing, challenge: Challenge) -> str | None:
    """What the registry said, if it knew the number."""
    return None if challenge.snapshot is None else ring.open(challenge.snapshot, place=_place(challenge.id, "snapshot"))


def _open(
    session: Session,
    ring: KeyRing,
    facts: Mapping[str, Any],
    *,
    national_id: str,
    send_at: datetime,
    lifetime: timedelta,
    now: datetime,
) -> Challenge:
    challenge_id = new_id()
    _supersede(session, browser_hash=facts["browser_hash"], interaction_hash=facts["interaction_hash"], now=now)
    row = {
        **facts,
        "id": challenge_id,
        "ref": "".join(secrets.choice(REF_LETTERS) for _ in range(REF_LENGTH)),
        "asked": ring.seal(national_id, place=_place(challenge_id, "asked")),
        "state": "waiting",
        "created_at": now,
        "expires_at": send_at + lifetime,
        "next_send_at": facts["quiet_until"] or send_at + limits.SHORTEST,
    }
    session.execute(_INSERT, row)
    jobs.enqueue_job(session, RESOLVE, challenge_id, now=now, run_at=send_at)
    return session.get_one(Challenge, challenge_id)


def _supersede(session: Session, *, browser_hash: str, interaction_hash: str, now: datetime) -> None:
    session.execute(
        update(Challenge)
        .where(
            Challenge.browser_hash == browser_hash,
            Challenge.interaction_hash == interaction_hash,
            Challenge.superseded_at.is_(None),
        )
        .values(superseded_at=now)
    )


def _why_not(session: Session, challenge_id: UUID, *, browser: str, now: datetime) -> GuessResult:
    challenge = find(session, challenge_id, browser=browser)
    if challenge is None:
        return GuessResult("unknown", 0)
    if challenge.superseded_at is not None or (challenge.used_at is None and challenge.expires_at <= now):
        return GuessResult("expired", challenge.tries_left)
    return GuessResult("spent", challenge.tries_left)


def _place(challenge_id: UUID, what: str) -> str:
    return f"challenge:{challenge_id}:{what}"
