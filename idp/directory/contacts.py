"""Whom a person may turn to about an organisation (PDPA s.23: controller and data protection officer)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from consent.errors import NotFound
from idp.directory.models import Facility, LegalEntity

_CONTACTS = (
    select(
        LegalEntity.controller_contact,
        LegalEntity.dpo_contact,
        func.max(Facility.licence_valid_until).label("licence_until"),
        LegalEntity.agreement,
    )
    .outerjoin(Facility, Facility.legal_entity_id == LegalEntity.id)
    .where(LegalEntity.id == bindparam("entity"))
    .group_by(LegalEntity.id, LegalEntity.controller_contact, LegalEntity.dpo_contact, LegalEntity.agreement)
)


@dataclass(frozen=True)
class Contacts:
    """`licence_until`: the latest day of any facility's licence. `agreement`: under which it is served (s.40)."""

    controller_contact: str
    dpo_contact: str
    licence_until: date | None
    agreement: str | None = None


def contacts_of(session: Session, legal_entity_id: UUID, *, now: datetime) -> Contacts:  # noqa: ARG001 -- as its siblings
    """The contacts of an organisation. Raises: consent.errors.NotFound."""
    row = session.execute(_CONTACTS, {"entity": legal_entity_id}).one_or_none()
    if row is None:
        raise NotFound("We could not find that organisation.", detail=f"{legal_entity_id=}")
    return Contacts(*row)


def operator(session: Session) -> UUID | None:
    """The legal entity that runs this server: the one that is marked so; None before it is registered."""
    own = select(LegalEntity.id).where(LegalEntity.own_app).order_by(LegalEntity.id)
    return session.scalars(own).first()
