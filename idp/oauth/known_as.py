"""Back from a `sub` to the person: kept for each sector in which a grant made somebody known (DECISIONS 7).

A `sub` is a keyed hash and cannot be turned round. Machines that ask about a patient name them by the `sub` of their
own sector, so each grant leaves a row: the hash of the `sub`, never the `sub` itself, so that a copied database tells
nobody who is who. Erasing a person deletes their rows (`erasure`).
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ForeignKey, Uuid, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, InsertOnce, Plain, table_of
from idp.oauth import clients, resources
from idp.oauth.client_facts import ClientFacts
from idp.oauth.pipeline import AuthorizeRequest, Context


class KnownAs(Base):
    """One person in one sector."""

    __tablename__ = "known_as"

    sub_hash: Mapped[Plain] = mapped_column(primary_key=True)
    sector: Mapped[Plain]
    subject_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("subject.id"), index=True)


_K = table_of(KnownAs).c
_FIND = select(_K.subject_id).where(_K.sub_hash == bindparam("sub"), _K.sector == bindparam("in_sector"))
_once = InsertOnce(KnownAs)


def remember(context: Context, request: AuthorizeRequest, client: ClientFacts, subject_id: UUID) -> None:
    """Keep under which `sub` this grant makes the person known: to the client, and to each holder it is for."""
    named = request.resource or ((client.default_resource,) if client.default_resource else ())
    holders = (resources.find(context.session, identifier) for identifier in named)
    sectors = {client.sector, *(holder.sector for holder in holders if holder is not None)}
    for sector in sorted(sectors):
        sub = context.ring.pairwise(subject_id, sector)
        _once(context.session, {"sub_hash": _hash(sub), "sector": sector, "subject_id": subject_id})


def person(session: Session, sub: str, *, sectors: Iterable[str]) -> UUID | None:
    """Who this `sub` is in one of these sectors; None for everybody else's, and for what is no `sub` at all."""
    hashed = _hash(sub)
    found = (session.scalar(_FIND, {"sub": hashed, "in_sector": sector}) for sector in sorted(set(sectors)))
    return next((subject_id for subject_id in found if subject_id is not None), None)


def sectors_of(session: Session, client: ClientFacts) -> frozenset[str]:
    """The sectors in which a machine knows people: those of its organisation's applications and data holders."""
    own = clients.of_recipient(session, client.legal_entity_id)
    places = (place for one in own for place in resources.of_client(session, one.id).values())
    return frozenset({one.sector for one in own} | {place.sector for place in places})


def registered_for(session: Session, client: ClientFacts, purpose: str) -> bool:
    """Whether an application of this machine's organisation is registered for a purpose."""
    return any(purpose in one.purposes for one in clients.of_recipient(session, client.legal_entity_id) if one.active)


def _hash(sub: str) -> str:
    return hashlib.sha256(sub.encode("utf-8", "surrogatepass")).hexdigest()
