"""My rights: a copy at once, a request with a clock, an answer with its reason, and the papers for a complaint.

Whoever is signed in may ask. What leaves as a file, and an erasure, needs two factors used just now (ASVS 7.5.3).
"""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import records
from consent.audit import log
from consent.errors import NotAllowed
from consent.rights import cases
from consent.rights.asked import NOTHING, About
from consent.rights.clocks import LIMITS, Kind
from consent.rights.models import RightsCase
from idp import complaint_pack, copying, erasure, restrictions, rights, subjects, taking_along
from idp.assurance import Ial
from idp.restrictions import Pause
from idp.web import freshness, gate, shapes
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("rights", __name__, url_prefix="/me/rights")
HOME = "/me/rights"
BY_PAGE = tuple(kind for kind in Kind if kind is not Kind.emergency)  # that one we open ourselves
NEEDS_WORDS = frozenset(
    {Kind.objection, Kind.rectification, Kind.complaint, Kind.not_right, Kind.restriction, Kind.portability}
)
A_SECOND = timedelta(seconds=1)
JSON, ZIP = "application/json", "application/zip"


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def home() -> Response:
    """What anybody may ask for, and what this person asked for."""
    who = g.signed_in.subject_id
    mine = rights.seen(cases.of_subject(g.session, who), now=g.now)
    pauses = paused(restrictions.of_person(g.session, who, now=g.now))
    return as_response(render_template("rights.html", cases=[drawn(one) for one in mine], pauses=pauses))


@route(bp, "/copy", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def copy() -> Response:
    """Everything that we hold about this person, now (s.30)."""
    sure(HOME)
    document = copying.make(g.session, g.ring, g.signed_in.subject_id, now=g.now)
    return download(as_json(document), JSON, "my-data.json")


@route(bp, "/portable", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def portable() -> Response:
    """What another service can take over (s.31)."""
    sure(HOME)
    document = taking_along.make(g.session, g.ring, g.signed_in.subject_id, now=g.now)
    return download(as_json(document), JSON, "my-data-portable.json")


@route(bp, "/new", tx=Tx.READ, who=Who.CITIZEN)
def about_a_line() -> Response:
    """From a line of the access page: "this was not right"."""
    entry = uuid_or_none(request.args.get("entry"))
    return as_response(
        redirect(f"{request.script_root}{HOME}/new/not_right" + (f"?entry={entry}" if entry else ""), 303)
    )


@route(bp, "/new/<kind>", tx=Tx.READ, who=Who.CITIZEN)
def ask(kind: str) -> Response:
    """The form of one kind of request; an erasure says first what goes, what stays, and what stands against it."""
    return page(known(kind), about(request.args), words="")


@route(bp, "/new/<kind>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def send(kind: str) -> Response:
    """The request is made, and its clock runs."""
    what, whereof = known(kind), about(request.form)
    words = request.form.get("words", "").replace("\r\n", "\n").strip()
    if what in NEEDS_WORDS and not words:
        return page(what, whereof, words=words, errors={"words": "required"})
    if what is Kind.erasure and request.form.get("sure") != "yes":
        return page(what, whereof, words=words, errors={"sure": "required"})
    if what in rights.STRONG:
        freshness.strong(back=f"{HOME}/new/{what.value}")
    asked = {"subject_id": g.signed_in.subject_id, "words": words, "about": whereof}
    try:
        case = rights.ask(g.session, g.ring, what, now=g.now, **asked)
    except NotAllowed as refusal:
        field = "words" if refusal.code == "too_long" else "form"
        return page(what, whereof, words=words, errors={field: refusal.code})
    return as_response(redirect(f"{request.script_root}{HOME}/{case.id}", 303))


@route(bp, "/<uuid:case_id>", tx=Tx.READ, who=Who.CITIZEN)
def case(case_id: UUID) -> Response:
    """One request: until when, what was written, what was answered and why."""
    own = rights.own(g.session, g.ring, case_id, subject_id=g.signed_in.subject_id, now=g.now)
    holds = held(own.case) if own.case.kind == Kind.erasure.value and own.case.state == "open" else []
    pauses = paused(restrictions.of_case(g.session, case_id, now=g.now))
    return as_response(render_template("rights_case.html", case=drawn(own), holds=holds, pauses=pauses))


@route(bp, "/pauses/<uuid:pause_id>/end", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def end_pause(pause_id: UUID) -> Response:
    """The person lets their data be used again, at once. A double tap ends it once."""
    restrictions.end(g.session, pause_id, subject_id=g.signed_in.subject_id, now=g.now)
    return as_response(redirect(f"{request.script_root}{HOME}", 303))


@route(bp, "/<uuid:case_id>/take-back", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def take_back(case_id: UUID) -> Response:
    """The person needs no answer any more. A double tap takes it back once."""
    own = cases.own(g.session, case_id, subject_id=g.signed_in.subject_id)
    if own.state == "open":
        cases.take_back(g.session, case_id, subject_id=g.signed_in.subject_id, now=g.now)
    return as_response(redirect(f"{request.script_root}{HOME}/{case_id}", 303))


@route(bp, "/<uuid:case_id>/papers", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def papers(case_id: UUID) -> Response:
    """The complaint filled in, and what proves it (s.73)."""
    sure(f"{HOME}/{case_id}")
    settings, who = gate.house().settings, g.signed_in.subject_id
    content = complaint_pack.make(g.session, g.ring, settings, case_id, subject_id=who, now=g.now)
    return download(content, ZIP, f"complaint-{rights.number(case_id)}.zip")


def sure(back: str) -> None:
    """Two factors, just now, of somebody who is proved: otherwise the way there, and back to `back`."""
    freshness.strong(back=back)
    if subjects.level_now(g.session, g.signed_in.subject_id, now=g.now) < Ial.IAL1_3:
        raise gate.Elsewhere(f"{request.script_root}/sign-in?next={back}&aal=2.1&ial={Ial.IAL1_3.value}")


def known(kind: str) -> Kind:
    """The kind that an address names, or 404."""
    if kind not in {one.value for one in BY_PAGE}:
        raise Refused("not_found", 404)
    return Kind(kind)


def about(values: Any) -> About:
    """What the request is about: a line of this person's log, or a consent of theirs. Anything else is a 404."""
    entry, record = uuid_or_none(values.get("entry")), uuid_or_none(values.get("record"))
    who = g.signed_in.subject_id
    if entry is not None and log.about(g.session, entry, subject_id=who) is None:
        raise Refused("not_found", 404)
    if record is not None:
        records.get(g.session, record, subject_id=who)
    return About(entry=entry, record=record) if entry or record else NOTHING


def page(kind: Kind, whereof: About, *, words: str, errors: dict[str, str] | None = None) -> Response:
    """The form, with what was typed and what is wrong."""
    if kind is Kind.erasure:
        freshness.strong(back=f"{HOME}/new/{kind.value}")
    shown = {
        "kind": kind.value,
        "days": LIMITS[kind].days,
        "words": words,
        "longest": rights.LONGEST_WORDS,
        "needed": kind in NEEDS_WORDS,
        "entry": line(whereof.entry),
        "record": str(whereof.record) if whereof.record else None,
        "holds": erasure.holds(g.session, g.signed_in.subject_id, now=g.now) if kind is Kind.erasure else [],
        "rest_days": erasure.REST.days,
        "errors": errors or {},
    }
    return as_response(render_template("rights_ask.html", **shown), 400 if errors else 200)


def line(entry_id: UUID | None) -> dict[str, Any] | None:
    """The line of the log that a request is about, as the access page shows it."""
    found = None if entry_id is None else log.about(g.session, entry_id, subject_id=g.signed_in.subject_id)
    return None if found is None else shapes.entry(found)


def held(of: RightsCase) -> list[str]:
    """What keeps the data of an erasure for now."""
    return erasure.holds(g.session, of.subject_id, now=g.now, but=of.id)


def drawn(seen: rights.Seen) -> dict[str, Any]:
    """A case for a template; its line of the log only on the person's own page."""
    of = seen.case
    return {
        "id": str(of.id),
        "number": seen.number,
        "kind": of.kind,
        "state": of.state,
        "clock": seen.clock.value,
        "days_left": seen.days_left,
        "opened_at": of.opened_at,
        "due_at": last_day(of.due_at),
        "extended_at": of.extended_at,
        "extension_reason": of.extension_reason,
        "closed_at": of.closed_at,
        "refusal": of.refusal,
        "hold": of.hold,
        "words": seen.words,
        "answer": seen.answer,
        "record": str(of.about_record) if of.about_record else None,
        "entry": str(of.about_entry) if of.about_entry else None,
        "emergency": str(of.about_emergency) if of.about_emergency else None,
        "by_other": of.actor_id is not None,
        "channel": of.channel,
        "entered_at": of.entered_at,
        "evidence": of.evidence,
        "letter_sha256": of.letter_sha256,
        "sent_by": of.sent_by,
        "sent_at": of.sent_at,
    }


def paused(found: list[Pause]) -> list[dict[str, Any]]:
    """Pauses for a template, in the page's language."""
    return [
        {
            "id": str(one.id),
            "title": pause_title(one.purpose or restrictions.WHOLE),
            "recipient": None if one.recipient_id is None else shapes.recipient_name(one.recipient_id),
            "begun_at": one.begun_at,
            "until": one.until,
            "runs": one.runs,
        }
        for one in found
    ]


def pause_title(what: str) -> str:
    """What a pause covers; the template has words for what is no purpose."""
    return "" if what in (restrictions.WHOLE, restrictions.ITS_CONSENT) else shapes.purpose_name(what)


def last_day(due_at: datetime) -> datetime:
    """A due moment is the midnight after the last day: pages name the day."""
    return due_at - A_SECOND


def as_json(document: dict[str, Any]) -> bytes:
    """The document as people and programs read it."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def download(content: bytes, mimetype: str, name: str) -> Response:
    """A file to keep; never cached."""
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
