"""Whether the code of a challenge may go to a phone: asked by the worker, which alone knows whose number it is.

Whoever posted the number sees nothing of the answer: the page is the same, and no message comes. So a way that was
closed by somebody's guessing, a phone that gets too many messages and a range that earns from them look like a
number that nobody has (O38).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from idp.abuse import alarms, failures, prefixes
from idp.contact import limits
from idp.contact.challenge import Challenge
from idp.contact.limits import Limited
from idp.keys import KeyRing


@dataclass(frozen=True)
class Leave:
    """A code may go out `at` this moment (now, or within half a minute); `route` is counted when it is typed."""

    at: datetime
    route: str


def leave(
    session: Session,
    ring: KeyRing,
    challenge: Challenge,
    phone: str,
    *,
    most_unanswered: int | None,
    now: datetime,
    typed: bool = False,
) -> Leave | None:
    """Count one message to this phone and its range, or None: nothing may be sent.

    Families share phones: so the phone has the same windows of its own as each number has (1 in 30 s, 3 in 15 min, 8 a
    day; devices that the person is known by apart). `most_unanswered` is the range's limit an hour, None where every
    phone is made up; `typed`: nobody but the person who asks says that the phone is theirs.
    """
    if challenge.quiet_until is not None or challenge.hurdle is not None:
        return None
    if failures.is_closed(session, challenge.fingerprint, device=challenge.device_hash or failures.STRANGER):
        return None
    at = limits.take(session, limits.counted_as(phone_key(ring, phone), challenge.device_hash), now=now)
    if isinstance(at, Limited):
        return None
    route = prefixes.route_of(ring, phone, typed=typed)
    if most_unanswered is not None and not prefixes.take(session, route, most=most_unanswered, now=now):
        return None
    if most_unanswered is not None:
        alarms.note_sent(session, now=now)
    return Leave(at, route)


def phone_key(ring: KeyRing, phone: str) -> str:
    """What a phone is counted under, beside the fingerprints of national IDs; no number and no ID gives the other."""
    return ring.mac("fingerprint", "phone", phone).hex()
