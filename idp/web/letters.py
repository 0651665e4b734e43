"""Requests by post on the officer's desk: whose letter it is, when it came, what is asked; and the answer to print.

Neither page shows a name: the officer types what the letter states, and both must be right.
"""

import hashlib
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent.errors import NotAllowed
from consent.rights.asked import EVIDENCE, POST, Paper
from consent.rights.clocks import Kind
from idp import paper_cases, rights, scans
from idp.abuse import staff as limits
from idp.national_id import NationalIdError, parse_national_id
from idp.web import uploads
from idp.web.dpo import DPO
from idp.web.gate import Elsewhere, Tx, Who, as_response, route
from idp.web.locale import BANGKOK
from idp.web.rights import BY_PAGE, drawn

bp = Blueprint("letters", __name__, url_prefix="/dpo")
LARGEST_BODY = 25_000_000  # read to its end, so that the page can say that a scan is too large; never kept
MB = 1_000_000
FIELDS = ("number", "name", "kind", "received_on", "evidence", "words")
LONGEST_FIELD = 200
BY_LETTER = tuple(one for one in EVIDENCE if one != "card")
NOON = time(12)
WRONG = {"received_at": {"received_on": "format"}, "own_case": {"number": "own"}}  # a refusal, at its field


@bp.before_request
def room_for_a_scan() -> None:
    """A picture is larger than any other form of ours: only who is signed in as staff may send one."""
    uploads.room_for_staff(LARGEST_BODY)


@route(bp, "/letters", tx=Tx.READ, who=Who.STAFF, role=DPO)
def form() -> Response:
    """What a letter says."""
    return page({"received_on": g.now.astimezone(BANGKOK).date().isoformat()})


@route(bp, "/letters", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role=DPO)
def enter() -> Response:
    """Write it down. That somebody was looked for is kept, also when nobody was found."""
    values = {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS}
    errors, received_at, (scanned, fault) = missing(values), day(values["received_on"]), fingerprint()
    errors |= {"scan": fault} if fault else {}
    if errors or received_at is None:
        return page(values, errors={**errors, **({} if received_at else {"received_on": "format"})})
    if not limits.may(g.session, g.ring, g.signed_in.subject_id, "letter", now=g.now):
        return page(values, errors={"form": "limited"})
    person = whose(values)
    if person is None:
        return page(values, errors={"number": "nobody"})
    paper = Paper(POST, min(received_at, g.now), values["evidence"], g.signed_in.subject_id, scanned)
    told = {"subject_id": person, "words": values["words"], "paper": paper, "now": g.now}
    try:
        case = paper_cases.enter(g.session, g.ring, Kind(values["kind"]), **told)
    except NotAllowed as refusal:  # refused before anything was written
        code = str(refusal.code)
        return page(values, errors=WRONG.get(code, {"form": code}))
    return as_response(redirect(f"{request.script_root}/dpo/cases/{case.id}", 303))


@route(bp, "/cases/<uuid:case_id>/letter", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role=DPO)
def letter(case_id: UUID) -> Response:
    """The answer as a page to print; that it was read is an entry."""
    seen = rights.read(g.session, g.ring, case_id, by=g.signed_in.subject_id, now=g.now)
    if seen.case.state == "open":
        raise Elsewhere(f"{request.script_root}/dpo/cases/{case_id}")
    return as_response(render_template("dpo_letter.html", case=drawn(seen)))


@route(bp, "/cases/<uuid:case_id>/letter", tx=Tx.NONE)
def reloaded(case_id: UUID) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/dpo/cases/{case_id}")


def missing(values: dict[str, str]) -> dict[str, str]:
    """What is not filled in, or not as it can be."""
    errors = {name: "required" for name in ("number", "name", "words") if not values[name]}
    if values["kind"] not in {one.value for one in BY_PAGE}:
        errors["kind"] = "choice"
    if values["evidence"] not in BY_LETTER:
        errors["evidence"] = "choice"
    if len(values["words"]) > rights.LONGEST_WORDS or len(values["name"]) > LONGEST_FIELD:
        errors["words"] = "too_long"
    return errors


def day(text: str) -> datetime | None:
    """Noon in Bangkok of the day when it came, or None for no day and for one that lies ahead."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    ahead = found > g.now.astimezone(BANGKOK).date()
    return None if ahead else datetime.combine(found, NOON, BANGKOK)


def whose(values: dict[str, str]) -> UUID | None:
    """The account of number and name, or None."""
    try:
        number = parse_national_id(values["number"])
    except NationalIdError:
        return None
    by = g.signed_in.subject_id
    return paper_cases.find_person(g.session, g.ring, number, values["name"], by=by, now=g.now)


def fingerprint() -> tuple[str | None, str | None]:
    """SHA-256 of the scan that was sent along, which is not kept, or what is wrong with it; two Nones without one."""
    content, fault = uploads.read("scan")
    return (hashlib.sha256(content).hexdigest() if content and not fault else None), fault


def page(values: dict[str, Any], *, errors: dict[str, str] | None = None) -> Response:
    """The form, with what was typed."""
    shown = {"kinds": [one.value for one in BY_PAGE], "evidences": BY_LETTER, "longest": rights.LONGEST_WORDS}
    shown["largest_mb"] = scans.LARGEST // MB
    return as_response(
        render_template("dpo_letters.html", values=values, errors=errors or {}, **shown), 400 if errors else 200
    )
