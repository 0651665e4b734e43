"""PURE: may this recipient use this purpose now? Asked live at every use, never remembered (DECISIONS 16, 17)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from consent import purposes
from consent.purposes import Kind, Purpose


class Reason(StrEnum):
    """Why. The first two permit; the rest refuse."""

    permitted = "permitted"
    basis_recorded = "basis_recorded"
    no_record = "no_record"
    refused = "refused"
    withdrawn = "withdrawn"
    expired = "expired"
    uses_spent = "uses_spent"
    aal_too_low = "aal_too_low"
    ial_too_low = "ial_too_low"
    recipient_kind = "recipient_kind"
    licence_invalid = "licence_invalid"


ANSWER_WOULD_HELP = frozenset({Reason.no_record, Reason.withdrawn, Reason.expired, Reason.uses_spent})


@dataclass(frozen=True)
class Recipient:
    """The legal entity that would receive, as the directory knows it now. `own_app`: this server's operator."""

    id: UUID
    kind: str
    licence_valid: bool
    own_app: bool
    name_th: str
    name_en: str

    def name(self, locale: str) -> str:
        """The name in `en`, or in Thai for every other locale."""
        return self.name_en if locale == "en" else self.name_th


@dataclass(frozen=True)
class Standing:
    """Where one key stands. `move` counts its moves from 1; `uses_left` None: not counted."""

    state: str
    record_id: UUID | None
    expires_at: datetime | None
    moved_at: datetime
    uses_left: int | None
    move: int = 1
    basis: str = ""


@dataclass(frozen=True)
class Question:
    """One purpose, one recipient, one instant. `aal` None: the level is not asked again (the token exists)."""

    purpose: Purpose
    recipient: Recipient
    aal: str | None
    ial: str | None
    now: datetime


@dataclass(frozen=True)
class Verdict:
    """The answer. `asks`: an answer of the citizen is what is missing, and they have not refused."""

    permit: bool
    reason: Reason
    record_id: UUID | None
    asks: bool


def decide(question: Question, standing: Standing | None) -> Verdict:
    """Decide rules 4, 5 and 6 of the catalogue, in this order: receiver, licence, standing, levels.

    A refusal is remembered: it does not ask again (DECISIONS 18). Purposes of staff, systems and the public rest on
    no citizen's record and are held to the staff levels of their row.
    """
    reason = _receiver(question) or _standing(question, standing)
    fine = reason in (Reason.permitted, Reason.basis_recorded)
    if fine:
        reason = _levels(question) or reason
    return Verdict(
        permit=reason in (Reason.permitted, Reason.basis_recorded),
        reason=reason,
        record_id=None if standing is None else standing.record_id,
        asks=reason in ANSWER_WOULD_HELP,
    )


def _receiver(question: Question) -> Reason | None:
    recipient, purpose = question.recipient, question.purpose
    if not purposes.may_receive(purpose, purposes.kinds_of(recipient.kind, own_app=recipient.own_app)):
        return Reason.recipient_kind
    if not recipient.licence_valid and purpose.kind is not Kind.PUBLIC:
        return Reason.licence_invalid
    return None


def _standing(question: Question, standing: Standing | None) -> Reason:
    if question.purpose.kind in (Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC):
        return Reason.basis_recorded
    if standing is None:
        return Reason.no_record
    if standing.state in ("refused", "withdrawn"):
        return Reason(standing.state)
    if standing.expires_at is None or question.now >= standing.expires_at:
        return Reason.expired
    if standing.uses_left is not None and standing.uses_left <= 0:
        return Reason.uses_spent
    return Reason.basis_recorded if standing.state == "noticed" else Reason.permitted


def _levels(question: Question) -> Reason | None:
    purpose = question.purpose
    of_staff = purpose.kind in (Kind.STAFF, Kind.SYSTEM)
    ial, aal = (purpose.staff_ial, purpose.staff_aal) if of_staff else (purpose.citizen_ial, purpose.citizen_aal)
    if question.ial is not None and not purposes.reaches(question.ial, ial):
        return Reason.ial_too_low
    if question.aal is not None and not purposes.reaches(question.aal, aal):
        return Reason.aal_too_low
    return None
