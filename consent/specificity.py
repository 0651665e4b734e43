"""PURE: which standing refusal stops a question, and which consent is told more closely than a refusal.

A refusal names a person, a unit, a facility, a visit, a span of time or a topic. It beats every consent of equal or
lesser specificity, and every consent that was there before it. Only a consent given later, that names all that the
refusal names and something more (this visit, this part of the time, this topic), passes it.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from uuid import UUID

from consent import purposes
from consent.purposes import Kind, Purpose

BANGKOK = timezone(timedelta(hours=7))  # Thailand keeps one time all year
TOPIC_PREFIX = "moph.sensitive."


class Level(StrEnum):
    """What a standing refusal names."""

    person = "person"
    unit = "unit"
    facility = "facility"
    visit = "visit"
    period = "period"
    topic = "topic"


# What rests on the law and not on a consent: no refusal may block treatment as such (catalogue rule 12), but who
# treats, where in the house, in which visit and whether a tagged topic is opened stays the person's to say.
BITES_ON_LAW = frozenset({Level.person, Level.unit, Level.visit, Level.topic})


@dataclass(frozen=True)
class Asker:
    """Who would look, as the asking side states it; empty: not stated. `person` and `visit` are ids."""

    person: str = ""
    unit: str = ""
    hcode: str = ""
    visit: str = ""


@dataclass(frozen=True)
class About:
    """Which data would be looked at; nothing: all that the purpose has. Days of Bangkok, both inclusive."""

    categories: tuple[str, ...] = ()
    data_from: date | None = None
    data_until: date | None = None
    topics: tuple[str, ...] = ()


NOBODY, EVERYTHING = Asker(), About()


@dataclass(frozen=True)
class Stated:
    """What the asking side says of one look: who would look, at which data."""

    asker: Asker = NOBODY
    about: About = EVERYTHING


UNSTATED = Stated()


@dataclass(frozen=True)
class Consented:
    """How closely a consent was given: beside its receiver, a visit, a span of time, topics."""

    given_at: datetime
    visit_id: UUID | None = None
    data_from: date | None = None
    data_until: date | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class StandingRefusal:
    """One refusal that was not lifted. Empty `purposes`: all. `past`, `future`: data before, after `made_at`."""

    id: UUID
    level: Level
    made_at: datetime
    recipient_id: UUID | None = None
    hcode: str = ""
    unit_mark: str = ""
    person: str = ""
    visit_id: UUID | None = None
    data_from: date | None = None
    data_until: date | None = None
    topics: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    past: bool = True
    future: bool = True


def unit_mark(unit: str) -> str:
    """The name of a unit as it is compared: however it is spaced or spelt in capitals, and not readable."""
    return hashlib.sha256(" ".join(unit.split()).casefold().encode()).hexdigest()


def topics_of(scopes: Collection[str]) -> tuple[str, ...]:
    """The sensitive topics that these scopes open (catalogue rule 10)."""
    return tuple(scope.removeprefix(TOPIC_PREFIX) for scope in scopes if scope.startswith(TOPIC_PREFIX))


def biting(
    refusals: Sequence[StandingRefusal],
    purpose: Purpose,
    *,
    recipient_id: UUID,
    asker: Asker,
    about: About,
    rests_on_consent: bool,
    consented: Consented | None,
) -> StandingRefusal | None:
    """The first refusal that stops this question, or None.

    A person's own acts and open registers are stopped by none. Where a consent is the ground, who does not state the
    person, the unit or the time that a refusal is about cannot show that it is not the refused one: that is a no.
    """
    if purpose.kind in (Kind.RIGHT, Kind.PUBLIC, Kind.STAFF):
        return None
    for refusal in refusals:
        concerned = not refusal.purposes or purpose.code in refusal.purposes
        ground = rests_on_consent or refusal.level in BITES_ON_LAW
        if not (concerned and ground and _in_reach(refusal, about)):
            continue
        named = _names(refusal, purpose, recipient_id, asker, about, strict=rests_on_consent, consented=consented)
        if named and not _is_closer(consented, refusal, about):
            return refusal
    return None


def _names(
    refusal: StandingRefusal,
    purpose: Purpose,
    recipient_id: UUID,
    asker: Asker,
    about: About,
    *,
    strict: bool,
    consented: Consented | None,
) -> bool:
    here = refusal.recipient_id in (None, recipient_id)
    house = refusal.recipient_id == recipient_id and (
        not refusal.hcode or refusal.hcode == asker.hcode or (strict and not asker.hcode)
    )
    if refusal.level is Level.person:
        return asker.person == refusal.person if asker.person else strict and house
    if refusal.level is Level.unit:
        known = unit_mark(asker.unit) == refusal.unit_mark if asker.unit else strict
        return house and known
    if refusal.level is Level.facility:
        return house
    if refusal.level is Level.visit:
        tied = consented is not None and consented.visit_id == refusal.visit_id
        return here and (asker.visit == str(refusal.visit_id) or tied)
    if refusal.level is Level.period:
        return here and is_dated(purpose) and meet((refusal.data_from, refusal.data_until), about)
    return here and not set(refusal.topics).isdisjoint(about.topics)


def is_dated(purpose: Purpose) -> bool:
    """Whether the purpose opens a record of health, which grew over time, and not only what is true of them now."""
    return any(purposes.category(code).s26 for code in purpose.data_categories)


def meet(span: tuple[date | None, date | None], about: About) -> bool:
    """Whether the span and the time that is asked about share a day; an open end reaches for ever."""
    begins, ends = span
    after = begins is not None and about.data_until is not None and about.data_until < begins
    before = ends is not None and about.data_from is not None and about.data_from > ends
    return not (after or before)


def _in_reach(refusal: StandingRefusal, about: About) -> bool:
    day = refusal.made_at.astimezone(BANGKOK).date()
    return meet((None if refusal.past else day, None if refusal.future else day), about)


def _is_closer(consented: Consented | None, refusal: StandingRefusal, about: About) -> bool:
    """Whether the consent came later and names strictly more than the refusal, which it names whole."""
    if consented is None or consented.given_at <= refusal.made_at:
        return False
    named = {"receiver"}
    if consented.visit_id is not None and refusal.level is not Level.visit:
        named.add("visit")
    if consented.data_from is not None and consented.data_until is not None:
        whole = refusal.level is not Level.period
        named |= {"time"} if whole or _lies_in(consented, refusal) else set()
    if consented.topics and set(consented.topics) >= set(refusal.topics) & set(about.topics):
        named.add("topic")
    wanted = {
        Level.facility: {"receiver"},
        Level.period: {"time"} | ({"receiver"} if refusal.recipient_id else set()),
        Level.topic: {"topic"} | ({"receiver"} if refusal.recipient_id else set()),
    }.get(refusal.level)
    return wanted is not None and named > wanted


def _lies_in(consented: Consented, refusal: StandingRefusal) -> bool:
    begins = refusal.data_from is None or (consented.data_from is not None and consented.data_from >= refusal.data_from)
    ends = refusal.data_until is None or (
        consented.data_until is not None and consented.data_until <= refusal.data_until
    )
    return begins and ends
