"""Somebody who acts for another, as both stand now: the guardianship, the ward's account, and how surely it is known.

Read at every use of a grant that hangs on a guardianship, so that what ended ends tokens at the next request.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from consent import purposes
from consent.db import table_of
from consent.family import links
from consent.family.links import Link
from idp import subjects
from idp.assurance import Aal, Ial
from idp.people import Subject

PURPOSE = "PROXY"
_S = table_of(Subject).c
_WARD = select(_S.status, _S.ial, _S.ial_expires_at).where(_S.id == bindparam("ward"))


@dataclass(frozen=True)
class Proxy:
    """A guardianship with its ward. `ial`: how surely we know whose data it is."""

    link: Link
    ward_status: str
    ial: Ial

    @property
    def guardianship_id(self) -> UUID:
        """Its id."""
        return self.link.id

    @property
    def patient_id(self) -> UUID:
        """Whose data it opens."""
        return self.link.ward_id

    @property
    def kind(self) -> str:
        """Parent, guardian, curator or helper."""
        return self.link.kind

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself."""
        return self.link.ends_at

    def stopped_at(self, now: datetime) -> str | None:
        """PURE: why nobody may act under it any more, or None. A death ends it, too."""
        return "patient_closed" if self.ward_status != "active" else self.link.stopped_at(now)


def find(session: Session, link_id: UUID | None, *, guardian_id: UUID, now: datetime) -> Proxy | None:
    """This person's part in it, running or over; None for an unknown one and for somebody else's."""
    link = links.find(session, link_id)
    if link is None or link.guardian_id != guardian_id:
        return None
    ward = session.execute(_WARD, {"ward": link.ward_id}).one_or_none()
    if ward is None:
        return None
    return Proxy(link, ward.status, subjects.level(ward.ial, ward.ial_expires_at, now))


def running(session: Session, link_id: UUID | None, *, guardian_id: UUID, now: datetime) -> Proxy | None:
    """The same, if they may act now."""
    found = find(session, link_id, guardian_id=guardian_id, now=now)
    return None if found is None or found.stopped_at(now) is not None else found


def floors() -> tuple[Aal, Ial]:
    """The levels below which nobody acts for another, whatever is asked (catalogue row PROXY)."""
    row = purposes.get(PURPOSE)
    return Aal(row.citizen_aal), Ial(row.citizen_ial)


def weaker(one: Ial, other: Ial) -> Ial:
    """PURE: the level that both reach."""
    return min(one, other, key=lambda level: level.rank)
