"""Resource servers: who holds data, under which identifier, and for whom a token may be meant (RFC 8707)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, Plain
from consent.errors import NotAllowed
from idp.oauth.clients import ClientFacts
from idp.oauth.errors import InvalidTargetError
from idp.oauth.pipeline import Context


class ResourceServer(Base):
    """One data holder. Its sector gives people the `sub` that this holder sees (DECISIONS 7)."""

    __tablename__ = "resource_server"

    identifier: Mapped[Plain] = mapped_column(primary_key=True)
    legal_entity_id: Mapped[UUID]
    client_id: Mapped[Plain | None] = mapped_column(index=True)
    sector: Mapped[Plain]
    accepts: Mapped[Plain]  # JSON list of scope prefixes; empty means all
    introspects: Mapped[bool]
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class ResourceFacts:
    """What a token needs to know about the place it is for."""

    identifier: str
    client_id: str | None
    sector: str
    accepts: tuple[str, ...] = ()
    introspects: bool = False

    def takes(self, scope: str) -> bool:
        """Whether this holder has any use for the scope."""
        return not self.accepts or scope.startswith(self.accepts)


def register(
    session: Session,
    *,
    identifier: str,
    legal_entity_id: UUID,
    client_id: str | None,
    now: datetime,
    sector: str | None = None,
    accepts: Sequence[str] = (),
    introspects: bool = False,
) -> ResourceServer:
    """Register a data holder under an absolute URI without a fragment (RFC 8707 section 2).

    `client_id` is the client by which it authenticates at introspection. Raises: NotAllowed (invalid_target, taken).
    """
    if not _is_absolute(identifier):
        raise NotAllowed("A resource is named by an absolute URI without a fragment.", code="invalid_target")
    if find(session, identifier) is not None:
        raise NotAllowed(f"The resource {identifier} is already registered.", code="taken")
    row = ResourceServer(
        identifier=identifier,
        legal_entity_id=legal_entity_id,
        client_id=client_id,
        sector=sector or urlsplit(identifier).hostname or identifier,
        accepts=json.dumps(list(accepts)),
        introspects=introspects,
        created_at=now,
    )
    session.add(row)
    session.flush()
    log.append(session, "client.registered", now=now, actor=log.Actor.system("idp"), client_id=client_id or "")
    return row


_TABLE = ResourceServer.__table__
_COLUMNS = (_TABLE.c.identifier, _TABLE.c.client_id, _TABLE.c.sector, _TABLE.c.accepts, _TABLE.c.introspects)
_FIND = select(*_COLUMNS).where(_TABLE.c.identifier == bindparam("identifier"))
_EVERYONE = select(*_COLUMNS).order_by(_TABLE.c.identifier)
_OF_CLIENT = select(*_COLUMNS).where(_TABLE.c.client_id == bindparam("client_id"))


def find(session: Session, identifier: str) -> ResourceFacts | None:
    """The resource server of this identifier."""
    row = session.execute(_FIND, {"identifier": identifier}).one_or_none()
    return None if row is None else _facts(row)


def everyone(session: Session) -> list[ResourceFacts]:
    """All resource servers, by identifier."""
    return [_facts(row) for row in session.execute(_EVERYONE)]


def of_client(session: Session, client_id: str) -> dict[str, ResourceFacts]:
    """What this client answers for at introspection, by identifier."""
    return {row.identifier: _facts(row) for row in session.execute(_OF_CLIENT, {"client_id": client_id})}


def _facts(row: Any) -> ResourceFacts:
    return ResourceFacts(row.identifier, row.client_id, row.sector, tuple(json.loads(row.accepts)), row.introspects)


def check(context: Context, identifiers: Sequence[str]) -> None:
    """Every named resource is ours: a data holder or the issuer itself (UserInfo). Raises: InvalidTargetError."""
    for identifier in identifiers:
        if identifier != context.issuer and (not _is_absolute(identifier) or find(context.session, identifier) is None):
            raise InvalidTargetError("the resource is unknown")


@dataclass(frozen=True)
class Target:
    """Where one access token may be used: a data holder, UserInfo, or both."""

    holder: ResourceFacts | None
    userinfo: bool

    @property
    def introspected(self) -> bool:
        """Whether every use is asked about, so that `offline_s` 0 may be in the token (catalogue rule 7)."""
        return self.holder is None or self.holder.introspects


def choose(
    context: Context, client: ClientFacts, *, asked: Sequence[str], granted: Sequence[str], openid: bool
) -> Target:
    """The audience of one token (DECISIONS 8): what was asked now, else at /authorize, else the client's default.

    A token is for one data holder at most, because its `sub` is in that holder's sector. UserInfo is added when
    `openid` is granted and no resource was named. Raises: InvalidTargetError.
    """
    if asked and granted and not set(asked) <= {*granted, context.issuer}:
        raise InvalidTargetError("the resource was not granted")
    named = tuple(dict.fromkeys(asked or granted))
    check(context, named)
    holders = [identifier for identifier in named if identifier != context.issuer]
    if asked and len(holders) > 1:
        raise InvalidTargetError("one resource at a time")
    if not named and client.default_resource is not None:
        holders = [client.default_resource]
    holder = find(context.session, holders[0]) if holders else None
    userinfo = openid and (not named or context.issuer in named)
    if holder is None and not userinfo:
        raise InvalidTargetError("the client has no resource for this")
    return Target(holder, userinfo)


def _is_absolute(identifier: str) -> bool:
    try:
        parts = urlsplit(identifier)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and "#" not in identifier and identifier.isascii()
