"""Where the code of a challenge goes: an account's phone, a phone that was typed, or the register's. The worker asks.

A device that its person never used gets none at a number whose SIM card was changed in the last three days (SP 800-63B
section 3.1.3.3, RELIABILITY 3); a device that is known goes on.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from idp import alerts, provisional
from idp.abuse import failures, questions
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.db import Sessions
from idp.keys import KeyRing
from idp.ports import Ports, RegistryPerson, RegistryUnavailable
from idp.subjects import PersonSealer, Subject, e164

NEW_SIM = timedelta(hours=72)
A_DAY = timedelta(hours=24)
SIGN_IN = Actor.system("sign-in")
_SAID = (
    select(Challenge)
    .where(
        Challenge.fingerprint == bindparam("number"),
        Challenge.snapshot.is_not(None),
        Challenge.created_at > bindparam("since"),
    )
    .order_by(Challenge.created_at.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Found:
    """Where the code goes: an account's phone, or a registry entry's."""

    phone: str
    subject_id: UUID | None = None
    person: RegistryPerson | None = None


def in_account(session: Session, ring: KeyRing, account: Subject, *, now: datetime) -> Found | None:
    """The phone of an account that is open and takes codes by SMS."""
    if account.status != "active" or alerts.sms_frozen(session, account.id, now=now):
        return None
    phone = PersonSealer(ring, session).open(account.phone, owner=account.id, field="phone")
    return Found(phone, subject_id=account.id) if phone else None


def at_typed_phone(
    session: Session,
    ring: KeyRing,
    challenge: Challenge,
    *,
    phone: str,
    account: Subject | None,
    known: Found | None,
    now: datetime,
) -> Found | None:
    """R1: the code goes to the phone that was typed, whatever a register holds; no register is asked.

    The number's own account is opened only where that is its phone as well, and by no way that strangers' guesses have
    closed for the number. A number whose person has died opens none.
    """
    if account is not None and account.status == "deceased":
        return None
    if known is not None and known.phone == phone:
        return None if failures.is_closed(session, ring.fingerprint(codes.asked(ring, challenge))) else known
    own = provisional.find(session, ring, codes.asked(ring, challenge), phone)
    return Found(phone) if own is None else in_account(session, ring, own, now=now)


def in_registry(
    sessions: Sessions, ring: KeyRing, ports: Ports, challenge: Challenge, *, now: datetime, by_network: bool = True
) -> Found | None:
    """What the register says of this number, asked with no transaction open; without a question left, what it said.

    `by_network`: what its network asked counts too. Raises: RegistryUnavailable; that question was none.
    """
    question = questions.Question(challenge.fingerprint, challenge.network if by_network else None)
    with sessions.writing() as session:
        may = questions.may_ask(session, question, now=now)
        before = None if may else session.scalar(_SAID, {"number": challenge.fingerprint, "since": now - A_DAY})
    if before is not None:
        return _of(RegistryPerson(**json.loads(codes.open_snapshot(ring, before) or "{}")))
    if not may:
        return None
    try:
        return _of(ports.registry.look_up(codes.asked(ring, challenge)))
    except RegistryUnavailable:
        with sessions.writing() as session:
            questions.give_back(session, question, now=now)
        raise


def has_moved(ports: Ports, challenge: Challenge, found: Found) -> bool:
    """Whether the phone's SIM card was just changed, where that keeps the code back. Raises: UpstreamUnavailable."""
    if challenge.device_hash is not None or challenge.hurdle is not None or challenge.quiet_until is not None:
        return False
    return ports.sim_swap.changed(found.phone, within=NEW_SIM)


def note_moved(session: Session, found: Found | None, *, now: datetime) -> None:
    """Write down that a code was held back. Appends otp.withheld."""
    log.append(
        session,
        "otp.withheld",
        now=now,
        actor=SIGN_IN,
        subject_id=found.subject_id if found else None,
        codes=("channel:sms",),
        outcome="denied",
        reason="sim_changed",
    )


def _of(person: RegistryPerson | None) -> Found | None:
    if person is None or person.status != "alive" or not person.phone:
        return None
    return Found(e164(person.phone), person=person)
