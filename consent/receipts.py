"""PURE: a consent record as the signed proof that its person keeps. ISO/IEC TS 27560:2023, RFC 7515, RFC 8785.

A receipt is drawn from the stored record, so nothing of it is stored, and every copy has the same payload as the
first. It names the receiver and never the person: they stand as a pseudonym that belongs to this one record. Names,
contacts and pseudonyms come in as values. The withdrawal of a record is an act with a receipt of its own.
"""

import base64
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from consent import purposes
from consent.audit.entry import canonical, to_the_millisecond
from consent.db import Signer
from consent.models import ConsentRecord
from consent.purposes import Bilingual, Purpose
from consent.standings import ANY_HOLDER

SCHEMA = "ISO/IEC TS 27560:2023; yinyom-receipt 1"
TYP = "consent-receipt+jwt"
ALG = "ES256"
JURISDICTION = "TH"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
LOOK_ALIKES = str.maketrans("OIL", "011")
NUMBER_LENGTH = 26  # 128 bits of the record's id and 2 of the act
GROUP = 4
DAY_S, HOUR_S = 86_400, 3_600
NOT_HELD = "as stated by the controller"  # the receiver's own house, of which we hold nothing
TYPES = {"consent": "expressed_consent", "right": "exercise_of_right", "notice": "notice"}
STATES = {"consent": "consent_given", "right": "right_confirmed", "notice": "notice_given"}
WITHDRAWN = "consent_withdrawn"


class Act(IntEnum):
    """What a receipt is of. The value is part of its number, so it never changes."""

    GIVEN = 0
    WITHDRAWN = 1


@dataclass(frozen=True)
class Organisation:
    """Who receives the data, as the directory knows it now. `kind` is a word of the catalogue."""

    id: UUID
    kind: str
    name: Bilingual
    contact: str
    dpo_contact: str


@dataclass(frozen=True)
class Withdrawn:
    """The end of the record by its person; `actor` is the pseudonym of who did it."""

    at: datetime
    actor: str


@dataclass(frozen=True)
class Around:
    """What a receipt says and the record does not hold. `words` are the notice exactly as it was answered.

    `co_actor` is the pseudonym of whoever signed as the second.
    """

    issuer: str
    recipient: Organisation
    service: Bilingual | None
    principal: str
    actor: str
    words: str
    co_actor: str | None = None


def number(record_id: UUID, act: Act) -> str:
    """The receipt's number: record and act in 26 letters that are hard to mistake, in groups of four."""
    return grouped(spelt(record_id.int << 2 | act, NUMBER_LENGTH))


def parse_number(text: str) -> tuple[UUID, Act] | None:
    """What a typed number stands for. Spaces, dashes, small letters, Thai digits and look-alikes are fine."""
    letters = plain(text)
    if len(letters) != NUMBER_LENGTH or not set(letters) <= set(LETTERS):
        return None
    value = 0
    for letter in letters:
        value = value << 5 | LETTERS.index(letter)
    act = value & 3
    return (UUID(int=value >> 2), Act(act)) if act in list(Act) else None


def spelt(value: int, length: int) -> str:
    """A whole number in `length` letters of Crockford's base 32."""
    return "".join(LETTERS[value >> 5 * place & 31] for place in reversed(range(length)))


def grouped(letters: str) -> str:
    """In groups of four, as it is read aloud and typed."""
    return "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))


def plain(text: str) -> str:
    """The letters of what a person typed."""
    signs = (str(unicodedata.decimal(sign, sign)) for sign in text if sign.isalnum())
    return "".join(signs).upper().translate(LOOK_ALIKES)


def render(record: ConsentRecord, around: Around, *, ended: Withdrawn | None = None) -> dict[str, Any]:
    """The document: of the act itself, or with `ended` of its withdrawal. Same record, same names: same document.

    `iat` is the moment of the act: the receipt is issued by it, and every later copy is that receipt.
    """
    act = Act.GIVEN if ended is None else Act.WITHDRAWN
    own = number(record.id, act)
    return {
        "iss": around.issuer,
        "jti": own,
        "iat": int((record.given_at if ended is None else ended.at).timestamp()),
        "receipt": {
            "receipt_id": own,
            "schema_version": SCHEMA,
            "verification_page": f"{around.issuer}/verify",
            "verification_keys": f"{around.issuer}/receipts/keys.json",
        },
        "record_header": {
            "record_id": str(record.id),
            "schema_version": SCHEMA,
            "pii_principal_id": around.principal,
        },
        "pii_processing": _processing(record, around),
        "party_identification": [_controller(around.recipient), _issuer(around.issuer)],
        "events": [_given(record, around), *([_withdrawn(ended, record)] if ended else [])],
    }


def payload(document: dict[str, Any]) -> bytes:
    """The bytes that are signed: RFC 8785. Keys are ASCII and numbers whole, so key order is plain order."""
    return canonical(document)


def issue(signer: Signer, document: dict[str, Any]) -> str:
    """The receipt as a compact JWS (RFC 7515 section 7.1) by the receipt key; `signer` signs ES256 (RFC 7518 3.4)."""
    header = canonical({"alg": ALG, "kid": signer.kid, "typ": TYP})
    signed = f"{_base64url(header)}.{_base64url(payload(document))}"
    return f"{signed}.{_base64url(signer.sign(signed.encode('ascii')))}"


def _processing(record: ConsentRecord, around: Around) -> dict[str, Any]:
    return {
        "privacy_notice": {
            "notice_id": str(record.notice_id),
            "version": record.notice_version,
            "sha256": record.notice_sha256,
            "text": around.words,
        },
        "language": record.locale,
        "purposes": [_purpose(record, purposes.get(record.purpose), around)],
    }


def _purpose(record: ConsentRecord, purpose: Purpose, around: Around) -> dict[str, Any]:
    may_end = purpose.asks and record.kind != "notice"
    return {
        "purpose": purpose.code,
        "purpose_name": _both(purpose.name),
        "purpose_type": purpose.kind.value,
        "lawful_basis": record.basis,
        "pii_information": [_pii(code) for code in record.categories.split()],
        "pii_controllers": [str(around.recipient.id)],
        "services": [_both(around.service)] if around.service else [],
        "collection_method": "from any listed holder" if record.holder == ANY_HOLDER else f"from {record.holder}",
        "processing_method": record.scopes.split(),
        "storage_locations": [NOT_HELD],
        "retention_period": NOT_HELD,
        "jurisdiction": JURISDICTION,
        "recipient_third_parties": [],
        "withdrawal_method": f"{around.issuer}/me/consents/{record.id}/withdraw" if may_end else "none",
        **({} if record.max_uses is None else {"max_uses": record.max_uses}),
        **_limits(record),
    }


def _limits(record: ConsentRecord) -> dict[str, Any]:
    """What it is only about, and where the data go: written where it was said, absent where nothing was."""
    time = {"from": record.data_from, "until": record.data_until}
    found: dict[str, Any] = {}
    if any(time.values()):
        found["data_time_range"] = {name: day.isoformat() for name, day in time.items() if day is not None}
    if record.visit_id is not None:
        found["ends_with_visit"] = True  # which one, would tell two receipts to be one person's
    if record.xb_country is not None:
        found["cross_border"] = {"country": record.xb_country, "safeguard": record.xb_safeguard or ""}
    return found


def _pii(code: str) -> dict[str, Any]:
    category = purposes.category(code)
    return {"pii_type": code, "name": _both(category.name), "special_pii_category": category.s26}


def _controller(recipient: Organisation) -> dict[str, Any]:
    return {
        "party_id": str(recipient.id),
        "party_name": _both(recipient.name),
        "party_role": "pii_controller",
        "party_type": recipient.kind,
        "party_address": JURISDICTION,
        "party_contact": recipient.contact,
        "dpo_contact": recipient.dpo_contact,
    }


def _issuer(issuer: str) -> dict[str, Any]:
    return {
        "party_id": issuer,
        "party_name": {"en": "Yinyom", "th": "ยินยอม"},
        "party_role": "receipt_issuer",
        "party_type": "consent_service",
        "party_address": JURISDICTION,
        "party_contact": issuer,
        "party_url": issuer,
    }


def _given(record: ConsentRecord, around: Around) -> dict[str, Any]:
    return {
        "event_time": _moment(record.given_at),
        "validity_duration": _span(record.expires_at - record.given_at),
        "valid_until": _moment(record.expires_at),
        "entity_id": around.actor,
        "event_type": _type(record),
        "event_state": STATES[record.kind],
        "channel": record.channel,
        "assurance": {"aal": record.aal, "ial": record.ial},
        **_hands(record, around),
    }


def _hands(record: ConsentRecord, around: Around) -> dict[str, Any]:
    """Who acted as what (PDPA s.20), the paper it rests on, and the second signature."""
    found: dict[str, Any] = {}
    if record.capacity not in (None, "self"):
        found["acted_as"] = record.capacity
    if record.evidence is not None:
        found["evidence"] = record.evidence
    if record.proofing_at is not None:
        found["identity_proved_at"] = _moment(record.proofing_at)
    if record.co_signed_at is not None:
        found["co_signature"] = {
            "entity_id": around.co_actor or "",
            "acted_as": record.co_capacity or "",
            "event_time": _moment(record.co_signed_at),
        }
    return found


def _withdrawn(ended: Withdrawn, record: ConsentRecord) -> dict[str, Any]:
    return {
        "event_time": _moment(ended.at),
        "validity_duration": _span(timedelta(0)),
        "entity_id": ended.actor,
        "event_type": _type(record),
        "event_state": WITHDRAWN,
    }


def _type(record: ConsentRecord) -> str:
    return "explicit_consent" if record.kind == "consent" and record.explicit else TYPES[record.kind]


def _both(words: Bilingual) -> dict[str, str]:
    return {"en": words.en, "th": words.th}


def _moment(at: datetime) -> str:
    return to_the_millisecond(at).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds and seconds % DAY_S == 0:
        return f"P{seconds // DAY_S}D"
    return f"PT{seconds // HOUR_S}H" if seconds and seconds % HOUR_S == 0 else f"PT{seconds}S"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
