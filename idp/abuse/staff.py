"""How much one member of staff may ask for in an hour, whatever desk they sit at (RELIABILITY 3).

Counted in SQL over all processes by one statement each, before anything is done; nobody is counted by name.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from idp.abuse import tallies
from idp.keys import KeyRing

MOST_AN_HOUR = {"nonce": 120, "sms": 40, "letter": 60}
BY_EYE_A_DAY = 10


def may(session: Session, ring: KeyRing, person_id: UUID, what: str, *, now: datetime) -> bool:
    """Count one: a number for the card agent to sign, a code to a phone at the desk, a person looked for by letter."""
    counted = tallies.add(session, f"staff-{what}:{_keyed(ring, person_id)}", each=tallies.HOUR, now=now)
    return counted <= MOST_AN_HOUR[what]


def seen_by_eye(
    session: Session,
    ring: KeyRing,
    officers: tuple[UUID, UUID | None],
    *,
    recipient_id: UUID,
    codes: tuple[str, ...],
    now: datetime,
) -> None:
    """Count a person whom these officers proved by a paper that no machine read: who looked, and who signed.

    The one above a day's ten of either is written down for whoever watches: it appends abuse.alarm, once a day.
    """
    for officer in officers:
        if officer is None:
            continue
        counted = tallies.add(session, f"staff-by-eye:{_keyed(ring, officer)}", each=tallies.DAY, now=now)
        if counted == BY_EYE_A_DAY + 1:
            log.append(
                session,
                "abuse.alarm",
                now=now,
                actor=Actor.staff(officer),
                recipient_id=recipient_id,
                codes=("measure:look", *codes),
                reason="many_by_eye",
            )


def many_emergencies(
    session: Session,
    ring: KeyRing,
    person_id: UUID,
    *,
    recipient_id: UUID,
    codes: tuple[str, ...],
    reason: str,
    now: datetime,
) -> None:
    """Write down, once a day for each reason, that one clinician opens or tries very many. Nobody waits for it.

    Appends abuse.alarm.
    """
    if tallies.add(session, f"staff-{reason}:{_keyed(ring, person_id)}", each=tallies.DAY, now=now) == 1:
        log.append(
            session,
            "abuse.alarm",
            now=now,
            actor=Actor.staff(person_id),
            recipient_id=recipient_id,
            codes=("measure:look", *codes),
            reason=reason,
        )


def _keyed(ring: KeyRing, person_id: UUID) -> str:
    return ring.mac("fingerprint", "staff", str(person_id)).hex()[:32]
