"""Ranges of phones (a number less its last four digits) whose codes nobody types are not written to for the hour.

Sends go only to numbers of record, so what is left of toll fraud is somebody who makes us write to many people, or to a
range that earns from it. Real people type most of their codes; so at most fifty in an hour may go unanswered, and of
more than thirty at least three in ten must have been typed (RELIABILITY 3). Phones that were typed by whoever asks are
counted together as well, wherever they are: strangers spend no more of everybody's messages than that.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from idp.abuse import tallies
from idp.keys import KeyRing

LAST_DIGITS = 4
MOST_UNANSWERED = 50
JUDGED_FROM = 30
LEAST_TYPED = 0.3
TYPED_PHONES, MOST_OF_TYPED_PHONES = "typed-phones", 1000


def route_of(ring: KeyRing, phone: str, *, typed: bool = False) -> str:
    """What a phone's range is counted under: keyed, since a range with few people in it is nearly a number."""
    known = ring.mac("fingerprint", "phone-range", phone[:-LAST_DIGITS]).hex()
    return f"{known} {TYPED_PHONES}" if typed else known


def may_go_on(sent: int, typed: int, *, most: int = MOST_UNANSWERED) -> bool:
    """PURE: whether one more code may go to a range that got `sent` this hour and typed `typed` of them."""
    if sent - typed >= most:
        return False
    return sent < min(JUDGED_FROM, most) or typed >= LEAST_TYPED * sent


def take(session: Session, route: str, *, most: int, now: datetime) -> bool:
    """Count one code to this range, if it may go out. The worker asks; nobody outside sees the answer."""
    known, _, together = route.partition(" ")
    if together and _unanswered(session, together, now=now) >= MOST_OF_TYPED_PHONES:
        return False
    sent = tallies.add(session, f"sent:{known}", each=tallies.HOUR, now=now)
    typed = tallies.one(session, f"typed:{known}", each=tallies.HOUR, now=now)
    if not may_go_on(sent - 1, typed, most=most):
        return False
    if together:
        tallies.add(session, f"sent:{together}", each=tallies.HOUR, now=now)
    return True


def note_typed(session: Session, route: str, *, now: datetime) -> None:
    """One of the range's codes was typed and right."""
    for one in route.split():
        tallies.add(session, f"typed:{one}", each=tallies.HOUR, now=now)


def _unanswered(session: Session, name: str, *, now: datetime) -> int:
    sent, typed = (tallies.one(session, f"{what}:{name}", each=tallies.HOUR, now=now) for what in ("sent", "typed"))
    return sent - typed
