"""The auditor's list: role, reason, then entries; every look is itself an entry (flow 3)."""

from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from consent.audit import log
from consent.audit.entry import Entry
from consent.audit.events import EVENTS
from consent.errors import NotAllowed
from idp.web import shapes
from idp.web.gate import Tx, Who, as_response, route
from idp.web.locale import BANGKOK
from idp.web.shapes import uuid_or_none

bp = Blueprint("auditor", __name__, url_prefix="/audit")
FIELDS = ("reason", "event", "client_id", "since", "until")
PAGE = 100
A_DAY = timedelta(days=1)
LONGEST = 300
YEARS = range(2000, 3000)  # the ends of the calendar have no day before or after


@route(bp, "", tx=Tx.READ, who=Who.STAFF, role="auditor")
def ask() -> Response:
    """The form: nothing is read before a reason is given."""
    return page(dict.fromkeys(FIELDS, ""))


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role="auditor")
def search() -> Response:
    """The entries that match, and one more entry: that they were looked at."""
    values = {name: request.form.get(name, "").strip()[:LONGEST] for name in FIELDS}
    errors = faults(values)
    if errors:
        return page(values, errors=errors, status=400)
    found = look(values, before=uuid_or_none(request.form.get("before")))
    if found is None:
        return page(values, errors={"reason": "required"}, status=400)
    return page(values, found=found)


def faults(values: dict[str, str]) -> dict[str, str]:
    """What is wrong with the form, by field."""
    errors = {} if values["reason"] else {"reason": "required"}
    if values["event"] and values["event"] not in EVENTS:
        errors["event"] = "unknown"
    for name in ("since", "until"):
        if values[name] and day(values[name]) is None:
            errors[name] = "format"
    return errors


def look(values: dict[str, str], *, before: UUID | None) -> list[Entry] | None:
    """Read, and be read; None when the log does not take the reason."""
    until = day(values["until"])
    try:
        return log.search(
            g.session,
            auditor_id=g.signed_in.subject_id,
            reason=values["reason"],
            event=values["event"] or None,
            client_id=values["client_id"] or None,
            since=day(values["since"]),
            until=until + A_DAY if until else None,
            limit=PAGE,
            before=before,
            now=g.now,
        )
    except (NotAllowed, ValueError):  # refused before anything was written
        return None


def day(text: str) -> datetime | None:
    """Midnight in Bangkok of a date input, or None."""
    try:
        read = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=BANGKOK)
    except ValueError:
        return None
    return read if read.year in YEARS else None


def page(
    values: dict[str, str], *, errors: dict[str, str] | None = None, found: list[Entry] | None = None, status: int = 200
) -> Response:
    """The form, and below it what was found."""
    entries = None if found is None else [{**shapes.entry(e), **who(e)} for e in found]
    older = str(found[-1].id) if found is not None and len(found) == PAGE else None
    events = [{"event": event.name, "title": event.title(g.locale)} for event in EVENTS.values()]
    shown = {"events": events, "values": values, "errors": errors or {}, "entries": entries, "older": older}
    return as_response(render_template("audit.html", **shown), status)


def who(entry: Entry) -> dict[str, str]:
    """Pseudonyms and the client's id: an auditor sees nobody's name."""
    return {
        "subject": entry.subject,
        "actor": f"{entry.actor_kind} {entry.actor}".strip(),
        "client_id": entry.client_id,
    }
