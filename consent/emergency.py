"""PURE: breaking the glass: why, for how long, who may judge it afterwards, and until when they must.

PDPA s.26(1): health data may be opened without a consent to avert a danger to life, body or health while the person
cannot give one. Catalogue row BREAKGLASS and rule 11: 4 h, 24 h at most, the person told at once, every use reviewed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

PURPOSE = "BREAKGLASS"
REASONS = ("unconscious", "confused", "too_ill", "child_alone", "other")
IDENTIFIED_BY = ("card", "number")
ENDINGS = ("over", "answers", "wrong_person", "stopped", "lapsed")
OUTCOMES = ("justified", "not_justified")
LEAST_HOURS, USUAL_HOURS, MOST_HOURS = 1, 4, 24
SHORTEST_WORDS, LONGEST_WORDS = 3, 300
REVIEW_WITHIN = timedelta(hours=72)
EVERYWHERE, OWN_FACILITY = "dpo", "head"  # roles that review: of all facilities, of their own


@dataclass(frozen=True)
class Emergency:
    """One opening of one person's record, for as long as was said."""

    opened_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None

    def runs_at(self, now: datetime) -> bool:
        """Whether anything may be opened under it. At `ends_at` it is over, whoever forgot to say so."""
        return self.ended_at is None and self.opened_at <= now < self.ends_at


@dataclass(frozen=True)
class Said:
    """What a clinician gave as the reason: a code, a few words of their own, and how many whole hours."""

    reason: str
    words: str
    hours: int

    @property
    def faults(self) -> dict[str, str]:
        """What is missing or wrong, by field, as codes; empty when the glass may be broken on these words."""
        rules = (
            ("reason", "required", self.reason in REASONS),
            ("words", "required", len(self.words.strip()) >= SHORTEST_WORDS),
            ("words", "long", len(self.words) <= LONGEST_WORDS),
            ("hours", "range", LEAST_HOURS <= self.hours <= MOST_HOURS),
        )
        return {field: code for field, code, kept in reversed(rules) if not kept}


@dataclass(frozen=True)
class Opener:
    """Who wants to break the glass, as they stand now."""

    practitioner: bool  # with a licence that holds, in the place they work at
    facility_kind: bool  # of a kind that the purpose may be received by
    facility_licence: bool
    level: bool  # the staff levels of the row


def refusal(opener: Opener, *, own_record: bool = False, patient_active: bool = True) -> str | None:
    """Why this person may not, as a code, or None. No consent, refusal or level of the patient is asked (s.26(1))."""
    against = (
        ("not_practitioner", not opener.practitioner),
        ("facility_kind", not opener.facility_kind),
        ("facility_licence", not opener.facility_licence),
        ("staff_level", not opener.level),
        ("own_record", own_record),
        ("patient_closed", not patient_active),
    )
    return next((code for code, true in against if true), None)


def due_at(opened_at: datetime) -> datetime:
    """Until when it must have been reviewed: 72 h from the opening, however long it lasted."""
    return opened_at + REVIEW_WITHIN


def review_refusal(
    *, reviewer: UUID, opened_by: UUID, patient_id: UUID | None, may: bool, running: bool, reviewed: bool
) -> str | None:
    """Why this person's judgement does not count, as a code, or None. Nobody judges what they opened themselves."""
    against = (
        ("own_opening", reviewer == opened_by),
        ("own_record", reviewer == patient_id),
        ("not_reviewer", not may),
        ("nobody_opened", patient_id is None),
        ("running", running),
        ("reviewed", reviewed),
    )
    return next((code for code, true in against if true), None)


def may_review(places: frozenset[tuple[str, str | None]], hcode: str) -> bool:
    """Whether somebody with these (role, facility) pairs reviews what was opened at this facility."""
    return any(role == EVERYWHERE or (role, at) == (OWN_FACILITY, hcode) for role, at in places)
