"""The form of a refusal in general, and its line on a list: the person's own, or that of somebody they act for.

Whose it is, is always said (`subject_id`): places are everybody's, visits and lines of the log are this person's.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from flask import g
from werkzeug.datastructures import MultiDict

from consent import purposes, refusing
from consent.refusing import No
from consent.specificity import Level
from idp import directory, standing_refusals
from idp.standing_refusals import UNITS, Line, Seen
from idp.web import shapes
from idp.web.shapes import uuid_or_none

Sent = MultiDict[str, str]
REACHES = {"all": (True, True), "past": (True, False), "future": (False, True)}
TOPIC = "sensitive_"
ERA, FIRST_BE = 543, 2400
NEEDS_NAMES = frozenset({Level.person, Level.visit})  # their choices come from the person's own history
TYPED = ("place", "unit", "visit", "from_day", "until_day", "reach")


def chosen(what: Level, sent: Sent, *, subject_id: UUID, errors: Mapping[str, str]) -> dict[str, Any]:
    """What the form's template needs: what was typed, and what can be chosen."""
    words = sent.get("q", "").strip()[:80]
    found = standing_refusals.places_named(g.session, words)
    stays = standing_refusals.stays_of(g.session, subject_id) if what is Level.visit else []
    return {
        "level": what.value,
        "q": words,
        "places": [{"hcode": one.hcode, "name": one.name_en if g.locale == "en" else one.name_th} for one in found],
        "searched": bool(words),
        "stays": [{"id": str(one.id), "at": one.opened_at, "place": place_name(one.hcode)} for one in stays],
        "units": UNITS,
        "topics": topics(),
        "only": [{"code": row.code, "name": row.name.in_(g.locale)} for row in narrower(what)],
        "seen": shown(seen_in(sent, subject_id)) if what is Level.person else None,
        "entry": sent.get("entry", ""),
        "values": {name: sent.get(name, "") for name in TYPED},
        "ticked": sent.getlist("topic"),
        "ticked_purposes": sent.getlist("purpose"),
        "errors": dict(errors),
    }


def read(what: Level, sent: Sent, *, subject_id: UUID) -> tuple[No | None, dict[str, str]]:
    """The refusal that a form says, or what is missing, by field."""
    past, future = REACHES.get(sent.get("reach", "all"), REACHES["all"])
    ticked = sent.getlist("purpose")
    only = tuple(row.code for row in narrower(what) if row.code in ticked)
    facts: dict[str, Any] = {"past": past, "future": future, "purposes": only}
    errors: dict[str, str] = {}
    if what in (Level.facility, Level.unit):
        place = standing_refusals.place(g.session, sent.get("place", ""))
        errors |= {} if place else {"place": "required"}
        facts |= {"recipient_id": place.recipient_id, "hcode": place.hcode} if place else {}
    if what is Level.unit:
        unit = sent.get("unit", "")
        errors |= {} if unit in UNITS else {"unit": "required"}
        facts |= {"unit": unit, "words": unit}
    if what is Level.person:
        seen = seen_in(sent, subject_id)
        errors |= {} if seen else {"entry": "required"}
        facts |= of_seen(seen) if seen else {}
    if what is Level.visit:
        theirs = {str(one.id): one for one in standing_refusals.stays_of(g.session, subject_id)}
        stay = theirs.get(sent.get("visit", ""))
        errors |= {} if stay else {"visit": "required"}
        facts |= {"visit_id": stay.id, "hcode": stay.hcode, "words": stay.opened_at.isoformat()} if stay else {}
    if what is Level.period:
        facts |= span(sent, errors)
    if what is Level.topic:
        facts["topics"] = tuple(one["code"] for one in topics() if one["code"] in sent.getlist("topic"))
        errors |= {} if facts["topics"] else {"topic": "required"}
    return (None if errors else No(what, **facts)), errors


def narrower(what: Level) -> tuple[purposes.Purpose, ...]:
    """The purposes among which a refusal may be narrowed; none where there is but one."""
    rows = refusing.refusable(what)
    return rows if len(rows) > 1 else ()


def span(sent: Mapping[str, str], errors: dict[str, str]) -> dict[str, date | None]:
    """The two days of a time; one may be missing."""
    days = {name: read_day(sent.get(name, "")) for name in ("from_day", "until_day")}
    for name, day in days.items():
        if sent.get(name, "").strip() and day is None:
            errors[name] = "format"
    if not errors and not any(days.values()):
        errors["from_day"] = "required"
    return {"data_from": days["from_day"], "data_until": days["until_day"]}


def read_day(text: str) -> date | None:
    """PURE: day/month/year of the Buddhist or the common era, as people write it; None for anything else."""
    parts = text.strip().replace("-", "/").split("/")
    if len(parts) != len(("day", "month", "year")) or not all(part.strip().isdecimal() for part in parts):
        return None
    day, month, year = (int(part) for part in parts)
    try:
        return date(year - ERA if year >= FIRST_BE else year, month, day)
    except ValueError:
        return None


def seen_in(sent: Mapping[str, str], subject_id: UUID) -> Seen | None:
    """Who did what the line of the log tells that the form came from."""
    return standing_refusals.seen_in(g.session, uuid_or_none(sent.get("entry")), subject_id)


def of_seen(seen: Seen) -> dict[str, Any]:
    """A refusal of that person: wherever they work, and by whoever at that place does not say who looks."""
    return {
        "person": seen.person,
        "recipient_id": seen.recipient_id,
        "hcode": seen.hcode,
        "words": seen.at.isoformat(),
    }


def shown(seen: Seen | None) -> dict[str, Any] | None:
    """The line as the form recalls it: when and where, not who."""
    return None if seen is None else {"at": seen.at, "place": place_name(seen.hcode), "unit": seen.unit}


def field_of(what: Level) -> str:
    """The field that a refusal of the whole form is shown at."""
    return {Level.period: "from_day", Level.topic: "topic", Level.person: "entry"}.get(what, "place")


def topics() -> list[dict[str, str]]:
    """The sensitive topics with their names (catalogue rule 10)."""
    row = purposes.get("EHR-SENS")
    codes = [code for code in row.data_categories if code.startswith(TOPIC)]
    return [{"code": code.removeprefix(TOPIC), "name": purposes.category(code).name.in_(g.locale)} for code in codes]


def place_name(hcode: str) -> str | None:
    """A facility's name in the page's language."""
    return directory.facility_name(g.session, hcode, locale=g.locale) if hcode else None


def moment(words: str) -> datetime | None:
    """The moment that names a visit or a line of the log, or None for other words."""
    try:
        return datetime.fromisoformat(words)
    except ValueError:
        return None


def noon(day: date | None) -> datetime | None:
    """A day as the pages write one."""
    return None if day is None else datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


def drawn(line: Line, *, strong: bool) -> dict[str, Any]:
    """One refusal for a page; places are named at the level for names. `actor_id`, `lifted_by`: who acted."""
    no = line.view.refusal
    named = {one["code"]: one["name"] for one in topics()}
    place = place_name(no.hcode) or (shapes.recipient_name(no.recipient_id) if no.recipient_id else None)
    return {
        "id": str(no.id),
        "level": no.level.value,
        "place": place if strong else None,
        "words": line.view.words,
        "at": moment(line.view.words),
        "from_day": noon(no.data_from),
        "until_day": noon(no.data_until),
        "topics": [named[code] for code in no.topics if code in named],
        "only": [purposes.get(code).name.in_(g.locale) for code in no.purposes],
        "reach": next(name for name, reach in REACHES.items() if reach == (no.past, no.future)),
        "made_at": no.made_at,
        "lifted_at": line.view.lifted_at,
        "actor_id": line.view.actor_id,
        "lifted_by": line.view.lifted_by,
        "beats": [shapes.consent_item(view, strong=strong) for view in line.beats],
        "stopped": line.stopped,
        "last_stopped_at": line.last_stopped_at,
    }
