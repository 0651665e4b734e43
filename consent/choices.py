"""PURE: one answer on one screen, whether it may be taken, and the row that it becomes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from consent import purposes
from consent import scopes as grammar
from consent.db import new_id
from consent.errors import NotAllowed
from consent.models import ConsentRecord
from consent.notices import Notice
from consent.purposes import Purpose
from consent.standings import Key

SELF, OFFICER = "self", "officer"
IN_OTHER_HANDS = frozenset({"parent", "guardian", "curator", "helper"})  # they act on a link, which must be named


@dataclass(frozen=True)
class Choice:
    """One answer on one screen, with what was on that screen and how surely we knew who answered.

    `key` names the data subject, `actor_id` who acted and `capacity` as what (PDPA s.20); a second signature stands in
    the `co_` fields. `not_after`: the answer ends then at the latest. `witness`: AAL and IAL of the officer who saw the
    person and their card. `evidence`: SHA-256 of a paper, or the id of a case.
    """

    key: Key
    client_id: str
    actor_id: UUID
    notice: Notice
    scopes: tuple[str, ...]
    categories: tuple[str, ...]
    basis: str
    explicit: bool
    aal: str
    ial: str
    channel: str
    lives_for: timedelta | None
    actor_kind: str = "citizen"  # or staff, who told the notice at a counter
    capacity: str = SELF
    guardianship_id: UUID | None = None
    co_actor_id: UUID | None = None
    co_capacity: str | None = None
    co_signed_at: datetime | None = None
    not_after: datetime | None = None
    visit_id: UUID | None = None
    data_from: date | None = None
    data_until: date | None = None
    evidence: str | None = None
    witness: tuple[str, str] | None = None
    values_mac: str | None = None
    xb_country: str | None = None
    xb_safeguard: str | None = None
    proofing_at: datetime | None = None


def check(choice: Choice, purpose: Purpose) -> None:
    """That the answer is one to what the row allows. Raises: NotAllowed(code=…) as `records.give` lists."""
    rows = (*purpose.all_scopes, grammar.NAME_PREFIX + purpose.code)
    begins, ends = choice.data_from, choice.data_until
    rules = (
        ("notice", choice.notice.purpose == purpose.code),
        ("basis", choice.basis in purposes.possible_bases(purpose)),
        ("categories", set(choice.categories) <= set(purpose.data_categories)),
        ("scope", all(any(grammar.covers(row, scope) for row in rows) for scope in choice.scopes)),
        ("data_range", begins is None or ends is None or begins <= ends),
        ("capacity", _hands_are_clear(choice)),
    )
    for code, kept in rules:
        if not kept:
            raise NotAllowed("This is not what the purpose allows.", detail=f"{purpose.code=} {code=}", code=code)


def check_levels(choice: Choice, purpose: Purpose) -> None:
    """The levels of the row (rule 4). A card and an officer at a counter replace the citizen's AAL, never the IAL.

    Raises: NotAllowed with code `ial_too_low` or `aal_too_low`.
    """
    if not purposes.reaches(choice.ial, purpose.citizen_ial):
        raise NotAllowed("Your identity is not proved well enough.", detail=f"{purpose.code=}", code="ial_too_low")
    if not (purposes.reaches(choice.aal, purpose.citizen_aal) or _is_witnessed(choice, purpose)):
        raise NotAllowed("Sign in more strongly first.", detail=f"{purpose.code=}", code="aal_too_low")


def drawn_up(choice: Choice, purpose: Purpose, *, kind: str, now: datetime) -> ConsentRecord:
    """The row of an act, not yet written. Raises: NotAllowed(code="life") when it would be over at once."""
    key, notice = choice.key, choice.notice
    ends = now + purpose.life(choice.lives_for)
    ends = ends if choice.not_after is None else min(ends, choice.not_after)
    if ends <= now:
        raise NotAllowed("A consent cannot end before it begins.", detail=f"{purpose.code=}", code="life")
    return ConsentRecord(
        id=new_id(),
        kind=kind,
        subject_id=key.subject_id,
        recipient_id=key.recipient_id,
        holder=key.holder,
        purpose=key.purpose,
        client_id=choice.client_id,
        actor_id=choice.actor_id,
        scopes=" ".join(choice.scopes),
        categories=" ".join(choice.categories),
        basis=choice.basis,
        explicit=choice.explicit,
        notice_id=notice.id,
        notice_version=notice.version,
        notice_sha256=notice.sha256,
        locale=notice.locale,
        aal=choice.aal,
        ial=choice.ial,
        channel=choice.channel,
        given_at=now,
        expires_at=ends,
        max_uses=purpose.max_uses,
        **{name: getattr(choice, name) for name in _ALIKE},
    )


_ALIKE = (
    *("capacity", "guardianship_id", "co_actor_id", "co_capacity", "co_signed_at", "visit_id", "data_from"),
    *("data_until", "evidence", "values_mac", "xb_country", "xb_safeguard", "proofing_at"),
)


def _hands_are_clear(choice: Choice) -> bool:
    """Whether it is told who acted as what: a link where somebody acts for another, a paper where an officer does."""
    second = (choice.co_actor_id, choice.co_capacity, choice.co_signed_at)
    rules = (
        choice.capacity in (SELF, OFFICER) or choice.capacity in IN_OTHER_HANDS,
        choice.capacity != OFFICER or bool(choice.evidence),
        choice.guardianship_id is not None or IN_OTHER_HANDS.isdisjoint({choice.capacity, choice.co_capacity}),
        second.count(None) in (0, len(second)),
        choice.co_actor_id != choice.actor_id,
    )
    return all(rules)


def _is_witnessed(choice: Choice, purpose: Purpose) -> bool:
    if choice.witness is None or not purpose.witnessed_at_counter:
        return False
    aal, ial = choice.witness
    return purposes.reaches(aal, purpose.staff_aal) and purposes.reaches(ial, purpose.staff_ial)
