"""A consent taken back at the counter, as easily as one on paper is given there (PDPA s.19): asked for, entered, over.

It rests on an open visit, whose card proved who stands there. The officer sees what this person allows this facility's
own organisation, by title and date, and nothing of any other place. The person is told at once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import history, purposes
from consent.choices import OFFICER, SELF
from consent.errors import NotAllowed, NotFound
from consent.family import links
from consent.family.links import Link
from consent.family.rules import Kind, Needed
from consent.history import ConsentView
from consent.models import ConsentWithdrawal
from idp import alerts, family, subjects, withdrawal
from idp.keys import KeyRing
from idp.paper_consents import may_witness
from idp.readings import Desk
from idp.settings import Settings
from idp.visits import Visit

TOLD, REASON = "consent_taken_back", "counter"


@dataclass(frozen=True)
class Sheet:
    """What runs here and can be taken back, who may ask for it, and why this officer cannot enter it (a code)."""

    running: tuple[ConsentView, ...]
    needed: Needed
    beside: tuple[Link, ...]
    refusal: str | None


def sheet(session: Session, ring: KeyRing, visit: Visit, *, desk: Desk, now: datetime) -> Sheet:
    """The consents of this person to this organisation alone, and whose word ends them."""
    needed = family.who(session, ring, visit.subject_id, now=now)
    found = links.of_ward(session, visit.subject_id, now=now) if needed is not Needed.self_alone else []
    beside = tuple(one for one in found if one.kind != Kind.helper)
    level = subjects.level_now(session, desk.person_id, now=now)
    rows = [one for one in purposes.all() if one.witnessed_at_counter and one.asks]
    why = refusal(
        running=visit.runs_at(now),
        own=visit.subject_id == desk.person_id,
        witness=all(may_witness(one, desk.aal, level) for one in rows),
        guardian=needed is not Needed.guardian_alone or bool(beside),
    )
    running = tuple(one for one in _of_here(session, visit, now=now) if one.state == "active")
    return Sheet(running, needed, beside, why)


def refusal(*, running: bool, own: bool, witness: bool, guardian: bool) -> str | None:
    """PURE: why nothing can be taken back here, as a code, or None. A licence that ended holds nobody to a yes."""
    against = (
        ("visit_over", not running),
        ("own_consents", own),
        ("staff_level", not witness),
        ("no_guardian", not guardian),
    )
    return next((code for code, true in against if true), None)


def take_back(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    visit: Visit,
    picked: Collection[UUID],
    *,
    signer: str,
    desk: Desk,
    now: datetime,
) -> int:
    """End what was picked, at once; how many this call ended. The person is told, and a guardian who asked.

    `signer`: `self`, or the guardianship under which somebody asks for a ward. A no of either of two counts alone.
    Appends consent.withdrawn. Raises: NotAllowed with the code of `refusal`, or `signer`, `picked`; NotFound for a
    consent that is another's or of another organisation.
    """
    drawn = sheet(session, ring, visit, desk=desk, now=now)
    link = next((one for one in drawn.beside if str(one.id) == signer), None)
    alone = drawn.needed is Needed.self_alone or (drawn.needed is Needed.both and signer == SELF)
    rules = (
        (drawn.refusal or "", drawn.refusal is None),
        ("own_consents", link is None or link.guardian_id != desk.person_id),
        ("signer", alone or link is not None),
        ("picked", bool(picked)),
    )
    for code, kept in rules:
        if not kept:
            raise NotAllowed("This cannot be taken back here.", detail=f"{code=}", code=code)
    if not set(picked) <= {one.record_id for one in _of_here(session, visit, now=now)}:
        raise NotFound("We could not find that consent.", detail="counter")
    running = {one.record_id for one in drawn.running if one.record_id is not None}
    ended = sum(
        _end(session, ring, settings, visit, one, link=link, desk=desk, now=now)
        for one in sorted(set(picked) & running)
    )
    if ended:
        for person in {visit.subject_id, *([] if link is None else [link.guardian_id])}:
            alerts.tell(session, ring, subject_id=person, kind=TOLD, now=now)
    return ended


def ended_in(
    session: Session, visit: Visit, *, officer: UUID, locale: str, now: datetime
) -> list[tuple[str, datetime]]:
    """What this officer ended during this visit, by title and time: the slip says so."""
    until = visit.ended_at or visit.ends_at
    return [
        (purposes.get(one.purpose).name.in_(locale), one.withdrawn_at)
        for one in _of_here(session, visit, now=now)
        if one.record_id is not None
        and one.withdrawn_at is not None
        and visit.opened_at <= one.withdrawn_at <= until
        and session.get_one(ConsentWithdrawal, one.record_id).actor_id == officer
    ]


def _of_here(session: Session, visit: Visit, *, now: datetime) -> list[ConsentView]:
    """What this person ever agreed to for the organisation of this visit, whatever became of it."""
    return [
        one
        for one in history.for_subject(session, visit.subject_id, now=now)
        if one.recipient_id == visit.recipient_id and one.record_id is not None and purposes.get(one.purpose).asks
    ]


def _end(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    visit: Visit,
    record_id: UUID,
    *,
    link: Link | None,
    desk: Desk,
    now: datetime,
) -> bool:
    """End one; whether this call did: a second tap at the same moment finds the first one's row."""
    ended = withdrawal.withdraw(
        *(session, ring, settings, record_id),
        subject_id=visit.subject_id,
        actor_id=desk.person_id,
        reason=REASON,
        office=(f"capacity:{OFFICER}", f"signer:{link.kind if link else SELF}", *desk.codes),
        now=now,
    )
    row = session.get(ConsentWithdrawal, ended.id)
    return row is not None and (row.actor_id, row.withdrawn_at) == (desk.person_id, now)
