"""What an auditor's search finds, as FHIR AuditEvents in lines (NDJSON): for a reason, and with an entry."""

import json

from flask import Blueprint, Response, g, request

from consent.audit import log
from consent.audit import search as searching
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from idp.fhir import audit_event
from idp.web import auditor, evidence, freshness
from idp.web.audit_line import download
from idp.web.evidence import FIELDS, LONGEST
from idp.web.gate import Tx, Who, house, route

bp = Blueprint("audit_fhir", __name__, url_prefix="/audit/fhir")
NDJSON = "application/fhir+ndjson"


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, role="auditor")
def export() -> Response:
    """The newest entries that match, a thousand at most; damaged ones are left out, and the search page names them."""
    freshness.of_staff(back="/audit")
    values = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("reason", *FIELDS)}
    filters, errors = evidence.filters_of(values)
    if not values["reason"]:
        errors["reason"] = "required"
    if errors:
        return auditor.page(values, errors=errors, status=400)
    who = Actor.auditor(g.signed_in.subject_id)
    try:
        found = searching.search(
            g.session,
            filters,
            auditor_id=g.signed_in.subject_id,
            reason=values["reason"],
            about=evidence.person_of(filters),
            limit=searching.MAX_PAGE,
            now=g.now,
        )
    except NotFound:
        return auditor.page(values, errors={"consent_id": "unknown"}, status=400)
    except NotAllowed as refusal:
        return auditor.page(values, errors={auditor.field_of(refusal, values): "refused"}, status=400)
    rows = [row for row in found.rows if row.entry is not None]
    codes = ["format:fhir", f"entries:{len(rows)}"]
    log.append(g.session, "audit.exported", now=g.now, actor=who, codes=codes, reason=values["reason"])
    issuer = house().settings.issuer
    lines = [audit_event.render(row.entry, issuer=issuer, seq=row.seq) for row in rows if row.entry is not None]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return download(text, "yinyom-audit-events.ndjson", NDJSON)
