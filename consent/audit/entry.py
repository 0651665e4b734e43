"""PURE: one entry of the log as bytes, and back. `FORMAT.md` beside this file is the specification.

Version byte 0x01, then RFC 8785 JSON of the fields that are not empty. These bytes never change once written.
"""

import hashlib
import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

VERSION = b"\x01"
DETAIL_PREFIX = b"\x02"
SALT_BYTES = 32
PEOPLE = ("citizen", "staff", "auditor")
ACTOR_KINDS = (*PEOPLE, "client", "system")
OUTCOMES = ("ok", "denied", "failed")
MAX_TEXT = 300
MAX_CODES = 100

_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one entry says. `subject` is a pseudonym; so is `actor` for people. Empty means absent from the bytes."""

    id: UUID
    at: datetime
    event: str
    actor_kind: str
    actor: str
    subject: str = ""
    client_id: str = ""
    recipient_id: UUID | None = None
    holder: str = ""
    purpose: str = ""
    basis: str = ""
    consent_id: UUID | None = None
    move: int = 0
    codes: tuple[str, ...] = ()
    acr: str = ""
    ial: str = ""
    outcome: str = "ok"
    reason: str = ""
    request_id: str = ""
    detail_c: str = ""


class EntryError(ValueError):
    """These bytes are not an entry, or these values cannot be one; nothing of them is quoted."""


def to_bytes(entry: Entry) -> bytes:
    """The one and only encoding of `entry`. Raises EntryError for values that FORMAT.md does not allow."""
    _check(entry)
    members = {f.name: _outward(getattr(entry, f.name)) for f in fields(entry)}
    try:
        return VERSION + canonical({name: value for name, value in members.items() if value not in ("", 0, [])})
    except UnicodeEncodeError as error:
        raise EntryError("text holds half a surrogate pair") from error


def from_bytes(leaf: bytes) -> Entry:
    """The entry that these bytes are; refuses every other spelling of the same values (FORMAT.md, "Reading")."""
    if leaf[:1] != VERSION:
        raise EntryError("unknown version byte")
    try:
        members = json.loads(leaf[1:].decode("utf-8"))
        entry = Entry(**{name: _inward(name, value) for name, value in members.items()})
        spelt = to_bytes(entry)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EntryError("not an entry") from error
    if spelt != leaf:
        raise EntryError("not the canonical bytes")
    return entry


def canonical(members: dict[str, Any]) -> bytes:
    """RFC 8785 for what we write: ASCII keys, strings, small whole numbers and lists of strings."""
    text = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def commitment(salt: bytes, detail: str) -> str:
    """`detail_c`: binds the entry to a text that is kept elsewhere and can be erased. The salt is 32 random bytes."""
    if len(salt) != SALT_BYTES:
        raise EntryError("a salt is 32 bytes")
    return hashlib.sha256(DETAIL_PREFIX + salt + detail.encode("utf-8")).hexdigest()


def to_the_millisecond(at: datetime) -> datetime:
    """The instant as an entry can hold it: UTC, microseconds cut off (not rounded: never later than it was)."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def shard_of(at: datetime) -> str:
    """The quarter in UTC, as `2026Q4`. Pseudonyms live for one shard."""
    at = at.astimezone(UTC)
    return f"{at.year:04d}Q{(at.month + 2) // 3}"


def _check(entry: Entry) -> None:
    texts = [getattr(entry, f.name) for f in fields(entry) if f.type is str]
    rules = (
        (entry.at.tzinfo is not None and entry.at == to_the_millisecond(entry.at), "at: UTC, whole milliseconds"),
        (entry.actor_kind in ACTOR_KINDS, "actor_kind"),
        (entry.outcome in OUTCOMES, "outcome"),
        (bool(entry.event and entry.actor), "event and actor are never empty"),
        (entry.actor_kind not in PEOPLE or _matches(_PSEUDONYM, entry.actor), "actor: people are pseudonyms"),
        (not entry.subject or _matches(_PSEUDONYM, entry.subject), "subject: a pseudonym"),
        (_matches(_REQUEST_ID, entry.request_id), "request_id"),
        (type(entry.move) is int and 0 <= entry.move < 2**53, "move"),
        (not entry.detail_c or _matches(_HEX64, entry.detail_c), "detail_c"),
        (len(entry.codes) <= MAX_CODES and all(entry.codes), "codes"),
        (all(_is_text(t) for t in (*texts, *entry.codes)), f"text: at most {MAX_TEXT} characters, no controls"),
    )
    for kept, rule in rules:
        if not kept:
            raise EntryError(rule)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and _CONTROL.search(value) is None


def _outward(value: Any) -> Any:
    match value:
        case datetime():
            # Not strftime: its %Y does not pad years before 1000 on every platform.
            return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        case UUID():
            return str(value)
        case tuple():
            return list(value)
        case None:
            return ""
        case _:
            return value


def _inward(name: str, value: Any) -> Any:
    match name:
        case "at":
            if not _AT.fullmatch(value):
                raise EntryError("at")
            return datetime.fromisoformat(value.removesuffix("Z") + "+00:00")
        case "id" | "recipient_id" | "consent_id":
            return UUID(value)
        case "codes":
            return tuple(value)
        case _:
            return value
