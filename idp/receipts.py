"""The story of a receipt: the record, who is behind it, the key that signs, and how anybody checks it later.

`consent.receipts` says what a receipt is; here it gets its names and pseudonyms. A short code goes with every number:
who knows it holds the receipt. It is an HMAC of the number, so a wrong code is refused before any look at a record,
and nobody learns which numbers exist.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import segno
from joserfc import jws
from joserfc.errors import JoseError
from sqlalchemy.orm import Session

from consent import history, notices, receipts, records
from consent.errors import NotFound
from consent.history import RecordView
from consent.models import ConsentRecord
from consent.purposes import Bilingual
from consent.receipts import Act, Around, Organisation, Withdrawn
from idp import directory
from idp.keys import KeyRing
from idp.oauth import clients
from idp.settings import Settings

USE = "receipt"
CODE_BITS, CODE_LENGTH = 40, 8
LONGEST_JWS = 32_000
PARTS = 3


@dataclass(frozen=True)
class Receipt:
    """One receipt, its code, the address that its QR code holds, and what became of the record by now."""

    number: str
    act: Act
    code: str
    address: str
    document: dict[str, Any]
    state: str
    ended: bool


@dataclass(frozen=True)
class Reading:
    """outcome: `valid`, `altered` (ours, but not as we signed it), `unknown` (not one of ours). Document if valid."""

    outcome: str
    document: dict[str, Any] | None = None


def of_own(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    record_id: UUID,
    *,
    subject_id: UUID,
    now: datetime,
    act: Act | None = None,
) -> Receipt:
    """The person's receipt of this record: of the act asked for, else of the latest.

    Raises: NotFound for another's or an unknown record, and for a withdrawal that never was.
    """
    records.get(session, record_id, subject_id=subject_id)
    found = history.of_record(session, record_id, now=now)
    if found is None or (act is Act.WITHDRAWN and found.withdrawal is None):
        raise NotFound("We could not find that receipt.", detail=f"{record_id=}")
    latest = Act.GIVEN if found.withdrawal is None else Act.WITHDRAWN
    return _drawn(session, ring, settings, found, latest if act is None else act, now=now)


def look_up(
    session: Session, ring: KeyRing, settings: Settings, number: str, code: str, *, now: datetime
) -> Receipt | None:
    """The receipt of a number, for who holds its code. None for a wrong code as for an unknown number."""
    if not knows(ring, number, code):
        return None
    parsed = receipts.parse_number(number)
    found = history.of_record(session, parsed[0], now=now) if parsed else None
    if parsed is None or found is None or (parsed[1] is Act.WITHDRAWN and found.withdrawal is None):
        return None
    return _drawn(session, ring, settings, found, parsed[1], now=now)


def knows(ring: KeyRing, number: str, code: str) -> bool:
    """Whether this is the code of this number, whatever the number."""
    return hmac.compare_digest(code_of(ring, number).encode(), receipts.plain(code).encode())


def code_of(ring: KeyRing, number: str) -> str:
    """The code of a number: 40 bits that only this server can make."""
    mac = ring.mac("receipt", "verify", receipts.plain(number))
    return receipts.spelt(int.from_bytes(mac[: CODE_BITS // 8], "big"), CODE_LENGTH)


def sign(ring: KeyRing, receipt: Receipt) -> str:
    """The receipt as a compact JWS."""
    return receipts.issue(ring.signer(USE, receipts.ALG), receipt.document)


def public_keys(ring: KeyRing) -> dict[str, Any]:
    """Every key that ever signed a receipt, as a JWK Set (RFC 7517)."""
    return {"keys": list(ring.apart[USE])}


def read(ring: KeyRing, text: str) -> Reading:
    """Check a pasted receipt by its signature alone (RFC 7515 section 5.2); white space from copying is forgiven.

    Only our keys, only ES256, only the header that we write, and only the one spelling of each part: base64url has
    spare bits, and a receipt with a changed letter is not the receipt.
    """
    compact = "".join(text.split())
    header = _header(compact)
    if header is None or header.get("kid") not in {key["kid"] for key in ring.apart[USE]}:
        return Reading("unknown")
    try:
        if header != {"alg": receipts.ALG, "kid": header["kid"], "typ": receipts.TYP} or not _one_spelling(compact):
            return Reading("altered")
        checked = jws.deserialize_compact(compact, ring.public[header["kid"]], algorithms=[receipts.ALG])
        document: dict[str, Any] = json.loads(checked.payload)
    except (JoseError, ValueError):
        return Reading("altered")
    return Reading("valid", document)


def qr_svg(address: str) -> str:
    """The address as a QR code: an SVG without inline style."""
    svg: str = segno.make(address, error="m").svg_inline(omitsize=True, border=4, dark="#000", light="#fff")
    return svg


def _drawn(
    session: Session, ring: KeyRing, settings: Settings, found: RecordView, act: Act, *, now: datetime
) -> Receipt:
    record, ended = found.record, None
    if act is Act.WITHDRAWN and found.withdrawal is not None:
        ended = Withdrawn(found.withdrawal.withdrawn_at, _pseudonym(ring, record, found.withdrawal.actor_id))
    own = receipts.number(record.id, act)
    code = receipts.grouped(code_of(ring, own))
    return Receipt(
        number=own,
        act=act,
        code=code,
        address=f"{settings.issuer}/verify?{urlencode({'receipt': own, 'code': code})}",
        document=receipts.render(record, _around(session, ring, settings, record, now=now), ended=ended),
        state=found.state,
        ended=found.withdrawal is not None,
    )


def _around(session: Session, ring: KeyRing, settings: Settings, record: ConsentRecord, *, now: datetime) -> Around:
    recipient = directory.recipient_of(session, record.recipient_id, now=now)
    contacts = directory.contacts_of(session, record.recipient_id, now=now)
    client = clients.find(session, record.client_id)
    return Around(
        issuer=settings.issuer,
        recipient=Organisation(
            recipient.id,
            recipient.kind,
            Bilingual(recipient.name_th, recipient.name_en),
            contacts.controller_contact,
            contacts.dpo_contact,
        ),
        service=Bilingual(client.name_th, client.name_en) if client else None,
        principal=_pseudonym(ring, record, record.subject_id),
        actor=_pseudonym(ring, record, record.actor_id),
        words=notices.shown(session, record.notice_sha256),
        co_actor=None if record.co_actor_id is None else _pseudonym(ring, record, record.co_actor_id),
    )


def _pseudonym(ring: KeyRing, record: ConsentRecord, person_id: UUID) -> str:
    """Pairwise for this one record: two receipts of a person cannot be told to be one person's."""
    return ring.pairwise(person_id, f"receipt:{record.id}")


def _header(compact: str) -> dict[str, Any] | None:
    if len(compact) > LONGEST_JWS or not compact.isascii() or compact.count(".") != PARTS - 1:
        return None
    try:
        header = json.loads(_decoded(compact.partition(".")[0]))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and isinstance(header.get("kid"), str) else None


def _one_spelling(compact: str) -> bool:
    parts = compact.split(".")
    return all(base64.urlsafe_b64encode(_decoded(part)).rstrip(b"=").decode() == part for part in parts)


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
