"""PURE: a machine's question as it is sent: JSON of closed words, ids and days. See `decisions` for the answer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from consent import purposes as catalogue
from consent import refusing
from consent.decision import About, Asker
from consent.specificity import Stated
from idp.oauth import stated
from idp.oauth.pipeline import uuid_or_none

MEMBERS = {
    "": frozenset(
        {"patient", "recipient", "purpose", "category", "asker", "categories", "data_from", "data_until", "topics"}
    ),
    "patient": frozenset({"sub", "national_id"}),
    "recipient": frozenset({"id", "hcode"}),
    "asker": frozenset({"person", "unit", "hcode", "visit"}),
}
KINDS = frozenset(kind for row in catalogue.all() for kind in row.data_categories)


@dataclass
class Unclear(Exception):  # noqa: N818 -- an answer, not a fault
    """The question cannot be asked so: status, error code (RFC 6749 section 5.2), a sentence. Never of a patient."""

    status: int
    error: str
    description: str


@dataclass(frozen=True)
class Asked:
    """One question as it was sent. One of `sub` and `number`, one of `entity_id` and `hcode`, one of the last two."""

    sub: str
    number: str
    entity_id: UUID | None
    hcode: str
    purpose: str
    category: str
    stated: Stated


def read(body: object) -> Asked:
    """PURE: the question in a JSON body. Raises: Unclear."""
    if not isinstance(body, Mapping):
        raise unclear("the body must be a JSON object")
    _known(body)
    patient, recipient = _part(body, "patient"), _part(body, "recipient")
    try:
        asked = Asked(
            sub=stated.word(patient.get("sub"), "patient.sub"),
            number=stated.word(patient.get("national_id"), "patient.national_id"),
            entity_id=_uuid(recipient.get("id")),
            hcode=stated.word(recipient.get("hcode"), "recipient.hcode"),
            purpose=stated.word(body.get("purpose"), "purpose"),
            category=stated.word(body.get("category"), "category"),
            stated=Stated(_asker(_part(body, "asker")), _about(body)),
        )
    except stated.NotStatedError as error:
        raise unclear(f"{error} is malformed") from error
    for one, other, names in (
        (asked.sub, asked.number, "patient: sub or national_id"),
        (asked.entity_id, asked.hcode, "recipient: id or hcode"),
        (asked.purpose, asked.category, "purpose or category"),
    ):
        if bool(one) == bool(other):
            raise unclear(f"exactly one is needed of {names}")
    return asked


def _known(body: Mapping[str, Any]) -> None:
    """A word that we do not know may have been meant to narrow the question, so it is refused, never passed over."""
    for name, members in MEMBERS.items():
        part = _part(body, name) if name else body
        if not set(part) <= members:
            raise unclear(f"{name or 'the body'} has a member that is not known here")


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name, {})
    if not isinstance(part, Mapping):
        raise unclear(f"{name} must be an object")
    return part


def _uuid(value: object) -> UUID | None:
    if value is None:
        return None
    found = uuid_or_none(value) if isinstance(value, str) else None
    if found is None:
        raise stated.NotStatedError("recipient.id")
    return found


def _asker(part: Mapping[str, Any]) -> Asker:
    said = {name: stated.word(part.get(name), f"asker.{name}") for name in ("person", "unit", "hcode", "visit")}
    return Asker(**said)


def _about(body: Mapping[str, Any]) -> About:
    category = stated.word(body.get("category"), "category")
    return About(
        categories=(*_words(body, "categories", KINDS), *((category,) if category else ())),
        data_from=stated.day(body, "data_from"),
        data_until=stated.day(body, "data_until"),
        topics=_words(body, "topics", refusing.TOPICS),
    )


def _words(body: Mapping[str, Any], name: str, known: Collection[str]) -> tuple[str, ...]:
    """Words of a closed list: nothing that a caller makes up reaches a decision or an entry."""
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and one in known for one in found):
        raise stated.NotStatedError(name)
    return tuple(dict.fromkeys(found))


def unclear(description: str) -> Unclear:
    """A question that cannot be read, in a sentence that repeats nothing of it."""
    return Unclear(400, "invalid_request", description)
