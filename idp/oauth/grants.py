"""What a citizen granted to a client in one authorization, and the consents it rests on (DECISIONS 10).

A clinician's grant hangs on a visit or an emergency as well, a guardian's on the guardianship: `subject_id` is who
signed in, `patient_id` whose data it opens.

Codes, refresh families and access tokens hang on a grant; ending it ends them all at the next request.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, InsertOnce, Plain, Sealed, new_id, table_of
from idp.assurance import Aal
from idp.oauth import slots
from idp.oauth.pipeline import AuthorizeRequest


def _since(name: str, column: str) -> Index:
    there = text(f"{column} IS NOT NULL")
    return Index(name, "status_list", column, sqlite_where=there, postgresql_where=there)


class Grant(Base):
    """One authorization. `scopes` is JSON purpose -> scopes as granted; what still stands is asked live."""

    __tablename__ = "oauth_grant"
    __table_args__ = (
        Index("uq_oauth_grant_status_place", "status_list", "status_idx", unique=True),
        _since("ix_oauth_grant_status_ended", "ended_at"),
        _since("ix_oauth_grant_status_suspended", "suspended_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    client_id: Mapped[Plain] = mapped_column(index=True)
    recipient_id: Mapped[UUID]
    scopes: Mapped[Plain]
    resource: Mapped[Plain]  # JSON list, as asked at /authorize
    offline_access: Mapped[bool]
    aal: Mapped[Plain]
    factors: Mapped[Plain]  # space list
    auth_time: Mapped[datetime]
    session_id_hash: Mapped[Plain | None] = mapped_column(index=True)
    session_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[Plain | None]
    acr: Mapped[Plain | None]  # what the ID token answers where an acr was essential; else the sign-in's own level
    patient_id: Mapped[UUID | None] = mapped_column(index=True)
    visit_id: Mapped[UUID | None] = mapped_column(index=True)
    emergency_id: Mapped[UUID | None] = mapped_column(index=True)
    guardianship_id: Mapped[UUID | None] = mapped_column(index=True)  # `patient_id` is then the ward
    status_list: Mapped[int | None]  # its place in the published lists (`slots`); None: all places of the day are taken
    status_idx: Mapped[int | None]
    managed: Mapped[bool | None]  # its client asked for it by `grant_management_action`, and is told its id
    details: Mapped[Sealed | None]  # authorization_details as granted (RFC 9396)
    updated_at: Mapped[datetime | None]
    ended_over: Mapped[UUID | None]  # the record whose end was the grant's
    suspended_at: Mapped[datetime | None]  # since when a refusal in general stops all that it opens (`idp.suspending`)


class GrantConsent(Base):
    """A grant rests on this record: a consent, a notice or a right."""

    __tablename__ = "grant_consent"

    grant_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_grant.id"), primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    purpose: Mapped[Plain]


class SignInFacts(Protocol):
    """What a grant keeps of the sign-in it was made in."""

    @property
    def id_hash(self) -> str: ...  # noqa: D102
    @property
    def factors(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def aal(self) -> Aal: ...  # noqa: D102
    @property
    def auth_time(self) -> datetime: ...  # noqa: D102
    @property
    def expires_at(self) -> datetime: ...  # noqa: D102


class VisitLike(Protocol):
    """The part of a visit, or of an emergency, that a clinician's grant names."""

    @property
    def visit_id(self) -> UUID | None: ...  # noqa: D102
    @property
    def emergency_id(self) -> UUID | None: ...  # noqa: D102
    @property
    def patient_id(self) -> UUID: ...  # noqa: D102


class ProxyLike(Protocol):
    """The part of a guardianship that the grant of somebody who acts for another names."""

    @property
    def guardianship_id(self) -> UUID: ...  # noqa: D102
    @property
    def patient_id(self) -> UUID: ...  # noqa: D102


class ClientLike(Protocol):
    """The part of a client that a grant names."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def legal_entity_id(self) -> UUID: ...  # noqa: D102


_GRANT = table_of(Grant)
_begin, _REST = InsertOnce(Grant), insert(table_of(GrantConsent))
_BEGUN = tuple(column.key for column in _GRANT.columns)


def begin(
    session: Session,
    *,
    subject_id: UUID,
    client: ClientLike,
    areq: AuthorizeRequest,
    scopes: Mapping[str, tuple[str, ...]],
    records: Mapping[str, UUID],
    signed_in: SignInFacts,
    offline_access: bool,
    now: datetime,
    visit: VisitLike | None = None,
    proxy: ProxyLike | None = None,
) -> Grant:
    """Write down what was granted: `scopes` by purpose, resting on `records` by purpose, and on the visit if any."""
    grant = Grant(
        id=new_id(),
        subject_id=subject_id,
        client_id=client.id,
        recipient_id=client.legal_entity_id,
        scopes=json.dumps({code: list(of) for code, of in scopes.items()}),
        resource=json.dumps(list(areq.resource)),
        offline_access=offline_access,
        aal=signed_in.aal.value,
        acr=answered_acr(areq.acr_essential, signed_in.aal),
        factors=" ".join(sorted(signed_in.factors)),
        auth_time=signed_in.auth_time,
        session_id_hash=signed_in.id_hash,
        session_expires_at=signed_in.expires_at,
        created_at=now,
        patient_id=next((one.patient_id for one in (visit, proxy) if one is not None), None),
        visit_id=None if visit is None else visit.visit_id,
        emergency_id=None if visit is None else visit.emergency_id,
        guardianship_id=None if proxy is None else proxy.guardianship_id,
        managed=areq.grant_action is not None or None,
    )
    row = {name: getattr(grant, name) for name in _BEGUN}
    if not any(_begin(session, {**row, **slots.columns(place)}) for place in slots.draws(now)):
        _begin(session, row)
    rests = [{"grant_id": grant.id, "record_id": record, "purpose": purpose} for purpose, record in records.items()]
    if rests:
        session.execute(_REST, rests)
    return grant


def answered_acr(essential: Sequence[str], aal: Aal) -> str | None:
    """PURE: of the `acr` values that are essential, the strongest that this sign-in reaches (OIDC Core 5.5.1.1)."""
    return next((level.acr for level in reversed(Aal) if level <= aal and level.acr in essential), None)


def live(session: Session, grant_id: UUID) -> bool:
    """Whether the grant exists and has not ended."""
    found = session.scalar(select(Grant.id).where(Grant.id == grant_id, Grant.ended_at.is_(None)))
    return found is not None


def end(session: Session, grant_id: UUID, *, reason: str, now: datetime, consent_id: UUID | None = None) -> bool:
    """End one grant and all that hangs on it, over this record if one is named; True if it was this call's doing."""
    ended = session.execute(
        update(Grant)
        .where(Grant.id == grant_id, Grant.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason, ended_over=consent_id)
        .returning(Grant.subject_id, Grant.client_id, Grant.recipient_id, Grant.patient_id)
    ).one_or_none()
    if ended is None:
        return False
    log.append(
        session,
        "token.revoked",
        now=now,
        actor=log.Actor.system("idp"),
        subject_id=ended.patient_id or ended.subject_id,
        client_id=ended.client_id,
        recipient_id=ended.recipient_id,
        consent_id=consent_id,
        reason=reason,
    )
    return True


def end_for_consent(session: Session, record_id: UUID, *, now: datetime, reason: str = "withdrawn") -> list[UUID]:
    """End every grant that rests on this record (DECISIONS 17); their ids."""
    resting = session.scalars(
        select(GrantConsent.grant_id)
        .join(Grant, Grant.id == GrantConsent.grant_id)
        .where(GrantConsent.record_id == record_id, Grant.ended_at.is_(None))
        .order_by(Grant.id)
    ).all()
    return [one for one in resting if end(session, one, reason=reason, now=now, consent_id=record_id)]


def end_for_client(session: Session, client_id: str, *, now: datetime, reason: str = "client_suspended") -> int:
    """End every grant of a client; how many."""
    return _end_of(session, Grant.client_id == client_id, reason=reason, now=now)


def end_for_subject(session: Session, subject_id: UUID, *, now: datetime, reason: str) -> int:
    """End every grant of a person (account closed, superseded); how many."""
    return _end_of(session, Grant.subject_id == subject_id, reason=reason, now=now)


def end_of_person(session: Session, subject_id: UUID, client_id: str, *, now: datetime, reason: str) -> int:
    """End every grant of one person at one client; how many."""
    theirs = and_(Grant.subject_id == subject_id, Grant.client_id == client_id)
    return _end_of(session, theirs, reason=reason, now=now)


def end_everything(session: Session, *, now: datetime, reason: str) -> int:
    """End every grant (a backup was restored: what was revoked since must stay dead); how many."""
    ids = session.scalars(select(Grant.id).where(Grant.ended_at.is_(None)).order_by(Grant.id)).all()
    return sum(end(session, grant_id, reason=reason, now=now) for grant_id in ids)


def end_for_session(session: Session, id_hash: str, *, now: datetime, offline_too: bool = False) -> int:
    """End what lives only as long as this sign-in: grants without offline_access (catalogue rule 8); how many.

    `offline_too`: the sign-in was not the person's, so nothing that was granted in it stays.
    """
    of_session = [Grant.session_id_hash == id_hash, Grant.ended_at.is_(None)]
    ids = session.scalars(
        select(Grant.id).where(*of_session, *([] if offline_too else [Grant.offline_access.is_(False)]))
    ).all()
    return sum(end(session, grant_id, reason="signed_out", now=now) for grant_id in ids)


def end_for_visit(session: Session, visit_id: UUID, *, now: datetime) -> int:
    """End every clinician's grant of a visit that is over; how many."""
    return _end_of(session, Grant.visit_id == visit_id, reason="visit_over", now=now)


def end_for_emergency(session: Session, emergency_id: UUID, *, now: datetime) -> int:
    """End every grant of an emergency that is over; how many."""
    return _end_of(session, Grant.emergency_id == emergency_id, reason="emergency_over", now=now)


def end_for_guardianship(session: Session, guardianship_id: UUID, *, reason: str, now: datetime) -> int:
    """End every grant of somebody who may act for another no longer; how many."""
    return _end_of(session, Grant.guardianship_id == guardianship_id, reason=reason, now=now)


def _end_of(session: Session, which: ColumnElement[bool], *, reason: str, now: datetime) -> int:
    ids = session.scalars(select(Grant.id).where(which, Grant.ended_at.is_(None)).order_by(Grant.id)).all()
    return sum(end(session, grant_id, reason=reason, now=now) for grant_id in ids)


def follow_session(session: Session, old_id_hash: str, new_id_hash: str) -> None:
    """A sign-in got a new token (stronger factor): its grants stay with it."""
    session.execute(
        update(Grant)
        .where(Grant.session_id_hash == old_id_hash, Grant.ended_at.is_(None))
        .values(session_id_hash=new_id_hash)
    )


def clients_with(session: Session, subject_id: UUID, *, id_hashes: Collection[str] | None = None) -> list[str]:
    """Ids of the clients to which a person's live grants belong; with `id_hashes`, those of these sign-ins alone."""
    of_person = [Grant.subject_id == subject_id, Grant.ended_at.is_(None)]
    if id_hashes is not None:
        of_person.append(Grant.session_id_hash.in_(id_hashes))
    return list(session.scalars(select(Grant.client_id).where(*of_person).distinct().order_by(Grant.client_id)))


def clients_of(session: Session, record_id: UUID) -> dict[str, UUID]:
    """Client id -> newest grant that rests or rested on this record."""
    rows = session.execute(
        select(Grant.client_id, Grant.id)
        .join(GrantConsent, Grant.id == GrantConsent.grant_id)
        .where(GrantConsent.record_id == record_id)
        .order_by(Grant.id)
    )
    return {row.client_id: row.id for row in rows}
