"""A file for a complaint to the authority (PDPA s.73): the form filled in, and what proves it, for the person to send.

Everything in it can be checked without us: receipts by their signature, entries by their path to a signed root,
notices by their hash, all of it by the list of hashes. The ZIP is made in memory; it holds one person's papers.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from consent import history, notices, receipts
from consent.audit import export, log, search
from consent.audit.log import Actor
from consent.audit.search import Row
from consent.errors import NotFound
from consent.models import ConsentRecord
from consent.receipts import Act
from consent.records import key_of
from consent.rights import cases
from consent.rights.models import RightsCase
from idp import copying, emergency_access, log_keys, rights, subjects
from idp import receipts as own_receipts
from idp.keys import KeyRing
from idp.settings import Settings

BANGKOK = ZoneInfo("Asia/Bangkok")
MOST_ENTRIES = 20_000
A_SECOND = timedelta(seconds=1)
EPOCH = (1980, 1, 1, 0, 0, 0)  # every file carries the same time: the same papers are the same bytes


def make(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    case_id: UUID,
    *,
    subject_id: UUID,
    now: datetime,
    actor_id: UUID | None = None,
) -> bytes:
    """The ZIP about one of the person's cases. Appends export.made. Raises: NotFound for another's or unknown.

    `actor_id`: who asks for it in the person's name; the caller has looked whether they may.
    """
    case = cases.own(session, case_id, subject_id=subject_id)
    by = Actor.citizen(actor_id or subject_id)
    codes = (f"case:{case.id}", "kind:complaint")
    log.append(session, "export.made", now=now, actor=by, subject_id=subject_id, codes=codes)
    return zipped(dict(papers(session, ring, settings, case, now=now)))


def papers(
    session: Session, ring: KeyRing, settings: Settings, case: RightsCase, *, now: datetime
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every paper in the pack."""
    yield "complaint.txt", form(session, ring, settings, case, now=now).encode()
    seen = rights.own(session, ring, case.id, subject_id=case.subject_id, now=now)
    facts = {
        "number": seen.number,
        "kind": case.kind,
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "extended_at": case.extended_at,
        "state": case.state,
        "closed_at": case.closed_at,
        "refusal": case.refusal,
        "words": seen.words,
        "answer": seen.answer,
        "about": {"entry": case.about_entry, "consent": case.about_record, "emergency": case.about_emergency},
    }
    yield "case.json", _json(copying.plain(facts))
    yield from _receipts(session, ring, settings, case, now=now)
    yield from _entries(session, ring, case)
    yield "verify/verify.py", files("consent.audit").joinpath("verify.py").read_bytes()
    yield "verify/log-keys.txt", log_keys.text(session, ring, settings, now=now).encode()
    yield "verify/receipt-keys.json", _json(own_receipts.public_keys(ring))


def form(session: Session, ring: KeyRing, settings: Settings, case: RightsCase, *, now: datetime) -> str:
    """The complaint as the rules of 2022 want it: name, number, address, against whom, the facts, what is enclosed."""
    who = subjects.profile(session, ring, case.subject_id)
    seen = rights.own(session, ring, case.id, subject_id=case.subject_id, now=now)
    day = now.astimezone(BANGKOK)
    lines = [
        "คำร้องเรียนต่อคณะกรรมการผู้เชี่ยวชาญ สำนักงานคณะกรรมการคุ้มครองข้อมูลส่วนบุคคล",
        "Complaint to the expert committee, Office of the Personal Data Protection Committee",
        "",
        f"วันที่ / Date: {day.day}/{day.month}/{day.year + 543} ({day.date().isoformat()})",
        f"ผู้ร้องเรียน / Complainant: {who.title_th}{who.name_th}" + (f" ({who.name_en})" if who.name_en else ""),
        *_in_their_name(session, ring, case),
        f"เลขประจำตัว / ID number: {_number(session, ring, case.subject_id)}",
        f"ที่อยู่ / Address: {who.address or '……………………………………'}",
        f"โทรศัพท์ / Phone: {who.phone or '…………………………'}",
        f"ผู้ถูกร้องเรียน / Complaint against: ผู้ให้บริการยินยอม / the operator of {settings.issuer}",
        "",
        f"คำขอเลขที่ / Request number: {seen.number} ({case.kind})",
        f"ยื่นเมื่อ / Made: {_moment(case.opened_at)}   ครบกำหนด / Due: {_last_day(case.due_at)}",
        f"ผล / Outcome: {case.state}" + (f", เหตุผล / reason: {case.refusal}" if case.refusal else ""),
        "",
        "ข้อเท็จจริง / Facts:",
        seen.words or "…………………………………………………………………………",
        "",
        "คำตอบที่ได้รับ / The answer:",
        seen.answer or "-",
        "",
        "เอกสารแนบอยู่ในไฟล์นี้ ตรวจสอบได้โดยไม่ต้องใช้ระบบของเรา ดู verify/ และ MANIFEST.json",
        "Enclosed in this file; it can be checked without our system: see verify/ and MANIFEST.json",
        "กุญแจที่ควรเชื่อและวิธีตรวจสอบ / Which key to trust, and how to check: verify/log-keys.txt",
        "",
        "ลงชื่อ / Signature: ……………………………………",
        "",
    ]
    return "\n".join(lines)


def _in_their_name(session: Session, ring: KeyRing, case: RightsCase) -> Iterator[str]:
    """Who asked for the person, where another did (PDPA s.20) and is known still."""
    if case.actor_id is not None and subjects.get(session, case.actor_id).data_key is not None:
        who = subjects.profile(session, ring, case.actor_id)
        english = f" ({who.name_en})" if who.name_en else ""
        yield f"ยื่นแทนโดย / In their name, by: {who.title_th}{who.name_th}{english}"


def zipped(found: dict[str, bytes]) -> bytes:
    """PURE: the papers and the list of their hashes as a ZIP; the same papers give the same bytes."""
    listed = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(found.items())}
    every = {**found, "MANIFEST.json": _json({"format": "yinyom-complaint/1", "sha256": listed})}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(every.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _receipts(
    session: Session, ring: KeyRing, settings: Settings, case: RightsCase, *, now: datetime
) -> Iterator[tuple[str, bytes]]:
    """The receipts of what the case is about, of every answer under the same key, with the words that were shown."""
    for record in _records(session, case):
        found = history.of_record(session, record.id, now=now)
        acts = [Act.GIVEN] if found is None or found.withdrawal is None else [Act.GIVEN, Act.WITHDRAWN]
        for act in acts:
            one = own_receipts.of_own(session, ring, settings, record.id, subject_id=case.subject_id, now=now, act=act)
            yield f"receipts/{one.number}.json", receipts.payload(one.document)
            yield f"receipts/{one.number}.jws", own_receipts.sign(ring, one).encode("ascii")
        yield f"notices/{record.notice_sha256}.txt", notices.shown(session, record.notice_sha256).encode()


def _records(session: Session, case: RightsCase) -> list[ConsentRecord]:
    """The answers that the case is about: of its consent, its emergency, or the entry that it is about."""
    record_id = case.about_record
    if record_id is None and case.about_emergency is not None:
        opened = emergency_access.find(session, case.about_emergency)
        record_id = None if opened is None else opened.record_id
    if record_id is None and case.about_entry is not None:
        line = next((row for row in _about(session, case.subject_id) if row.id == case.about_entry), None)
        record_id = None if line is None or line.entry is None else line.entry.consent_id
    record = None if record_id is None else session.get(ConsentRecord, record_id)
    if record is None or record.subject_id != case.subject_id:
        return []
    return history.of_key(session, key_of(record))


def _entries(session: Session, ring: KeyRing, case: RightsCase) -> Iterator[tuple[str, bytes]]:
    """What the log says about the case, as a file that `verify.py` checks; what is not sealed yet, beside it."""
    wanted = {record.id for record in _records(session, case)}
    rows = [row for row in _about(session, case.subject_id) if _belongs(row, case, wanted)]
    proved = _proved(session, ring, [row.id for row in rows if row.seq is not None])
    if proved:
        yield "log/entries.jsonl", proved
    told = [row.leaf.decode("utf-8", "replace")[1:] for row in rows if row.seq is None or not proved]
    if told:
        yield "log/not-yet-sealed.jsonl", "\n".join(told).encode()


def _proved(session: Session, ring: KeyRing, ids: Sequence[UUID]) -> bytes:
    """The file with the paths; nothing when the checkpoint that holds them is only being signed."""
    try:
        return "".join(export.selected(session, ring.log_keys(), ids)).encode() if ids else b""
    except NotFound:
        return b""


def _about(session: Session, subject_id: UUID) -> list[Row]:
    return search.of_person(session, subject_id, limit=MOST_ENTRIES)


def _belongs(row: Row, case: RightsCase, records: set[UUID]) -> bool:
    one = row.entry
    if one is None:
        return False
    return row.id == case.about_entry or one.consent_id in records or f"case:{case.id}" in one.codes


def _number(session: Session, ring: KeyRing, subject_id: UUID) -> str:
    held = copying.held_rows(session, ring, subject_id, only=("national_id", "identity_paper"))
    found = [str(row["number"]) for rows in held.values() for row in rows if row.get("number")]
    return ", ".join(found) or "-"


def _moment(at: datetime) -> str:
    return at.astimezone(BANGKOK).strftime("%Y-%m-%d %H:%M")


def _last_day(due_at: datetime) -> str:
    """A due moment is the midnight after the last day."""
    return (due_at - A_SECOND).astimezone(BANGKOK).date().isoformat()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
