"""The start page, in the sandbox a tour of seven steps; and the messages that no phone gets."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, render_template

from consent.audit import log
from idp.contact import fake
from idp.web import gate
from idp.web.gate import Refused, Tx, as_response, route

bp = Blueprint("sandbox", __name__)
NEWEST = 50
CODE = re.compile(r"(?<!\d)\d{6}(?:\d{2})?(?!\d)")
SEEN_BY = {  # step of the tour -> the events that show that somebody took it
    "decide": ("consent.given", "consent.refused"),
    "fetch": ("introspect",),
    "withdraw": ("consent.withdrawn",),
    "counter": ("visit.opened",),
    "audit": ("audit.searched", "audit.exported"),
}


@route(bp, "/", tx=Tx.READ)
def home() -> Response:
    """Where to begin; the sandbox names its people and services, and ticks off what was done."""
    settings, tour = gate.house().settings, gate.house().tour
    if not settings.sandbox:
        return as_response(render_template("home.html"))
    people = [
        {"name": worded(one, "name"), "national_id": one["national_id"], "note": worded(one, "note")}
        for one in tour.people
    ]
    services = {
        one.get("id") or str(number): {"name": worded(one, "name"), "url": one["url"], "text": worded(one, "text")}
        for number, one in enumerate(tour.services)
    }
    happened = log.happened(g.session, [event for events in SEEN_BY.values() for event in events])
    shown: dict[str, Any] = {
        "people": people,
        "services": services,
        "staff": {one["role"]: one for one in tour.staff},
        "fixed_code": settings.sandbox_fixed_code,
        "seen": {step for step, events in SEEN_BY.items() if happened.intersection(events)},
        "told": bool(log.happened(g.session, ("letter.delivered",))),
    }
    return as_response(render_template("home.html", **shown))


def worded(one: Mapping[str, str | None], name: str) -> str | None:
    """A text of the tour in the page's language: `<name>_en` stands beside the Thai one."""
    return (one.get(f"{name}_en") if g.locale == "en" else None) or one.get(name)


@route(bp, "/sandbox/inbox", tx=Tx.READ)
def inbox() -> Response:
    """What the sandbox's phones received. In production there is no such page."""
    only_in_the_sandbox()
    return as_response(render_template("inbox.html", messages=fake.inbox(g.session, limit=NEWEST)))


@route(bp, "/sandbox/code", tx=Tx.READ)
def newest_code() -> Response:
    """The newest one-time code, large: one click from the tour."""
    only_in_the_sandbox()
    texts = (one for one in fake.inbox(g.session, limit=NEWEST) if one.kind == "sms")
    newest, code = next(((one, found[0]) for one in texts if (found := CODE.search(one.text))), (None, None))
    return as_response(render_template("last_code.html", message=newest, code=code))


def only_in_the_sandbox() -> None:
    """Elsewhere there is no such page."""
    if not gate.house().settings.sandbox:
        raise Refused("not_found", 404)
