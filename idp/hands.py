"""In whose hands an answer lies, and what their yes is worth: the person's, a guardian's, or a chosen helper's.

The rules are `consent.family.rules` and, for helpers, `consent.family.helping`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import purposes
from consent.errors import NotAllowed
from consent.family import helping, links, rules
from consent.family.links import Link
from consent.family.rules import Kind, Needed, Way, What
from consent.purposes import Purpose
from consent.records import Choice

SELF = "self"


def what(purpose: Purpose, basis: str) -> What:
    """PURE: what is done by a yes to this purpose on this basis."""
    if purposes.is_asked(basis):
        return What.consent
    return What.right if purpose.asks else What.told


def way(needed: Needed, link: Link | None, purpose: Purpose, basis: str) -> Way:
    """PURE: what one yes is worth. A helper's is worth what they were chosen for, while the person decides alone."""
    done = what(purpose, basis)
    if link is None or link.kind != Kind.helper:
        return rules.way(needed, SELF if link is None else link.kind, done)
    return helping.way(link, purpose.code, done) if needed is Needed.self_alone else Way.never


def of_choice(session: Session, choice: Choice, *, now: datetime) -> Link | None:
    """The guardianship in whose capacity somebody answers. Raises: NotAllowed when it is not theirs, or over."""
    if choice.capacity == SELF:
        if choice.actor_id != choice.key.subject_id:
            raise NotAllowed("Nobody answers for somebody else as themselves.", code="capacity")
        return None
    link = running(session, choice.guardianship_id, now=now)
    told = (choice.actor_id, choice.key.subject_id, choice.capacity)
    if link is None or told != (link.guardian_id, link.ward_id, link.kind):
        raise NotAllowed("You may not act for this person any more.", code="capacity")
    return link


def check_helper(session: Session, choice: Choice, *, now: datetime) -> None:
    """A no is anybody's of a family, but a helper was chosen for what they may answer. Raises: NotAllowed."""
    if choice.capacity == Kind.helper:
        link, purpose = of_choice(session, choice, now=now), purposes.get(choice.key.purpose)
        if way(Needed.self_alone, link, purpose, choice.basis) is Way.never:
            raise NotAllowed("This is not yours to answer.", detail=f"{purpose.code=}", code="capacity")


def running(session: Session, link_id: UUID | None, *, now: datetime) -> Link | None:
    """The guardianship, if it lets somebody act now."""
    link = links.find(session, link_id)
    return link if link is not None and link.runs_at(now) else None
