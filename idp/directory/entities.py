"""Legal entities: who joins as an organisation, found again by its id or by the name it gave."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from consent import purposes
from consent.audit import log
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from idp.directory import roll_out
from idp.directory.models import Facility, LegalEntity
from idp.directory.recipients import LICENSED_KINDS

NOT_KINDS = frozenset({"anyone", "recipient"})  # words of the catalogue that stand for nobody in particular
HCODE = re.compile(r"[0-9]{5}|[A-Z]{2}[0-9]{7}")
LONGEST_NAME = 200

_NAMED = select(LegalEntity).where(
    or_(LegalEntity.name_th == bindparam("name"), LegalEntity.name_en == bindparam("name"))
)


def kinds() -> tuple[str, ...]:
    """Every kind of organisation that some purpose of the catalogue names."""
    named = {kind for row in purposes.all() for kind in (*row.recipient_kinds, *row.asked_by)}
    return tuple(sorted(named - NOT_KINDS))


def register(
    session: Session,
    *,
    name_th: str,
    name_en: str,
    kind: str,
    controller_contact: str,
    dpo_contact: str,
    now: datetime,
    own_app: bool = False,
    hcode: str | None = None,
    province: str | None = None,
    licence_until: date | None = None,
    agreement: str | None = None,
) -> LegalEntity:
    """Write an organisation and, where `hcode` is given, its first facility. Appends entity.registered.

    Kinds that treat people need a facility with a licence, or they could receive nothing (catalogue rule 5).
    Raises: NotAllowed with code unknown_kind, incomplete, no_licence, bad_hcode or taken.
    """
    if kind not in kinds():
        raise NotAllowed(f"There is no such kind of organisation: {kind}.", code="unknown_kind")
    facts = (name_th, name_en, controller_contact, dpo_contact)
    if not all(0 < len(fact.strip()) <= LONGEST_NAME and fact.isprintable() for fact in facts):
        raise NotAllowed("A name or contact is empty or too long.", code="incomplete")
    if kind in LICENSED_KINDS and not (hcode and licence_until):
        raise NotAllowed(f"A {kind} needs a facility code and the last day of its licence.", code="no_licence")
    for name in (name_th, name_en):
        if session.scalars(_NAMED, {"name": name}).first() is not None:
            raise NotAllowed(f"An organisation named {name} is already here.", code="taken")
    entity = LegalEntity(
        name_th=name_th,
        name_en=name_en,
        kind=kind,
        controller_contact=controller_contact,
        dpo_contact=dpo_contact,
        own_app=own_app,
        agreement=_fit(agreement),
    )
    session.add(entity)
    session.flush()
    if hcode is not None:
        _add_facility(session, entity, hcode, province=province or "", licence_until=licence_until)
    log.append(session, "entity.registered", now=now, actor=Actor.system("cli"), recipient_id=entity.id)
    return entity


def agree(session: Session, entity_id: UUID, agreement: str, *, now: datetime) -> None:
    """Keep the number of the agreement under which an organisation is served (PDPA s.40). Appends client.changed.

    Raises: NotFound; NotAllowed(code="incomplete") for a number that is empty or too long.
    """
    entity = session.get(LegalEntity, entity_id)
    if entity is None:
        raise NotFound("There is no such organisation; see `idp entity list`.", detail="entity")
    entity.agreement = _fit(agreement)
    log.append(
        session, "client.changed", now=now, actor=Actor.system("cli"), recipient_id=entity.id, reason="agreement"
    )


def without_agreement(session: Session) -> Sequence[str]:
    """English names of organisations that are served without an agreement on file; the operator needs none."""
    open_ones = LegalEntity.agreement.is_(None), LegalEntity.own_app.is_(False)
    return session.scalars(select(LegalEntity.name_en).where(*open_ones).order_by(LegalEntity.name_en)).all()


def _fit(agreement: str | None) -> str | None:
    if agreement is None:
        return None
    if not 0 < len(agreement.strip()) <= LONGEST_NAME or not agreement.isprintable():
        raise NotAllowed("The number of the agreement is empty or too long.", code="incomplete")
    return agreement.strip()


def find(session: Session, word: str) -> LegalEntity:
    """The organisation of this id or of exactly this Thai or English name. Raises: NotFound."""
    try:
        known = session.get(LegalEntity, UUID(word))
        found = [known] if known is not None else []
    except ValueError:
        found = list(session.scalars(_NAMED, {"name": word}))
    if not found:
        raise NotFound(f"There is no organisation {word}; see `idp entity list`.", detail="entity")
    if len(found) > 1:
        raise NotFound(f"Several organisations are named {word}; give the id, see `idp entity list`.", detail="entity")
    return found[0]


def everyone(session: Session) -> Sequence[LegalEntity]:
    """All organisations, by English name."""
    return session.scalars(select(LegalEntity).order_by(LegalEntity.name_en, LegalEntity.id)).all()


def _add_facility(
    session: Session, entity: LegalEntity, hcode: str, *, province: str, licence_until: date | None
) -> None:
    if not HCODE.fullmatch(hcode):
        raise NotAllowed("A facility code is 5 digits, or 2 letters and 7 digits.", code="bad_hcode")
    if session.get(Facility, hcode) is not None:
        raise NotAllowed(f"The facility code {hcode} is taken.", code="taken")
    session.add(
        Facility(
            hcode=hcode,
            legal_entity_id=entity.id,
            name_th=entity.name_th,
            name_en=entity.name_en,
            kind=entity.kind,
            province=roll_out.spelt(province),
            licence_valid_until=licence_until,
        )
    )
    session.flush()
