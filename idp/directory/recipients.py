"""A legal entity as the decision sees it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from consent.decision import Recipient
from consent.errors import NotFound
from idp.directory.models import Facility, LegalEntity
from idp.national_id import BANGKOK

LICENSED_KINDS = frozenset(
    {"hospital", "primary_care", "clinic_medical", "clinic_dental", "clinic_medtech", "drugstore", "lab"}
)

_ENTITY = select(LegalEntity.id, LegalEntity.kind, LegalEntity.own_app, LegalEntity.name_th, LegalEntity.name_en).where(
    LegalEntity.id == bindparam("entity")
)
_LICENSED = select(func.count()).where(
    Facility.legal_entity_id == bindparam("entity"), Facility.licence_valid_until >= bindparam("today")
)


def recipient_of(session: Session, legal_entity_id: UUID, *, now: datetime) -> Recipient:
    """The recipient of data, with whether it holds a licence today in Bangkok.

    Kinds that treat people need at least one facility with a running licence; the others need none here.
    Raises: consent.errors.NotFound.
    """
    entity = session.execute(_ENTITY, {"entity": legal_entity_id}).one_or_none()
    if entity is None:
        raise NotFound("We could not find that organisation.", detail=f"{legal_entity_id=}")
    licence_valid = entity.kind not in LICENSED_KINDS or _licensed(session, legal_entity_id, now=now)
    return Recipient(
        id=entity.id,
        kind=entity.kind,
        licence_valid=licence_valid,
        own_app=entity.own_app,
        name_th=entity.name_th,
        name_en=entity.name_en,
    )


def _licensed(session: Session, legal_entity_id: UUID, *, now: datetime) -> bool:
    today = now.astimezone(BANGKOK).date()
    return bool(session.scalar(_LICENSED, {"entity": legal_entity_id, "today": today}))
