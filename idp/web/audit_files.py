"""The signed log as a file, for an auditor with a reason; the verifier to judge it with; a checkpoint that was kept."""

from collections.abc import Iterator
from importlib.resources import files

from flask import Blueprint, Response, g, render_template, request

from consent.audit import export, log, search
from consent.audit.log import Actor
from consent.errors import NotAllowed
from idp.keys import KeyRing
from idp.web import evidence, freshness
from idp.web.audit_line import download
from idp.web.evidence import LONGEST
from idp.web.gate import House, Tx, Who, as_response, house, route

bp = Blueprint("audit_files", __name__, url_prefix="/audit")
EXPORT = "/audit/export"
CHUNK = 64 * 1024


@route(bp, "/export", tx=Tx.READ, who=Who.STAFF, role="auditor")
def ask() -> Response:
    """The form, how to verify, the keys. Whoever takes the whole log away has just used their passkey."""
    freshness.of_staff(back=EXPORT)
    return page({"reason": "", "from": ""})


@route(bp, "/export", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role="auditor")
def order() -> Response:
    """The file, written as it is read: the entry about it is kept before its first byte leaves."""
    freshness.of_staff(back=EXPORT)
    values = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("reason", "from")}
    head, errors = evidence.standing().head, {}
    since = evidence.whole_number(values["from"] or "0")
    if since is None or (head is not None and since > head.size):
        errors["from"] = "format"
    try:
        search.check_reason(values["reason"])
    except NotAllowed:
        errors["reason"] = "refused" if values["reason"] else "required"
    if errors or head is None or since is None:
        return page(values, errors=errors, status=400)
    codes = [f"since:{since}", f"upto:{head.size}"]
    who = Actor.auditor(g.signed_in.subject_id)
    log.append(g.session, "audit.exported", now=g.now, actor=who, codes=codes, reason=values["reason"])
    name = f"yinyom-log-{since}-{head.size}.jsonl"
    return download(written(house(), g.ring, since, head.size), name)


def written(here: House, ring: KeyRing, since: int, upto: int) -> Iterator[bytes]:
    """The file in pieces, in a look of its own: it is read after the request's transaction has been committed."""
    with here.sessions.reading() as session:
        held: list[str] = []
        size = 0
        for line in export.whole(session, ring.log_keys(), since=since, upto=upto):
            held.append(line)
            size += len(line)
            if size >= CHUNK:
                yield "".join(held).encode()
                held, size = [], 0
        yield "".join(held).encode()


@route(bp, "/verify.py", tx=Tx.READ, who=Who.STAFF, role="auditor")
def verifier() -> Response:
    """The program that judges a file: one file, which needs Python and `cryptography` and nothing of ours."""
    source = files("consent.audit").joinpath("verify.py").read_text(encoding="utf-8")
    return download(source, "verify.py", "text/x-python")


@route(bp, "/checkpoint", methods=("POST",), tx=Tx.READ, who=Who.STAFF, role="auditor")
def compare() -> Response:
    """Whether a checkpoint that somebody kept is a beginning of the log of today."""
    kept = request.form.get("kept", "")[:4000]
    outcome = evidence.office().prover.holds(g.session, kept, g.ring.log_keys()) if kept.strip() else None
    errors = {} if kept.strip() else {"kept": "required"}
    values = {"reason": "", "from": "", "kept": kept}
    return page(values, errors=errors, kept=outcome, status=400 if errors else 200)


def page(
    values: dict[str, str], *, errors: dict[str, str] | None = None, kept: str | None = None, status: int = 200
) -> Response:
    """The form and the instructions."""
    badge = evidence.badge(evidence.standing())
    return as_response(
        render_template("audit_export.html", values=values, errors=errors or {}, badge=badge, kept=kept), status
    )
