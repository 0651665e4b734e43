"""The auditor's first screen and search: is the log whole, is today unusual, who did what; every look is an entry.

Nothing about anybody is read before a reason is given (flow 3). Counts and proofs name nobody and need none.
"""

from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, g, render_template, request

from consent.audit import search as searching
from consent.audit.events import FAMILIES
from consent.audit.volume import Day, against_usual
from consent.errors import NotAllowed, NotFound
from idp.web import evidence
from idp.web.evidence import FIELDS, LONGEST, NAMES
from idp.web.gate import Tx, Who, as_response, route
from idp.web.locale import BANGKOK
from idp.web.shapes import uuid_or_none

bp = Blueprint("auditor", __name__, url_prefix="/audit")
PAGE = 100
DAYS = 14
CHART_WIDTH, CHART_HEIGHT = 560, 140


@route(bp, "", tx=Tx.READ, who=Who.STAFF, role="auditor")
def ask() -> Response:
    """Whether the log is whole, today's volume, and the form: no entry is read before a reason is given."""
    return page(blank())


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role="auditor")
def search() -> Response:
    """The entries that match, and one more entry: that they were looked at."""
    values = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("reason", *FIELDS)}
    filters, errors = evidence.filters_of(values)
    if not values["reason"]:
        errors["reason"] = "required"
    if errors:
        return page(values, errors=errors, status=400)
    try:
        found = searching.search(
            g.session,
            filters,
            auditor_id=g.signed_in.subject_id,
            reason=values["reason"],
            about=evidence.person_of(filters),
            limit=PAGE,
            upto=evidence.whole_number(request.form.get("upto", "")),
            before=uuid_or_none(request.form.get("before")),
            now=g.now,
        )
    except NotFound:
        return page(values, errors={"consent_id": "unknown"}, status=400)
    except NotAllowed as refusal:  # refused before anything was written
        return page(values, errors={field_of(refusal, values): "refused"}, status=400)
    return page(values, found=found)


def blank() -> dict[str, str]:
    """The form before anything is typed."""
    return dict.fromkeys(("reason", *FIELDS), "")


def field_of(refusal: NotAllowed, values: dict[str, str]) -> str:
    """The field that a refusal is about: the log knows a filter `reason` and the reader's reason by one name."""
    if refusal.code == "reason":
        try:
            searching.check_reason(values["reason"])
        except NotAllowed:
            return "reason"
    return NAMES.get(refusal.code, refusal.code)


def page(
    values: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    found: searching.Page | None = None,
    status: int = 200,
) -> Response:
    """Results first when there are any; then the form, the state of the log and the volume."""
    standing = evidence.standing()
    shown: dict[str, Any] = {
        "badge": evidence.badge(standing),
        "values": values,
        "errors": errors or {},
        "choices": evidence.choices(),
        "more": any(values[name] for name in FIELDS[2:8]),
        "found": None,
    }
    if found is not None:
        shown["found"] = {
            "entries": evidence.marked(found.rows, standing),
            "upto": found.upto,
            "before": str(found.before) if found.before else None,
            "read": found.read,
            "back_to": found.back_to,
        }
    else:
        shown["volume"] = volume()
    return as_response(render_template("audit.html", **shown), status)


def volume() -> dict[str, Any]:
    """Fourteen days as a drawing and as a table, and today beside the usual."""
    today = datetime.combine(g.now.astimezone(BANGKOK).date(), time(), BANGKOK)
    midnights = [today + timedelta(days=n) for n in range(1 - DAYS, 2)]
    days = evidence.office().counted.days(g.session, midnights, now=g.now)
    told = against_usual(days)
    return {
        "days": days,
        "families": [name for name in FAMILIES if any(day.counts[name] for day in days)],
        "told": told,
        "all": told[""],
        "bars": bars(days, told[""].usual),
        "width": CHART_WIDTH,
        "height": CHART_HEIGHT,
        "full": any(day.full for day in days),
    }


def bars(days: list[Day], usual: int) -> dict[str, Any]:
    """Where the bars and the line of the usual stand, in whole units of the drawing."""
    most = max(1, usual, *(day.total for day in days))
    step = CHART_WIDTH // len(days)

    def tall(count: int) -> int:
        return round(count * (CHART_HEIGHT - 4) / most)

    return {
        "days": [
            {"x": at * step + 3, "width": step - 6, "y": CHART_HEIGHT - tall(day.total), "height": tall(day.total)}
            for at, day in enumerate(days)
        ],
        "usual": CHART_HEIGHT - tall(usual),
    }
