"""Broken glass is never blocked; but very many by one clinician are seen, by those who review and in the log.

Counted from the openings and the attempts that stand there anyway: nothing more is kept of anybody.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.db import table_of
from idp.abuse import staff
from idp.emergency_access import EmergencyAccess
from idp.keys import KeyRing
from idp.readings import Desk

MOST_OPENED, MOST_TRIED, WITHIN = 5, 10, timedelta(hours=24)
UNFOUND = "unknown_number"
_E = table_of(EmergencyAccess).c
_OPENED = (
    select(_E.opened_by, _E.hcode, func.count())
    .where(_E.opened_at > bindparam("since"))
    .group_by(_E.opened_by, _E.hcode)
)
_BY = _E.opened_by == bindparam("person")


@dataclass(frozen=True)
class Busy:
    """One member of staff opened or tried very many: how many of them at this place. It names nobody."""

    hcode: str
    opened: int
    tried: int


def many(session: Session, *, now: datetime) -> list[Busy]:
    """A line for each place of each member of staff who is above a limit, the most openings first."""
    opened = {(who, at): n for who, at, n in session.execute(_OPENED, {"since": now - WITHIN})}
    tried = _tried(session, now=now)
    found = {
        key: Busy(key[1], opened.get(key, 0), tried[key])
        for key in {*opened, *tried}
        if _of(key[0], opened) > MOST_OPENED or _of(key[0], tried) > MOST_TRIED
    }
    return sorted(found.values(), key=lambda one: (-one.opened, -one.tried, one.hcode))


def watch(session: Session, ring: KeyRing, desk: Desk, *, now: datetime) -> None:
    """After one more of this clinician: write an alarm when they are very many, once a day (abuse.alarm)."""
    counted = session.execute(_OPENED.where(_BY), {"since": now - WITHIN, "person": desk.person_id})
    above = {
        "many_emergencies": sum(number for _, _, number in counted) > MOST_OPENED,
        "many_numbers": _of(desk.person_id, _tried(session, now=now)) > MOST_TRIED,
    }
    for reason in [reason for reason, true in above.items() if true]:
        staff.many_emergencies(
            *(session, ring, desk.person_id),
            recipient_id=desk.place.legal_entity_id,
            codes=desk.codes,
            reason=reason,
            now=now,
        )


def _tried(session: Session, *, now: datetime) -> Counter[tuple[UUID, str]]:
    """How many numbers that are nobody's each member of staff tried at each place."""
    found: Counter[tuple[UUID, str]] = Counter()
    for person, entry in log.about_nobody(session, "breakglass.used", since=now - WITHIN):
        if (entry.outcome, entry.reason) == ("denied", UNFOUND):
            hcodes = [code.removeprefix("hcode:") for code in entry.codes if code.startswith("hcode:")]
            found[person, hcodes[0] if hcodes else ""] += 1
    return found


def _of(person: UUID, counts: dict[tuple[UUID, str], int]) -> int:
    return sum(number for (who, _), number in counts.items() if who == person)
