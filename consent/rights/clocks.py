"""PURE: how long each request may take, counted in Bangkok days; a breach in hours (PDPA s.30-37).

The days are the law's as far as we read it, not yet by a lawyer (THAI.md part 4): data, so that a reading can change.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

BANGKOK = ZoneInfo("Asia/Bangkok")
SOON = timedelta(days=7)
REPORT_WITHIN = timedelta(hours=72)  # s.37(4): from knowing to the Office
EXPLAIN_WITHIN = timedelta(days=15)  # the reasons of a late report, after the 72 hours
A_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What somebody asks of us."""

    access = "access"
    portability = "portability"
    objection = "objection"
    erasure = "erasure"
    restriction = "restriction"
    rectification = "rectification"
    complaint = "complaint"
    not_right = "not_right"  # "this was not right", on a line of the access page
    emergency = "emergency"  # an emergency access that its reviewer did not find justified


@dataclass(frozen=True)
class Limit:
    """Days from the request to the answer, and by how many more it may be put off, once."""

    days: int
    extension: int = 0


LIMITS: dict[Kind, Limit] = {
    Kind.access: Limit(30),  # s.30: within 30 days; no extension
    Kind.portability: Limit(30, 30),
    Kind.objection: Limit(30),
    Kind.erasure: Limit(90),  # the rules of 11 November 2024: 90 days, backups included
    Kind.restriction: Limit(30),
    Kind.rectification: Limit(30, 30),
    Kind.complaint: Limit(30, 30),
    Kind.not_right: Limit(30, 30),
    Kind.emergency: Limit(30, 30),
}


class Clock(StrEnum):
    """How a case stands at a moment."""

    running = "running"
    soon = "soon"
    overdue = "overdue"
    answered = "answered"
    answered_late = "answered_late"


def due(kind: Kind, opened_at: datetime) -> datetime:
    """When the answer is due: the end of the last Bangkok day."""
    return _end_of_day(opened_at, LIMITS[kind].days)


def extended(kind: Kind, due_at: datetime) -> datetime | None:
    """When it is due after its one extension; None for a kind that has none."""
    more = LIMITS[kind].extension
    return None if not more else due_at + timedelta(days=more)


def stands(due_at: datetime, *, answered_at: datetime | None, now: datetime) -> Clock:
    """How a case stands; a due moment that has come is overdue."""
    if answered_at is not None:
        return Clock.answered if answered_at < due_at else Clock.answered_late
    if now >= due_at:
        return Clock.overdue
    return Clock.soon if due_at - now <= SOON else Clock.running


def report_due(known_at: datetime) -> datetime:
    """When the Office must have heard of a breach that was known at this moment."""
    return known_at + REPORT_WITHIN


def is_late(known_at: datetime, reported_at: datetime) -> bool:
    """Whether a report came after its 72 hours, and so needs reasons."""
    return reported_at > report_due(known_at)


def explain_due(known_at: datetime) -> datetime:
    """By when a late report must have given its reasons."""
    return report_due(known_at) + EXPLAIN_WITHIN


def _end_of_day(since: datetime, days: int) -> datetime:
    last = since.astimezone(BANGKOK).date() + timedelta(days=days)
    return (datetime.combine(last, time(), BANGKOK) + A_DAY).astimezone(since.tzinfo)
