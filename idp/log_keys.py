"""The log's public keys as people compare them: one text, the same in a complaint's papers and at a public address.

Keys that come with a file show only that file and keys agree. Who signed shows when the same fingerprint came another
way: so the text names the ways.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from consent.audit import checkpoint, seal
from consent.errors import NotFound
from idp import directory
from idp.keys import KeyRing
from idp.settings import Settings

ADDRESS = "/log/keys.txt"
FILE = "log/entries.jsonl"


def text(session: Session, ring: KeyRing, settings: Settings, *, now: datetime) -> str:
    """Every key that ever signed the log, oldest first, with its fingerprint; where to compare them; how to verify."""
    newest = seal.latest(session)
    origin = newest.origin if newest else settings.log_origin
    keys = [(checkpoint.verifier_key(origin, key), checkpoint.fingerprint(key)) for key in ring.log_keys()]
    return drawn(keys, address=settings.issuer + ADDRESS, contact=contact(session, now=now))


def drawn(keys: Sequence[tuple[str, str]], *, address: str, contact: str) -> str:
    """PURE: the text. `keys` are verifier keys with their fingerprints, `contact` the data protection officer's."""
    named = [line for key, digest in keys for line in (key, f"  SHA-256 {digest}")]
    trusted = " ".join(f"--key '{key}'" for key, _ in keys)
    lines = [
        "กุญแจสาธารณะที่ใช้ลงนามบันทึก / Public keys that signed the log",
        "",
        *named,
        "",
        "เทียบลายนิ้วมือ (SHA-256) กับที่ได้มาจากทางอื่น อย่างน้อยหนึ่งทาง:",
        "Compare the fingerprint (SHA-256) with one that reached you another way, by at least one of these:",
        f"1. {address}  (จากเครื่องและเครือข่ายอื่น / from another device and network)",
        f"2. ถามเจ้าหน้าที่คุ้มครองข้อมูลให้อ่านให้ฟัง / the data protection officer reads it to you: {contact}",
        "3. สำเนาที่ผู้อื่นเก็บไว้ก่อนหน้านี้ / a copy that somebody else kept earlier",
        "",
        "ตรวจสอบ / Verify:",
        f"python3 verify/verify.py {FILE} {trusted}",
        f"idp log verify {FILE} {trusted}",
        "",
    ]
    return "\n".join(lines)


def contact(session: Session, *, now: datetime) -> str:
    """How the data protection officer of this server is reached; dots to fill in where none is registered."""
    entity_id = directory.operator(session)
    try:
        found = directory.contacts_of(session, entity_id, now=now) if entity_id else None
    except NotFound:
        found = None
    return (found and (found.dpo_contact or found.controller_contact)) or "………………………………"
