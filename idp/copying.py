"""Everything that we hold about a person, as one document for that person (PDPA s.30).

Tables are walked by the columns that name people, so a new table is in the copy without anybody thinking of it; what
stays out is listed in the document itself, with the reason. Other people appear as "another person", never by id.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Table, or_, select
from sqlalchemy.orm import Session

from consent import notices, purposes
from consent.audit import log, search
from consent.audit.events import EVENTS
from consent.audit.log import Actor
from consent.db import SealedBytes
from consent.errors import NotFound
from idp import alerts, directory, subjects
from idp.contact import line_links
from idp.keys import KeyRing
from idp.login import held
from idp.migrations.models import metadata
from idp.people import PersonSealer
from idp.proofing import drafts
from idp.subjects import Profile

FORMAT = "yinyom-copy/1"
MOST_ENTRIES = 50_000
OF_PEOPLE = ("subject_id", "patient_id", "person_id", "owner", "ward_id", "guardian_id")
LINKED = {  # rows that name a row of the person's, not the person: table -> (its column, the table that it points to)
    "consent_withdrawal": ("record_id", "consent_record"),
    "consent_undo": ("record_id", "consent_record"),
    "consent_use": ("record_id", "consent_record"),
    "consent_objection_lift": ("objection_id", "consent_objection"),
    "detail_use": ("record_id", "consent_record"),
    "grant_consent": ("grant_id", "oauth_grant"),
    "emergency_review": ("emergency_id", "emergency_access"),
}
LEFT_OUT = {  # table -> why none of its rows is in the copy
    "audit_pseudonym": "Whoever finds your copy could find you in a copy of the log.",
    "challenge": "A one-time code under way; gone within a day.",
    "upstream_attempt": "A sign-in under way at ThaID or LINE; gone within minutes.",
    "webauthn_challenge": "A passkey dialogue under way; gone within minutes.",
    "handover": "A code between a counter and your phone; gone within minutes.",
    "desk_case": "A case at a counter while it is open; what came of it is in proofing_evidence.",
    "pin": "Your PIN is kept as a hash that opens nothing.",
    "recovery_code": "Your recovery codes are kept as hashes that open nothing.",
    "staff_invitation": "An invitation is kept as a hash that opens nothing.",
    "send_ledger": "Counts against abuse, by keyed fingerprint of a number; gone within a day.",
}
SECRET = re.compile(
    r"(^|_)(hash|mac|mark|salt|secret|pending|fingerprint|claim|key|key_id|idx)$|^(data_key|last_step|credential_id)$"
)
OTHERS = re.compile(r"_by$|^(actor_id|co_actor_id|person)$")
OF_PATIENT = frozenset({"visit_id", "emergency_id", "ended_over"})  # in a grant for somebody else: theirs, not yours
SEALED: dict[tuple[str, str], str | None] = {  # the place each text was sealed to; None: never opened, not even for you
    ("audit_detail", "sealed"): "audit.detail",
    ("audit_detail", "salt"): None,
    ("consent_objection", "words"): "objection",
    ("emergency_access", "words"): "emergency",
    ("emergency_review", "words"): "emergency",
    ("guardianship", "reference"): "guardianship",
    ("identity_paper", "number"): "paper",
    ("letter", "body_sealed"): None,  # on its way, under the server's key; wiped once it is sent
    ("letter", "to_sealed"): None,
    ("line_link", "user_id"): line_links.FIELD,
    ("national_id", "number"): "national_id",
    ("paper_scan", "scan"): "paper_scan",
    ("passkey", "sealed_name"): held.FIELD,
    ("proofing_case", "typed"): drafts.FIELD,
    ("recovery", "new_phone"): "recovery:{id}",
    ("rights_case", "answer"): "rights:{id}:answer",
    ("rights_case", "words"): "rights:{id}:words",
    ("totp", "pending"): None,
    ("totp", "secret"): None,
}


BY_SERVER = {("oauth_grant", "details"): "grant:{id}:details"}  # sealed under the server's key: place of each


@dataclass(frozen=True)
class Eyes:
    """Who looks, and with which keys."""

    subject_id: UUID
    ring: KeyRing
    sealer: PersonSealer


def make(
    session: Session, ring: KeyRing, subject_id: UUID, *, now: datetime, actor_id: UUID | None = None
) -> dict[str, Any]:
    """The copy. Appends export.made, and tells the person by every way: whoever has it has everything.

    `actor_id`: who asks in the person's name; the caller has looked whether they may.

    Raises: NotFound; KeyError when the person was erased.
    """
    rows = held_rows(session, ring, subject_id)
    document = {
        "format": FORMAT,
        "made_at": now,
        "note": NOTE,
        "person": person(session, ring, subject_id),
        "held": rows,
        "log": list(entries(session, subject_id)),
        "words": _texts(session, rows),
        "names": names(session, rows, now=now),
        "left_out": LEFT_OUT,
    }
    written(session, ring, subject_id, "copy", now=now, actor_id=actor_id)
    return dict(plain(document))


def person(session: Session, ring: KeyRing, subject_id: UUID) -> dict[str, Any]:
    """Their own data, opened, and where it came from."""
    profile: Profile = subjects.profile(session, ring, subject_id)
    row = subjects.get(session, subject_id)
    facts = {name: getattr(profile, name) for name in Profile.__dataclass_fields__}
    source = {"method": row.ial_method, "at": row.ial_at, "level": row.ial, "level_ends": row.ial_expires_at}
    return {**facts, "account_since": row.created_at, "status": row.status, "source": source}


def held_rows(
    session: Session, ring: KeyRing, subject_id: UUID, *, only: Iterable[str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Every row about this person, by table; what is sealed for them is opened."""
    tables, eyes = metadata().tables, Eyes(subject_id, ring, PersonSealer(ring, session))
    found: dict[str, list[dict[str, Any]]] = {}
    raw: dict[str, list[RowMapping]] = {}
    wanted = tables if only is None else {name: tables[name] for name in only}
    for name, table in wanted.items():
        if name in LINKED or name in LEFT_OUT:
            continue
        mine = of_person(table, subject_id)
        if mine is not None:
            raw[name] = list(session.execute(select(table).where(mine)).mappings())
    for name, (column, points_to) in LINKED.items():
        if name in wanted and raw.get(points_to):
            ids = [row["id"] for row in raw[points_to] if not about_another(row, subject_id)]
            raw[name] = list(session.execute(select(tables[name]).where(tables[name].c[column].in_(ids))).mappings())
    for name, rows in raw.items():
        if rows:
            found[name] = [shown(tables[name], row, eyes) for row in rows]
    return found


def of_person(table: Table, subject_id: UUID) -> ColumnElement[bool] | None:
    """SQL: the rows of a table that are about this person; None for a table that names nobody."""
    named = [table.c[column] == subject_id for column in OF_PEOPLE if column in table.c]
    return or_(*named) if named else None


def shown(table: Table, row: RowMapping, eyes: Eyes) -> dict[str, Any]:
    """One row for the person: no secret, nobody else's id nor their visits and consents, sealed text opened."""
    told: dict[str, Any] = {}
    hidden = OF_PATIENT if about_another(row, eyes.subject_id) else frozenset()
    for column in table.columns:
        name, value = column.name, row[column.name]
        if value is None or name in hidden or SECRET.search(name):
            continue
        if isinstance(column.type, SealedBytes):
            text = _opened(table, row, name, eyes)
            told |= {} if text is None else {name: text}
        elif name in OF_PEOPLE or OTHERS.search(name):
            told[name] = "you" if value == eyes.subject_id else "another person"
        elif not isinstance(value, bytes):
            told[name] = value
    return told


def about_another(row: Mapping[Any, Any], subject_id: UUID) -> bool:
    """PURE: whether a row of this person's opened somebody else's data: a clinician's grant, a guardian's."""
    return row.get("patient_id") not in (None, subject_id)


def entries(session: Session, subject_id: UUID) -> Iterable[dict[str, Any]]:
    """The log about this person, oldest first. A reason that an auditor typed may speak of others and stays out."""
    for row in search.of_person(session, subject_id, limit=MOST_ENTRIES):
        one = row.entry
        if one is None:
            yield {"id": row.id, "at": row.at, "damaged": True}
            continue
        event = EVENTS.get(one.event)
        told = {
            "id": one.id,
            "number": row.seq,
            "at": one.at,
            "event": one.event,
            "title": {"th": event.title_th, "en": event.title_en} if event else one.event,
            "by": "you" if one.actor == one.subject else one.actor_kind,
            "service": one.client_id,
            "organisation": one.recipient_id,
            "holder": one.holder,
            "purpose": one.purpose,
            "basis": one.basis,
            "consent": one.consent_id,
            "what": list(one.codes),
            "outcome": one.outcome,
            "reason": "" if event is not None and event.family == "meta" else one.reason,
        }
        yield {name: value for name, value in told.items() if value not in ("", None, [])}


def plain(value: Any) -> Any:
    """PURE: the same as JSON has it: ids and moments as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _opened(table: Table, row: RowMapping, name: str, eyes: Eyes) -> str | None:
    """The text, sealed for this person or, of a guardian's link, for the ward; nothing once that key is gone.

    What a clinician's grant says of a visit is the patient's to read.
    """
    sealed, at = row[name], (table.name, name)
    if at in BY_SERVER and row.get("patient_id") in (None, eyes.subject_id):
        return eyes.ring.open(sealed, place=BY_SERVER[at].format(**row))
    place = SEALED.get(at)
    try:
        owner = row.get("ward_id", eyes.subject_id)
        return eyes.sealer.open(sealed, owner=owner, field=place.format(**row)) if place and sealed else None
    except KeyError:
        return None


def _texts(session: Session, rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """The exact words that the person answered, by their hash."""
    digests = {
        str(row["notice_sha256"]) for table in ("consent_record", "consent_refusal") for row in rows.get(table, [])
    }
    found = {}
    for digest in sorted(digests):
        try:
            found[digest] = notices.shown(session, digest)
        except NotFound:
            continue
    return found


def names(session: Session, rows: Mapping[str, list[dict[str, Any]]], *, now: datetime) -> dict[str, Any]:
    """Organisations and purposes in words, so that the document can be read without us."""
    every = [row for of_table in rows.values() for row in of_table]
    organisations = {}
    for one in sorted({row["recipient_id"] for row in every if row.get("recipient_id")}, key=str):
        try:
            recipient = directory.recipient_of(session, one, now=now)
        except NotFound:
            continue
        organisations[str(one)] = {"th": recipient.name_th, "en": recipient.name_en}
    known = {purpose.code: purpose for purpose in purposes.all()}
    codes = sorted({row["purpose"] for row in every if row.get("purpose") in known})
    titles = {code: {"th": known[code].name.th, "en": known[code].name.en} for code in codes}
    return {"organisations": organisations, "purposes": titles}


def written(
    session: Session, ring: KeyRing, subject_id: UUID, kind: str, *, now: datetime, actor_id: UUID | None = None
) -> None:
    """That a copy left, and for whom; the person is told by every way. Appends export.made."""
    by = Actor.citizen(actor_id or subject_id)
    log.append(session, "export.made", now=now, actor=by, subject_id=subject_id, codes=(f"kind:{kind}",))
    alerts.tell(session, ring, subject_id=subject_id, kind="export_made", now=now)


NOTE = {
    "th": (
        "สำเนานี้มีทุกอย่างที่บริการยินยอมเก็บเกี่ยวกับคุณ จัดตามตารางของฐานข้อมูล ข้อมูลสุขภาพไม่ได้เก็บที่นี่ "
        "ให้ขอจากโรงพยาบาลที่รักษาคุณ “person.source” บอกว่าข้อมูลของคุณมาจากไหน “left_out” บอกว่าอะไรไม่อยู่ในสำเนาและเพราะเหตุใด "
        "โปรดเก็บไฟล์นี้ให้ปลอดภัย"
    ),
    "en": (
        "This copy holds everything that Yinyom keeps about you, by table of the database. Health records are not kept "
        "here: ask the hospital that treats you. “person.source” says where your data came from; “left_out” says what "
        "is not in the copy, and why. Keep this file safe."
    ),
}
