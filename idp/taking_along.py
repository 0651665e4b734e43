"""The part of a copy that another service can take over (PDPA s.31): what the person gave, and what they allowed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from idp import copying
from idp.keys import KeyRing

FORMAT = "yinyom-portable/1"
ROWS = ("consent_record", "consent_refusal", "consent_withdrawal")


def make(session: Session, ring: KeyRing, subject_id: UUID, *, now: datetime) -> dict[str, Any]:
    """The document as a file for the person. Appends export.made. Raises: as `copying.make`."""
    document = drawn(session, ring, subject_id, now=now)
    copying.written(session, ring, subject_id, "portable", now=now)
    return document


def drawn(session: Session, ring: KeyRing, subject_id: UUID, *, now: datetime) -> dict[str, Any]:
    """The document alone: who gives it to somebody writes that down (`idp.transfers`)."""
    rows = copying.held_rows(session, ring, subject_id, only=ROWS)
    document = {
        "format": FORMAT,
        "made_at": now,
        "person": copying.person(session, ring, subject_id),
        "consents": rows.get("consent_record", []),
        "withdrawals": rows.get("consent_withdrawal", []),
        "refusals": rows.get("consent_refusal", []),
        "names": copying.names(session, rows, now=now),
    }
    return dict(copying.plain(document))
