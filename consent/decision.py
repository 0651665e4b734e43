"""PURE: may this recipient use this purpose now? Asked live at every use, never remembered (DECISIONS 16, 17)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from consent import purposes, specificity
from consent import scopes as grammar
from consent.emergency import PURPOSE as EMERGENCY
from consent.emergency import Emergency
from consent.purposes import Kind, Purpose
from consent.reasons import ANSWER_WOULD_HELP, Reason, outward
from consent.specificity import EVERYTHING, NOBODY, About, Asker, Consented, StandingRefusal

__all__ = [
    "EVERYTHING",
    "NOBODY",
    "About",
    "Asker",
    "Capacity",
    "Emergency",
    "Question",
    "Reason",
    "Recipient",
    "RollOut",
    "Standing",
    "StandingRefusal",
    "Verdict",
    "decide",
    "outward",
]


# Beside these a standing refusal changes nothing. Beside all others its word must be the only one: whoever heard
# "too much data" of one kind and "nothing there" of another would know that something was refused.
SAID_ALREADY = frozenset({Reason.no_record, Reason.refused, Reason.emergency_over})


class RollOut(StrEnum):
    """Whether the facilities of a recipient take part: all of them, or who has none; some; none yet."""

    open = "open"
    partly = "partly"
    closed = "closed"


@dataclass(frozen=True)
class Recipient:
    """The legal entity that would receive, as the directory knows it now. `own_app`: this server's operator."""

    id: UUID
    kind: str
    licence_valid: bool
    own_app: bool
    name_th: str
    name_en: str
    roll_out: RollOut = RollOut.open

    def name(self, locale: str) -> str:
        """The name in `en`, or in Thai for every other locale."""
        return self.name_en if locale == "en" else self.name_th


@dataclass(frozen=True)
class Standing:
    """Where one key stands. `move` counts its moves from 1; `uses_left` None: not counted. The rest is of its record.

    `capacity`: in which the actor gave it. `visit_id`: the visit whose end ends it. `data_from`, `data_until`: days of
    Bangkok, both inclusive, of the data that it is about; none: all. `refuses`: its person has a standing refusal.
    `restricted_until`: its use is paused until then (PDPA s.34).
    """

    state: str
    record_id: UUID | None
    expires_at: datetime | None
    moved_at: datetime
    uses_left: int | None
    move: int = 1
    basis: str = ""
    given_at: datetime | None = None
    capacity: str = "self"
    guardianship_id: UUID | None = None
    cosigned: bool = False
    visit_id: UUID | None = None
    data_from: date | None = None
    data_until: date | None = None
    categories: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    notice_version: int | None = None
    values_mac: str | None = None
    proofing_at: datetime | None = None
    channel: str = ""
    refuses: bool = False
    restricted_until: datetime | None = None


@dataclass(frozen=True)
class Capacity:
    """What is wrong, at this moment, with the hands that an answer lies in (PDPA s.20); nothing, if all are False."""

    ended: bool = False
    of_age: bool = False
    needs_guardian: bool = False
    needs_cosign: bool = False


@dataclass(frozen=True)
class Question:
    """One purpose, one recipient, one instant. `aal` None: the level is not asked again (the token exists).

    `visit_runs` is about the visit that the standing answer is tied to; `capacity` about the hands it lies in: without
    them such an answer permits nothing. `notice_changed` and `values_changed` are for somebody who is being asked now.
    """

    purpose: Purpose
    recipient: Recipient
    aal: str | None
    ial: str | None
    now: datetime
    refusals: tuple[StandingRefusal, ...] = ()
    asker: Asker = NOBODY
    about: About = EVERYTHING
    capacity: Capacity | None = None
    emergency: Emergency | None = None
    visit_runs: bool | None = None
    roll_out_open: bool = True
    notice_changed: bool = False
    values_changed: bool = False


@dataclass(frozen=True)
class Verdict:
    """The answer. `asks`: an answer of the citizen is what is missing, and they have not refused.

    `refusal_id`: the standing refusal that stops it, or would stop an answer given now; for its own person alone.
    """

    permit: bool
    reason: Reason
    record_id: UUID | None
    asks: bool
    refusal_id: UUID | None = None


def decide(question: Question, standing: Standing | None) -> Verdict:
    """Decide rules 4, 5, 6, 10 and 11 of the catalogue, in this order.

    Receiver, licence, roll-out; what stands, in whose hands, for which visit; what is asked beyond it; standing
    refusals; levels; and for who is being asked, whether the words or values changed. A refusal is remembered: it does
    not ask again (DECISIONS 18). Purposes of staff, systems and the public rest on no citizen's record and are held to
    the staff levels of their row. An emergency asks for no answer, and no refusal stops it (PDPA s.26(1)).
    """
    against = _receiver(question)
    reason = against or _ground(question, standing)
    refusal = _refusal(question, standing)
    if against is None and refusal is not None and reason not in SAID_ALREADY:
        reason = Reason.standing_refusal
    elif _fine(reason):
        reason = _paused(question, standing) or _levels(question) or _afresh(question) or reason
    return Verdict(
        permit=_fine(reason),
        reason=reason,
        record_id=None if standing is None else standing.record_id,
        asks=reason in ANSWER_WOULD_HELP and not _answered_since(standing, refusal),
        refusal_id=None if refusal is None else refusal.id,
    )


def _answered_since(standing: Standing | None, refusal: StandingRefusal | None) -> bool:
    """Whether they said yes after the refusal that beats it: it is remembered like a no, which it comes to."""
    if standing is None or refusal is None or standing.state != "given" or standing.given_at is None:
        return False
    return standing.given_at > refusal.made_at


def _fine(reason: Reason) -> bool:
    return reason in (Reason.permitted, Reason.basis_recorded)


def _receiver(question: Question) -> Reason | None:
    recipient, purpose = question.recipient, question.purpose
    if not purposes.may_receive(purpose, purposes.kinds_of(recipient.kind, own_app=recipient.own_app)):
        return Reason.recipient_kind
    if not recipient.licence_valid and purpose.kind is not Kind.PUBLIC:
        return Reason.licence_invalid
    if not question.roll_out_open and purpose.kind is not Kind.PUBLIC:
        return Reason.not_onboarded
    return None


def _ground(question: Question, standing: Standing | None) -> Reason:
    """What it rests on, and whether the question stays within that."""
    if question.purpose.code == EMERGENCY:
        runs = question.emergency is not None and question.emergency.runs_at(question.now)
        return _beyond(question, None) or (Reason.basis_recorded if runs else Reason.emergency_over)
    if question.purpose.kind in (Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC):
        return _beyond(question, None) or Reason.basis_recorded
    if standing is None:
        return Reason.no_record
    found = _standing(question, standing)
    return (_hands(question, standing) or _beyond(question, standing) or found) if _fine(found) else found


def _standing(question: Question, standing: Standing) -> Reason:
    if standing.state in ("refused", "withdrawn"):
        return Reason(standing.state)
    kind, since = question.recipient.kind, standing.given_at or standing.moved_at
    if standing.expires_at is None or question.now >= question.purpose.ends(kind, since, standing.expires_at):
        return Reason.expired
    if standing.uses_left is not None and standing.uses_left <= 0:
        return Reason.uses_spent
    if standing.visit_id is not None and question.visit_runs is not True:
        return Reason.visit_over
    return Reason.basis_recorded if standing.state == "noticed" else Reason.permitted


def _hands(question: Question, standing: Standing) -> Reason | None:
    """PDPA s.20: who answered for somebody may do so no longer, or not alone."""
    capacity = question.capacity
    if capacity is None:
        return None if standing.guardianship_id is None else Reason.guardian_ended
    against = (
        (Reason.of_age, capacity.of_age),
        (Reason.guardian_ended, capacity.ended and standing.guardianship_id is not None),
        (Reason.needs_guardian, capacity.needs_guardian),
        (Reason.needs_cosign, capacity.needs_cosign and not standing.cosigned),
    )
    return next((reason for reason, true in against if true), None)


def _beyond(question: Question, standing: Standing | None) -> Reason | None:
    """Whether more is asked than was agreed to, or than the row has; the time asked about must lie in it."""
    about = question.about
    held = question.purpose.data_categories if standing is None or not standing.categories else standing.categories
    if not set(about.categories) <= set(held) or not set(about.topics) <= _topics(question.purpose, standing):
        return Reason.categories
    if standing is None:
        return None
    begins, ends = standing.data_from, standing.data_until
    early = begins is not None and (about.data_from is None or about.data_from < begins)
    late = ends is not None and (about.data_until is None or about.data_until > ends)
    return Reason.data_range if early or late else None


def _topics(purpose: Purpose, standing: Standing | None) -> frozenset[str]:
    """The sensitive topics that may be opened: those of the row, as far as somebody ticked them (rule 10)."""
    row = frozenset(specificity.topics_of(purpose.all_scopes))
    if standing is None or grammar.NAME_PREFIX + purpose.code in standing.scopes or not standing.scopes:
        return row
    return row & frozenset(specificity.topics_of(standing.scopes))


def _refusal(question: Question, standing: Standing | None) -> StandingRefusal | None:
    if question.purpose.code == EMERGENCY or not question.refusals:
        return None
    told = standing is not None and standing.state == "noticed"
    consent = question.purpose.asks and not told
    closer = None
    if consent and standing is not None and standing.given_at is not None:
        topics = specificity.topics_of(standing.scopes)
        closer = Consented(standing.given_at, standing.visit_id, standing.data_from, standing.data_until, topics)
    return specificity.biting(
        question.refusals,
        question.purpose,
        recipient_id=question.recipient.id,
        asker=question.asker,
        about=question.about,
        rests_on_consent=consent,
        consented=closer,
    )


def _paused(question: Question, standing: Standing | None) -> Reason | None:
    """PDPA s.34: a use that rests on the person's consent waits; what the law demands, and their own acts, do not."""
    until = None if standing is None else standing.restricted_until
    optional = question.purpose.kind is Kind.CITIZEN_CONSENT and standing is not None and standing.state == "given"
    return Reason.restricted if optional and until is not None and question.now < until else None


def _levels(question: Question) -> Reason | None:
    purpose = question.purpose
    of_staff = purpose.kind in (Kind.STAFF, Kind.SYSTEM)
    ial, aal = (purpose.staff_ial, purpose.staff_aal) if of_staff else (purpose.citizen_ial, purpose.citizen_aal)
    if question.ial is not None and not purposes.reaches(question.ial, ial):
        return Reason.ial_too_low
    if question.aal is not None and not purposes.reaches(question.aal, aal):
        return Reason.aal_too_low
    return None


def _afresh(question: Question) -> Reason | None:
    if question.notice_changed:
        return Reason.superseded_notice
    return Reason.revalidate if question.values_changed else None
