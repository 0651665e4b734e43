"""PURE: OperationOutcome (FHIR R4), the one form of every refusal of these interfaces."""

import re
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]
MEDIA_TYPE = "application/fhir+json"
FORMATS = (MEDIA_TYPE, "application/json", "text/json", "json")
ISSUES = {403: "forbidden", 404: "not-found", 405: "not-supported", 413: "too-long", 429: "throttled", 503: "transient"}
OURS = 500
_NEVER = re.compile(r"\bq=0(\.0*)?\s*$")


@dataclass
class Unfit(Exception):  # noqa: N818 -- an answer, not a fault
    """A request that is refused: HTTP status, FHIR issue type, and a fixed sentence that quotes nothing of it."""

    status: int
    code: str
    said: str
    retry_after_s: int | None = None


def refusal(unfit: Unfit) -> Resource:
    """The resource that says so."""
    return _outcome("error", unfit.code, unfit.said)


def done(said: str) -> Resource:
    """The resource that says that it went well."""
    return _outcome("information", "informational", said)


def acceptable(accept: str | None, form: str | None) -> bool:
    """PURE: whether JSON is what was asked for; `_format` counts more than Accept (FHIR R4 3.1.0.1.11)."""
    if form:
        return form.partition(";")[0].strip().lower() in FORMATS
    asked = (one.partition(";") for one in (accept or "*/*").lower().split(","))
    return any(
        kind.strip() in (*FORMATS, "*/*", "application/*") and not _NEVER.search(rest) for kind, _, rest in asked
    )


def failed(status: int) -> Resource:
    """What went wrong before anybody looked at the request."""
    return _outcome("error", ISSUES.get(status, "invalid" if status < OURS else "exception"), "see the HTTP status")


def _outcome(severity: str, code: str, said: str) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "diagnostics": said}]}
