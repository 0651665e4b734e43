"""A legal entity as the decision sees it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Date, bindparam, select
from sqlalchemy.orm import Session

from consent.db import table_of
from consent.decision import Recipient, RollOut
from consent.errors import NotFound
from idp.directory import roll_out
from idp.directory.models import Facility, LegalEntity
from idp.national_id import BANGKOK

LICENSED_KINDS = frozenset(
    {"hospital", "primary_care", "clinic_medical", "clinic_dental", "clinic_medtech", "drugstore", "lab"}
)

_E, _F = table_of(LegalEntity).c, table_of(Facility).c
_LICENSED = select(_F.hcode).where(
    _F.legal_entity_id == bindparam("entity"), _F.licence_valid_until >= bindparam("today", type_=Date())
)
_ENTITY = select(
    *(_E.id, _E.kind, _E.own_app, _E.name_th, _E.name_en, _LICENSED.exists().label("licensed")),
    roll_out.SOME_CLOSED.label("some_closed"),
    roll_out.SOME_OPEN.label("some_open"),
).where(_E.id == bindparam("entity"))


def recipient_of(session: Session, legal_entity_id: UUID, *, now: datetime) -> Recipient:
    """The recipient of data, with whether it holds a licence today in Bangkok, and whether it takes part yet.

    Kinds that treat people need at least one facility with a running licence; the others need none here. The roll-out
    is asked of its facilities: who has none is nowhere, and takes part. Raises: consent.errors.NotFound.
    """
    today = now.astimezone(BANGKOK).date()
    entity = session.execute(_ENTITY, {"entity": legal_entity_id, "today": today, "now": now}).one_or_none()
    if entity is None:
        raise NotFound("We could not find that organisation.", detail=f"{legal_entity_id=}")
    licence_valid = entity.kind not in LICENSED_KINDS or bool(entity.licensed)
    return Recipient(
        id=entity.id,
        kind=entity.kind,
        licence_valid=licence_valid,
        own_app=entity.own_app,
        name_th=entity.name_th,
        name_en=entity.name_en,
        roll_out=_roll_out(some_closed=entity.some_closed, some_open=entity.some_open),
    )


def _roll_out(*, some_closed: bool, some_open: bool) -> RollOut:
    if not some_closed:
        return RollOut.open
    return RollOut.partly if some_open else RollOut.closed


def takes_part(session: Session, legal_entity_id: UUID, *, now: datetime) -> bool:
    """Whether the roll-out has reached this organisation anywhere; one that is gone says nothing against it."""
    try:
        return recipient_of(session, legal_entity_id, now=now).roll_out is not RollOut.closed
    except NotFound:
        return True


_FACILITY = select(Facility.name_th, Facility.name_en).where(Facility.hcode == bindparam("hcode"))


def entity_of(session: Session, hcode: str) -> UUID | None:
    """The legal entity of a facility; None when it is not listed."""
    return session.scalar(select(Facility.legal_entity_id).where(Facility.hcode == hcode))


def hcode_of(session: Session, legal_entity_id: UUID) -> str | None:
    """The facility code of an organisation that has exactly one; None otherwise."""
    codes = session.scalars(select(Facility.hcode).where(Facility.legal_entity_id == legal_entity_id).limit(2)).all()
    return codes[0] if len(codes) == 1 else None


def facility_name(session: Session, hcode: str, *, locale: str) -> str | None:
    """A facility's name in the language of a page; None when it is not listed."""
    row = session.execute(_FACILITY, {"hcode": hcode}).one_or_none()
    return None if row is None else (row.name_en if locale == "en" else row.name_th)
