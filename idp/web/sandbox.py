"""The start page, and in the sandbox the messages that no phone gets."""

from collections.abc import Mapping

from flask import Blueprint, Response, g, render_template

from idp.contact import fake
from idp.web import gate
from idp.web.gate import Refused, Tx, as_response, route

bp = Blueprint("sandbox", __name__)
NEWEST = 50


@route(bp, "/", tx=Tx.READ)
def home() -> Response:
    """Where to begin; the sandbox names its people and services."""
    settings, tour = gate.house().settings, gate.house().tour
    if not settings.sandbox:
        return as_response(render_template("home.html", people=(), services=(), fixed_code=None))
    people = [
        {"name": one["name"], "national_id": one["national_id"], "note": worded(one, "note")} for one in tour.people
    ]
    services = [{"name": worded(one, "name"), "url": one["url"], "text": worded(one, "text")} for one in tour.services]
    shown = {"people": people, "services": services, "fixed_code": settings.sandbox_fixed_code}
    return as_response(render_template("home.html", **shown))


def worded(one: Mapping[str, str | None], name: str) -> str | None:
    """A text of the tour in the page's language: `<name>_en` stands beside the Thai one."""
    return (one.get(f"{name}_en") if g.locale == "en" else None) or one.get(name)


@route(bp, "/sandbox/inbox", tx=Tx.READ)
def inbox() -> Response:
    """What the sandbox's phones received. In production there is no such page."""
    if not gate.house().settings.sandbox:
        raise Refused("not_found", 404)
    return as_response(render_template("inbox.html", messages=fake.inbox(g.session, limit=NEWEST)))
