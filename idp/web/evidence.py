"""What the auditor's pages share: how far the log is proved, the mark beside each entry, filters read from a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app, g

from consent import purposes, timeline
from consent.audit import checkpoint
from consent.audit.entry import OUTCOMES, Entry
from consent.audit.events import EVENTS, FAMILIES
from consent.audit.proofs import Prover, Standing
from consent.audit.search import Filters, Row
from consent.audit.volume import Counted
from idp.web import shapes
from idp.web.locale import BANGKOK

FIELDS = (
    "event",
    "client_id",
    "purpose",
    "recipient",
    "outcome",
    "reason_code",
    "subject",
    "consent_id",
    "since",
    "until",
)
SEVERAL = "family:"  # before the name of a family, in the list of events
A_DAY = timedelta(days=1)
LONGEST = 300
DIGITS = 18
YEARS = range(2000, 3000)  # the ends of the calendar have no day before or after
NAMES = {
    "family": "event",
    "recipient_id": "recipient",
    "reason": "reason_code",
    "before": "form",
}  # of a filter -> of its field


@dataclass
class Office:
    """What this process keeps for its auditors between looks."""

    prover: Prover = field(default_factory=Prover)
    counted: Counted = field(default_factory=Counted)


def office() -> Office:
    """The one of this application."""
    found: Office = current_app.extensions.setdefault("yinyom.office", Office())
    return found


def standing() -> Standing:
    """How far the log is proved at this moment."""
    return office().prover.standing(g.session, g.ring.log_keys())


def badge(found: Standing) -> dict[str, Any]:
    """The state of the log for a page: `proved`, `broken`, `reading` (a long log, not read through yet) or `empty`."""
    head = found.head
    state = "empty" if head is None else "broken" if found.broken else "proved" if found.proved else "reading"
    keys, origin = g.ring.log_keys(), head.origin if head else None
    return {
        "state": state,
        "signed": found.signed,
        "grew": found.grew,
        "size": head.size if head else 0,
        "before": found.before,
        "root": head.note.split("\n")[2] if head else None,
        "signed_at": head.signed_at if head else None,
        "note": head.note if head else None,
        "keys": [
            {
                "text": checkpoint.verifier_key(origin, key),
                "fingerprint": checkpoint.fingerprint(key),
                "newest": key == found.public,
            }
            for key in keys
            if origin
        ],
        "waiting": found.waiting,
        "waiting_s": int((g.now - found.waiting_since).total_seconds()) if found.waiting_since else None,
        "read_to": found.read_to,
    }


def marked(rows: Sequence[Row], found: Standing) -> list[dict[str, Any]]:
    """Rows for a page, each with its number and its mark: `proved`, `broken`, `waiting` or `unchecked`."""
    leaves = {row.seq: row.leaf for row in rows if row.seq is not None}
    proved = office().prover.included(g.session, found.head, leaves, g.ring.log_keys())
    return [{**drawn(row), "seq": row.seq, "mark": mark(row, proved)} for row in rows]


def mark(row: Row, proved: Mapping[int, bool] | None) -> str:
    """What can be said of one entry."""
    if row.entry is None or (proved is not None and row.seq is not None and proved.get(row.seq) is False):
        return "broken"
    if proved is None:
        return "unchecked"
    return "proved" if row.seq is not None and row.seq in proved else "waiting"


def drawn(row: Row) -> dict[str, Any]:
    """An entry with pseudonyms and ids: an auditor sees nobody's name. Of a damaged one, when it was written."""
    clock = row.at.astimezone(BANGKOK).strftime("%H:%M:%S")
    if row.entry is None:
        return {"id": str(row.id), "at": row.at, "clock": clock, "damaged": True}
    return {**shapes.entry(row.entry), **who(row.entry), "clock": clock, "damaged": False}


def who(one: Entry) -> dict[str, Any]:
    """Pseudonyms and ids."""
    return {
        "subject": one.subject,
        "actor_kind": one.actor_kind,
        "actor": one.actor,
        "client_id": one.client_id,
        "recipient_id": str(one.recipient_id) if one.recipient_id else None,
        "purpose_code": one.purpose or None,
        "codes": one.codes,
        "move": one.move or None,
    }


def choices() -> dict[str, Any]:
    """What the lists of the form hold."""
    families = [
        {"name": name, "events": [(one.name, one.title(g.locale)) for one in EVENTS.values() if one.family == name]}
        for name in FAMILIES
    ]
    return {
        "families": families,
        "purposes": [(one.code, one.name.in_(g.locale)) for one in purposes.all()],
        "outcomes": OUTCOMES,
    }


def filters_of(values: Mapping[str, str]) -> tuple[Filters, dict[str, str]]:
    """The filters of a form, and what is wrong with it, by field."""
    errors: dict[str, str] = {}
    event, family = values["event"], ""
    if event.startswith(SEVERAL):
        event, family = "", event.removeprefix(SEVERAL)
    if (event and event not in EVENTS) or (family and family not in FAMILIES):
        errors["event"] = "unknown"
    if values["purpose"] and values["purpose"] not in {one.code for one in purposes.all()}:
        errors["purpose"] = "unknown"
    if values["outcome"] and values["outcome"] not in OUTCOMES:
        errors["outcome"] = "unknown"
    recipient = shapes.uuid_or_none(values["recipient"])
    if values["recipient"] and recipient is None:
        errors["recipient"] = "format"
    consent = timeline.record_id_of(values["consent_id"]) if values["consent_id"] else None
    if values["consent_id"] and consent is None:
        errors["consent_id"] = "format"
    days = {name: day(values[name]) for name in ("since", "until")}
    errors |= {name: "format" for name, found in days.items() if values[name] and found is None}
    until = days["until"]
    filters = Filters(
        event="" if "event" in errors else event,
        family="" if "event" in errors else family,
        client_id=values["client_id"],
        purpose=values["purpose"],
        recipient_id=recipient,
        outcome=values["outcome"],
        reason=values["reason_code"],
        subject=values["subject"].lower(),
        consent_id=consent,
        since=days["since"],
        until=until + A_DAY if until else None,
    )
    return filters, errors


def day(text: str) -> datetime | None:
    """Midnight in Bangkok of a date input, or None."""
    try:
        read = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=BANGKOK)
    except ValueError:
        return None
    return read if read.year in YEARS else None


def whole_number(text: str) -> int | None:
    """A number from a hidden field or an input, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None


def person_of(filters: Filters) -> UUID | None:
    """Whose entries a search for a consent reads. Raises: NotFound when there is no such consent."""
    return None if filters.consent_id is None else timeline.person_of(g.session, filters.consent_id)
