"""The person's own list of who did what: which data, by whom, why, on which basis; and which holders stay silent.

One look needs a sign-in that may see names (catalogue rule 4). What lies close together and says the same is one line.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from consent import purposes, reach
from consent.audit import log
from consent.audit.entry import Entry
from consent.audit.log import Actor
from consent.errors import NotFound
from idp import reports
from idp.fhir import audit_event
from idp.web import freshness, shapes
from idp.web.audit_line import download
from idp.web.citizen import STRONG_AAL, show_names
from idp.web.gate import Tx, Who, as_response, house, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("access", __name__, url_prefix="/me/access")
LINES, READ, MOST_READ = 50, 200, 1000
CLOSE = timedelta(hours=1)
REPORTED = ("data.opened", "data.refused")
OPENED = frozenset({"introspect", "userinfo.read", "data.opened", "breakglass.used"})
SHOWS = ("all", "opened", "refused")


@dataclass(frozen=True)
class Wanted:
    """What of the list is asked for. `recipient`: one organisation; `records`: only what rests on these consents."""

    show: str = "all"
    recipient: UUID | None = None
    records: frozenset[UUID] | None = None

    def fits(self, entry: Entry) -> bool:
        """Whether an entry belongs to it."""
        right = {"opened": entry.event in OPENED, "refused": entry.outcome != "ok"}.get(self.show, True)
        rests = self.records is None or entry.consent_id in self.records
        return right and rests and (self.recipient is None or entry.recipient_id == self.recipient)


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def access() -> Response:
    """Who did what, newest first."""
    show_names()
    person = g.signed_in.subject_id
    return as_response(render_template("me_access.html", **listed(person), coverage=coverage(person)))


@route(bp, "/file", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def file() -> Response:
    """The person's newest entries to keep, a thousand at most, as FHIR AuditEvents in lines. Appends export.made."""
    show_names()
    freshness.strong(back="/me/access")
    person, issuer = g.signed_in.subject_id, house().settings.issuer
    found = log.of_subject(g.session, person, limit=log.MAX_PAGE)
    lines = [json.dumps(audit_event.render(one, issuer=issuer, own=True), ensure_ascii=False) for one in found]
    codes = ["format:fhir", f"entries:{len(lines)}"]
    log.append(g.session, "export.made", now=g.now, actor=Actor.citizen(person), subject_id=person, codes=codes)
    return download("".join(f"{one}\n" for one in lines), "who-did-what.ndjson", "application/fhir+ndjson")


def listed(subject_id: UUID, *, records: frozenset[UUID] | None = None) -> dict[str, Any]:
    """What a page of somebody's list shows, as its address asks; `records`: only what rests on these consents."""
    show = request.args.get("show", "all")
    wanted = Wanted(show if show in SHOWS else "all", uuid_or_none(request.args.get("who")), records)
    found, older = entries(subject_id, wanted, before=uuid_or_none(request.args.get("before")))
    return {
        "entries": grouped([line(one) for one in merged(found)]),
        "older": older,
        "show": wanted.show,
        "who": str(wanted.recipient or ""),
        "organisations": organisations(subject_id, Wanted(records=records)),
    }


def entries(subject_id: UUID, wanted: Wanted, *, before: UUID | None) -> tuple[list[Entry], str | None]:
    """A page of the entries that are wanted, and where the next one begins; it looks back so far and no further."""
    found: list[Entry] = []
    for _ in range(MOST_READ // READ):
        read = log.of_subject(g.session, subject_id, limit=READ, before=before)
        for one in read:
            before = one.id
            if wanted.fits(one):
                found.append(one)
                if len(found) == LINES:
                    return found, str(before)
        if len(read) < READ:
            return found, None
    return found, str(before)


def organisations(subject_id: UUID, wanted: Wanted) -> list[dict[str, str]]:
    """Every organisation among the newest entries that may be shown, to choose from."""
    newest = log.of_subject(g.session, subject_id, limit=MOST_READ)
    ids = dict.fromkeys(one.recipient_id for one in newest if one.recipient_id and wanted.fits(one))
    named = [(str(one), shapes.recipient_name(one)) for one in ids]
    return sorted(({"id": one, "name": name} for one, name in named if name), key=lambda item: item["name"])


def coverage(subject_id: UUID) -> list[dict[str, Any]]:
    """Which holders may hold data of this person, and when each last reported a read."""
    return [
        {"name": shapes.client_name(one.client_id) or one.holder, "last": one.last}
        for one in reports.coverage(g.session, subject_id)
    ]


def merged(found: Sequence[Entry]) -> list[list[Entry]]:
    """PURE: the entries that one request wrote for several purposes, together."""
    acts: list[list[Entry]] = []
    for one in found:
        last = acts[-1][0] if acts else None
        if last is not None and one.request_id and _act(one) == _act(last):
            acts[-1].append(one)
        else:
            acts.append([one])
    return acts


def _act(one: Entry) -> tuple[object, ...]:
    return one.event, one.client_id, one.recipient_id, one.outcome, one.request_id


def line(act: Sequence[Entry]) -> dict[str, Any]:
    """One act for the page: who, which data, why; and when it was read, where a holder says so itself."""
    first = act[0]
    marks = dict(code.split(":", 1) for code in first.codes if code.startswith(("read:", "unit:", "proxy:")))
    reported = first.event in REPORTED
    return {
        **shapes.entry(first),
        "parts": [part for one in act for part in shapes.entry(one)["parts"]],
        "data": list(dict.fromkeys(name for one in act for name in data_of(one))),
        "holder": shapes.client_name(first.actor) if reported else None,
        "read_at": read_at(marks.get("read", "")),
        "unit_code": marks.get("unit", ""),
        "proxy": marks.get("proxy", "") or by_another(first),
        "about_data": first.actor_kind in ("client", "staff") and bool(first.purpose or reported),
        "by_staff": first.actor_kind == "staff" and bool(first.purpose),
        "beyond": any(one.reason == reports.BEYOND for one in act),
        "times": 1,
        "since": first.at,
    }


def by_another(one: Entry) -> str:
    """PURE: a mark for what another person's hand did for this one: an answer, a signature, a withdrawal."""
    return "citizen" if one.actor_kind == "citizen" and one.actor != one.subject else ""


def data_of(one: Entry) -> list[str]:
    """The kinds of data that an entry is about, in the page's language: as reported, or as its scopes may open."""
    named = [code.removeprefix("data:") for code in one.codes if code.startswith("data:")]
    if not named and one.purpose and one.event.startswith(("introspect", "userinfo", "consent.", "data.")):
        named = list(_reach(one))
    return [purposes.category(code).name.in_(g.locale) for code in named]


def _reach(one: Entry) -> tuple[str, ...]:
    try:
        row = purposes.get(one.purpose)
    except NotFound:
        return ()
    scopes = [code for code in one.codes if code in row.all_scopes or "/" in code]
    return reach.of_scopes(row, scopes) if scopes else ()


def read_at(text: str) -> datetime | None:
    """The moment that a report names."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def grouped(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """PURE: neighbours within an hour that say the same are one line, with how often and since when."""
    found: list[dict[str, Any]] = []
    for one in lines:
        last = found[-1] if found else None
        if last is not None and _same(last) == _same(one) and last["since"] - one["at"] <= CLOSE:
            last["times"] += 1
            last["since"] = one["read_at"] or one["at"]
        else:
            found.append(one)
    return found


def _same(one: dict[str, Any]) -> tuple[object, ...]:
    said = [(part["purpose"], part["basis"], part["consent_id"]) for part in one["parts"]]
    who = (one["who"], one["service"], one["holder"], str(one["unit"]), one["unit_code"], one["proxy"])
    return one["event"], who, said, one["data"], one["outcome"], one["reason"], one["beyond"]
