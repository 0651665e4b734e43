"""Clients: registration, what a request may rely on, and how a client proves itself (RFC 6749 section 2).

Secrets are random 256-bit values, so a plain SHA-256 is what is stored. Facts are cached for 5 s in each process;
suspending ends the grants at once, so a cached fact cannot keep a token alive.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import CheckConstraint, Engine, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent import abroad
from consent import purposes as catalogue
from consent.audit import log
from consent.db import Base, Plain
from consent.errors import NotFound
from idp import directory
from idp.assurance import Aal, Ial
from idp.oauth import client_keys, grants, registration
from idp.oauth.client_facts import ClientFacts, secret_hash

__all__ = ["Client", "ClientFacts", "everyone", "find", "of_recipient", "register", "require", "secret_hash", "suspend"]

FRESH_S = 5.0
SECRET_BYTES = 32


class Client(Base):
    """One registered application. Its `sector` never changes: subjects hang on it (OIDC Core 8.1)."""

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("kind IN ('web', 'native', 'system', 'resource_server')", name="kind"),
        CheckConstraint("profile IN ('standard', 'compat', 'fapi2')", name="profile"),
        CheckConstraint("status IN ('active', 'suspended')", name="status"),
        CheckConstraint("(auth_method IN ('none', 'private_key_jwt')) = (secret_hash IS NULL)", name="secret"),
        CheckConstraint("(auth_method = 'private_key_jwt') = (jwks IS NOT NULL)", name="jwks"),
    )

    id: Mapped[Plain] = mapped_column(primary_key=True)
    name_th: Mapped[Plain]
    name_en: Mapped[Plain]
    legal_entity_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[Plain]
    profile: Mapped[Plain]
    auth_method: Mapped[Plain]
    secret_hash: Mapped[Plain | None]
    jwks: Mapped[Plain | None]  # public keys by value
    sector: Mapped[Plain]
    redirect_uris: Mapped[Plain]  # JSON list
    post_logout_redirect_uris: Mapped[Plain]  # JSON list
    grant_types: Mapped[Plain]  # space list
    purposes: Mapped[Plain]  # JSON: purpose code -> scopes
    default_resource: Mapped[Plain | None]
    event_endpoint: Mapped[Plain | None]
    id_token_alg: Mapped[Plain]
    logo_uri: Mapped[Plain | None]
    policy_uri: Mapped[Plain | None]
    tos_uri: Mapped[Plain | None]
    status: Mapped[Plain]
    created_at: Mapped[datetime]
    min_aal: Mapped[Plain | None]
    min_ial: Mapped[Plain | None]
    xb_country: Mapped[Plain | None]  # where it keeps what it receives, when that is not Thailand
    xb_safeguard: Mapped[Plain | None]
    takes_transfers_since: Mapped[datetime | None]  # it may be sent what a person takes along (PDPA s.31)


_FIND = select(Client.__table__).where(Client.__table__.c.id == bindparam("id"))
_cache: WeakKeyDictionary[Engine, dict[str, tuple[float, ClientFacts]]] = WeakKeyDictionary()


def find(session: Session, client_id: str) -> ClientFacts | None:
    """The client as it was at most 5 s ago in this process, suspended or not; None if there is none."""
    known = _known(session)
    hit = known.get(client_id)
    if hit is not None and 0 <= time.monotonic() - hit[0] < FRESH_S:
        return hit[1]
    facts = _read(session, client_id)
    if facts is None:
        return None
    known[client_id] = (time.monotonic(), facts)
    return facts


def _read(session: Session, client_id: str) -> ClientFacts | None:
    if not registration.readable_id(client_id):
        return None
    row = session.execute(_FIND, {"id": client_id}).mappings().one_or_none()
    return None if row is None else _facts(dict(row))


def _known(session: Session) -> dict[str, tuple[float, ClientFacts]]:
    return _cache.setdefault(session.get_bind().engine, {})


def _facts(row: dict[str, Any]) -> ClientFacts:
    purposes = {code: tuple(scopes) for code, scopes in json.loads(row["purposes"]).items()}
    return ClientFacts(
        **{
            **row,
            "redirect_uris": tuple(json.loads(row["redirect_uris"])),
            "post_logout_redirect_uris": tuple(json.loads(row["post_logout_redirect_uris"])),
            "grant_types": frozenset(row["grant_types"].split()),
            "purposes": purposes,
        }
    )


def of_recipient(session: Session, legal_entity_id: UUID) -> list[ClientFacts]:
    """All clients of one legal entity, suspended ones too."""
    table = Client.__table__
    rows = session.execute(select(table).where(table.c.legal_entity_id == legal_entity_id).order_by(table.c.id))
    return [_facts(dict(row)) for row in rows.mappings()]


def everyone(session: Session) -> list[ClientFacts]:
    """All clients, by id."""
    return [_facts(dict(row)) for row in session.execute(select(Client.__table__).order_by(Client.id)).mappings()]


def register(
    session: Session,
    *,
    client_id: str,
    name_th: str,
    name_en: str,
    legal_entity_id: UUID,
    kind: str,
    purposes: Mapping[str, Sequence[str]],
    now: datetime,
    profile: str = "standard",
    auth_method: str = "client_secret_basic",
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    grant_types: Sequence[str] = ("authorization_code", "refresh_token"),
    sector: str | None = None,
    default_resource: str | None = None,
    event_endpoint: str | None = None,
    id_token_alg: str = "ES256",  # noqa: S107 -- an algorithm
    logo_uri: str | None = None,
    policy_uri: str | None = None,
    tos_uri: str | None = None,
    secret: str | None = None,
    jwks: object = None,
    min_aal: str | None = None,
    min_ial: str | None = None,
    xb_country: str | None = None,
    xb_safeguard: str | None = None,
) -> tuple[Client, str | None]:
    """Register a client and give its secret, which is shown once and kept hashed (RFC 6749 section 2.3.1).

    `secret` sets a known one (at least 32 characters: the sandbox keeps its services working over restarts); a
    client of private_key_jwt has none, and gives its public keys as `jwks`.
    Raises: NotAllowed with code invalid_client_metadata, invalid_redirect_uri, taken, or the catalogue's own.
    """
    registration.check_words(kind, profile, auth_method, grant_types, id_token_alg)
    registration.check_levels(min_aal, min_ial)
    abroad.check_service(xb_country, xb_safeguard)
    links = (event_endpoint, logo_uri, policy_uri, tos_uri)
    registration.check_addresses(kind, redirect_uris, post_logout_redirect_uris, grant_types, links)
    _check_identity(session, client_id)
    recipient = directory.recipient_of(session, legal_entity_id, now=now)
    catalogue.check_registration(purposes, recipient_kind=recipient.kind, own_app=recipient.own_app)
    given = _new_secret(auth_method, secret)
    later = {"min_aal": min_aal, "min_ial": min_ial, "xb_country": xb_country, "xb_safeguard": xb_safeguard}
    client = Client(
        id=client_id,
        name_th=name_th,
        name_en=name_en,
        legal_entity_id=legal_entity_id,
        kind=kind,
        profile=profile,
        auth_method=auth_method,
        secret_hash=None if given is None else secret_hash(given),
        jwks=client_keys.for_method(auth_method, jwks),
        sector=sector or registration.default_sector(client_id, redirect_uris),
        redirect_uris=json.dumps(list(redirect_uris)),
        post_logout_redirect_uris=json.dumps(list(post_logout_redirect_uris)),
        grant_types=" ".join(grant_types),
        purposes=json.dumps({code: list(scopes) for code, scopes in purposes.items()}),
        default_resource=default_resource,
        event_endpoint=event_endpoint,
        id_token_alg=id_token_alg,
        logo_uri=logo_uri,
        policy_uri=policy_uri,
        tos_uri=tos_uri,
        status="active",
        created_at=now,
        **later,
    )
    session.add(client)
    session.flush()
    _known(session).pop(client_id, None)
    log.append(session, "client.registered", now=now, actor=log.Actor.system("idp"), client_id=client_id)
    return client, given


def require(session: Session, client_id: str, *, min_aal: str | None, min_ial: str | None, now: datetime) -> None:
    """Whoever signs in to it reaches these levels, from the next request on; None asks for no more than the purposes.

    Appends client.changed. Raises: NotFound; NotAllowed with code invalid_client_metadata.
    """
    registration.check_levels(min_aal, min_ial)
    changed = session.execute(update(Client).where(Client.id == client_id).values(min_aal=min_aal, min_ial=min_ial))
    _known(session).pop(client_id, None)
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such client.", detail="client")
    levels = (f"aal:{min_aal or Aal.AAL1.value}", f"ial:{min_ial or Ial.IAL1_1.value}")
    actor = log.Actor.system("idp")
    log.append(session, "client.changed", now=now, actor=actor, client_id=client_id, codes=levels)


def move_abroad(session: Session, client_id: str, *, country: str | None, safeguard: str | None, now: datetime) -> None:
    """It keeps what it receives in that country from now on, or in Thailand (both None); people are asked again.

    Appends client.changed. Raises: NotFound; NotAllowed(code="country" or "safeguard").
    """
    abroad.check_service(country, safeguard)
    moved = update(Client).where(Client.id == client_id).values(xb_country=country, xb_safeguard=safeguard)
    changed = session.execute(moved)
    _known(session).pop(client_id, None)
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such client.", detail="client")
    codes = (f"country:{country or 'TH'}", f"safeguard:{safeguard or '-'}")
    log.append(session, "client.changed", now=now, actor=log.Actor.system("idp"), client_id=client_id, codes=codes)


def take_transfers(session: Session, client_id: str, *, takes: bool, now: datetime) -> None:
    """People may have their portable data sent to it from now on, or no longer (PDPA s.31): it must take events.

    Appends client.changed. Raises: NotFound; NotAllowed with code invalid_client_metadata for one that takes none.
    """
    found = _read(session, client_id)
    if found is None:
        raise NotFound("There is no such client.", detail="client")
    if takes and (found.event_endpoint is None or found.public):
        raise registration.refused("it needs an event_endpoint and a secret", code="invalid_client_metadata")
    changed = update(Client).where(Client.id == client_id).values(takes_transfers_since=now if takes else None)
    session.execute(changed)
    _known(session).pop(client_id, None)
    codes = (f"transfers:{'yes' if takes else 'no'}",)
    log.append(session, "client.changed", now=now, actor=log.Actor.system("idp"), client_id=client_id, codes=codes)


def suspend(session: Session, client_id: str, *, now: datetime) -> None:
    """Take a client out of service: it can ask for nothing, and every grant it holds ends. Raises: NotFound."""
    stop = update(Client).where(Client.id == client_id, Client.status == "active").values(status="suspended")
    stopped = session.execute(stop)
    _known(session).pop(client_id, None)
    if not stopped.rowcount:  # type: ignore[attr-defined]
        if find(session, client_id) is None:
            raise NotFound("There is no such client.", detail="client")
        return
    grants.end_for_client(session, client_id, now=now)
    log.append(session, "client.suspended", now=now, actor=log.Actor.system("idp"), client_id=client_id)


def _check_identity(session: Session, client_id: str) -> None:
    if not registration.readable_id(client_id) or registration.is_person_shaped(client_id):
        raise registration.refused("the client_id is not a plain word", code="invalid_client_metadata")
    if _read(session, client_id) is not None:
        raise registration.refused("the client_id is taken", code="taken")


def _new_secret(auth_method: str, secret: str | None) -> str | None:
    if auth_method in ("none", "private_key_jwt"):
        return None
    if secret is not None and len(secret) < SECRET_BYTES:
        raise registration.refused("the secret is too short", code="invalid_client_metadata")
    return secret or secrets.token_urlsafe(SECRET_BYTES)
