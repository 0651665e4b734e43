"""One consent as one line of time, for an auditor with a reason; and the same line as a file that proves itself."""

from collections.abc import Iterator
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from consent import timeline
from consent.audit import export, log
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from consent.timeline import Line
from idp.web import evidence, shapes
from idp.web.evidence import LONGEST
from idp.web.gate import Refused, Tx, Who, as_response, route

bp = Blueprint("audit_line", __name__, url_prefix="/audit/consent")
JSON_LINES = "application/jsonl"


@route(bp, "", tx=Tx.READ, who=Who.STAFF, role="auditor")
def ask() -> Response:
    """The form: which consent, and why."""
    return page({"consent": "", "reason": ""})


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role="auditor")
def show() -> Response:
    """The line, and one more entry: that it was looked at."""
    values = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("consent", "reason")}
    record_id, errors = read(values)
    if errors or record_id is None:
        return page(values, errors=errors, status=400)
    try:
        line = look(record_id, values["reason"])
    except NotFound:
        return page(values, errors={"consent": "unknown"}, status=400)
    except NotAllowed:
        return page(values, errors={"reason": "refused"}, status=400)
    return page(values, line=line)


@route(bp, "/file", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role="auditor")
def file() -> Response:
    """What of the line is sealed, each entry with its path to the signed root: `verify.py` judges it alone."""
    values = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("consent", "reason")}
    record_id, errors = read(values)
    if errors or record_id is None:
        raise Refused("bad_request", 400)
    line = look(record_id, values["reason"])
    head = evidence.standing().head
    size = head.size if head else 0
    sealed = [one.row for one in line.moments if one.row.seq is not None and one.row.seq < size]
    lines = export.selected(g.session, g.ring.log_keys(), [row.id for row in sealed], prover=evidence.office().prover)
    who = Actor.auditor(g.signed_in.subject_id)
    codes = [f"consent:{record_id}", f"entries:{len(sealed)}"]
    log.append(g.session, "audit.exported", now=g.now, actor=who, codes=codes, reason=values["reason"])
    return download("".join(lines), f"consent-{record_id}.jsonl")


def read(values: dict[str, str]) -> tuple[UUID | None, dict[str, str]]:
    """The record that is meant, and what is wrong with the form."""
    errors = {name: "required" for name, value in values.items() if not value}
    record_id = timeline.record_id_of(values["consent"])
    if record_id is None and "consent" not in errors:
        errors["consent"] = "format"
    return record_id, errors


def look(record_id: UUID, reason: str) -> Line:
    """The line; the look is an entry first."""
    return timeline.of_consent(g.session, record_id, auditor_id=g.signed_in.subject_id, reason=reason, now=g.now)


def page(
    values: dict[str, str], *, errors: dict[str, str] | None = None, line: Line | None = None, status: int = 200
) -> Response:
    """The form, and below it the line."""
    standing = evidence.standing()
    shown = {"values": values, "errors": errors or {}, "badge": evidence.badge(standing), "line": None}
    if line is not None:
        marked = evidence.marked([one.row for one in line.moments], standing)
        record = line.found.record
        shown["line"] = {
            "id": str(record.id),
            "state": line.found.state,
            "purpose": shapes.purpose_name(record.purpose),
            "recipient": shapes.recipient_name(record.recipient_id) or str(record.recipient_id),
            "service": shapes.client_name(record.client_id) or record.client_id,
            "basis": record.basis,
            "given_at": record.given_at,
            "expires_at": record.expires_at,
            "withdrawn_at": line.found.withdrawal.withdrawn_at if line.found.withdrawal else None,
            "notice": {"version": record.notice_version, "locale": record.locale, "sha256": record.notice_sha256},
            "entries": [{**row, "joined": one.joined.value} for row, one in zip(marked, line.moments, strict=True)],
            "proved": sum(row["mark"] == "proved" for row in marked),
            "others": [str(other) for other in line.others],
            "cut": line.cut,
        }
    return as_response(render_template("audit_line.html", **shown), status)


def download(content: str | Iterator[bytes], name: str, mimetype: str = JSON_LINES) -> Response:
    """A file to keep."""
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
