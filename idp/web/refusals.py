"""My refusals in general: not this person, unit, place, visit, time or topic, whatever I agree to elsewhere.

Refusing asks for no level, because a no must be easy. Lifting opens data again, so it asks for the level for names.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes
from consent.errors import NotAllowed
from consent.refusing import No
from consent.specificity import Level
from idp import directory, standing_refusals
from idp.standing_refusals import UNITS, Line, Seen
from idp.web import shapes
from idp.web.citizen import STRONG_AAL, show_names, sight
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("refusals", __name__, url_prefix="/me/refusals")
HOME = "/me/refusals"
REACHES = {"all": (True, True), "past": (True, False), "future": (False, True)}
TOPIC = "sensitive_"
ERA, FIRST_BE = 543, 2400
NEEDS_NAMES = frozenset({Level.person, Level.visit})  # their choices come from the person's own history


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def home() -> Response:
    """What I refuse in general, what each refusal beats, and how often it stopped somebody."""
    seen = sight()
    lines = standing_refusals.of_person(g.session, g.ring, g.signed_in.subject_id, now=g.now)
    page = render_template(
        "me_refusals.html",
        lines=[drawn(line, strong=seen.strong) for line in lines if line.view.lifted_at is None],
        lifted=[drawn(line, strong=seen.strong) for line in lines if line.view.lifted_at is not None],
        strong=seen.strong,
        step_up_url=seen.step_up_url,
        done=request.args.get("done", ""),
    )
    return as_response(page)


@route(bp, "/new/<level>", tx=Tx.READ, who=Who.CITIZEN)
def ask(level: str) -> Response:
    """The form of one kind of refusal."""
    return form(known(level), request.args, errors={})


@route(bp, "/new/<level>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def refuse(level: str) -> Response:
    """It holds from the next question on. Sent twice, it is written twice and says the same."""
    what, sent = known(level), request.form
    no, errors = read(what, sent)
    if no is not None and not errors:
        person = g.signed_in.subject_id
        told = {"subject_id": person, "actor_id": person, "aal": g.signed_in.aal.acr, "now": g.now}
        try:
            standing_refusals.make(g.session, g.ring, no, **told)
        except NotAllowed as refusal:
            errors = {field_of(what): refusal.code}
    if errors:
        return form(what, sent, errors=errors)
    return as_response(redirect(f"{request.script_root}{HOME}?done=made", 303))


@route(bp, "/<uuid:refusal_id>/lift", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def lift(refusal_id: UUID) -> Response:
    """What I agreed to counts again. A double tap lifts once."""
    show_names()
    person = g.signed_in.subject_id
    standing_refusals.lift(g.session, refusal_id, subject_id=person, actor_id=person, now=g.now)
    return as_response(redirect(f"{request.script_root}{HOME}?done=lifted", 303))


def known(level: str) -> Level:
    """One of the six, or the 404 of any other address."""
    if level not in list(Level):
        raise Refused("not_found", 404)
    return Level(level)


def form(what: Level, sent: Mapping[str, str], *, errors: Mapping[str, str]) -> Response:
    """The form with what was typed, and with what can be chosen."""
    if what in NEEDS_NAMES:
        show_names()
    words = sent.get("q", "").strip()[:80]
    found = standing_refusals.places_named(g.session, words)
    person = g.signed_in.subject_id
    stays = standing_refusals.stays_of(g.session, person) if what is Level.visit else []
    page = render_template(
        "me_refusal_new.html",
        level=what.value,
        q=words,
        places=[{"hcode": one.hcode, "name": one.name_en if g.locale == "en" else one.name_th} for one in found],
        searched=bool(words),
        stays=[{"id": str(one.id), "at": one.opened_at, "place": place_name(one.hcode)} for one in stays],
        units=UNITS,
        topics=topics(),
        seen=shown(seen_in(sent)) if what is Level.person else None,
        entry=sent.get("entry", ""),
        values={name: sent.get(name, "") for name in ("place", "unit", "visit", "from_day", "until_day", "reach")},
        ticked=request.form.getlist("topic"),
        errors=dict(errors),
    )
    return as_response(page, 422 if errors else None)


def read(what: Level, sent: Mapping[str, str]) -> tuple[No | None, dict[str, str]]:
    """The refusal that a form says, or what is missing, by field."""
    past, future = REACHES.get(sent.get("reach", "all"), REACHES["all"])
    facts: dict[str, Any] = {"past": past, "future": future}
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
        seen = seen_in(sent)
        errors |= {} if seen else {"entry": "required"}
        facts |= of_seen(seen) if seen else {}
    if what is Level.visit:
        mine = {str(one.id): one for one in standing_refusals.stays_of(g.session, g.signed_in.subject_id)}
        stay = mine.get(sent.get("visit", ""))
        errors |= {} if stay else {"visit": "required"}
        facts |= {"visit_id": stay.id, "hcode": stay.hcode, "words": stay.opened_at.isoformat()} if stay else {}
    if what is Level.period:
        facts |= span(sent, errors)
    if what is Level.topic:
        facts["topics"] = tuple(one["code"] for one in topics() if one["code"] in request.form.getlist("topic"))
        errors |= {} if facts["topics"] else {"topic": "required"}
    return (None if errors else No(what, **facts)), errors


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


def seen_in(sent: Mapping[str, str]) -> Seen | None:
    """Who did what the line of the log tells that the form came from."""
    return standing_refusals.seen_in(g.session, uuid_or_none(sent.get("entry")), g.signed_in.subject_id)


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
    """One refusal for the page; places are named at the level for names."""
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
        "reach": next(name for name, reach in REACHES.items() if reach == (no.past, no.future)),
        "made_at": no.made_at,
        "lifted_at": line.view.lifted_at,
        "beats": [shapes.consent_item(view, strong=strong) for view in line.beats],
        "stopped": line.stopped,
        "last_stopped_at": line.last_stopped_at,
    }
