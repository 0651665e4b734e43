"""SMART App Launch 2.2, section 4: a clinician opens their hospital's application from our page, for one patient.

The handle in the application's address is 256 random bits, stored hashed: for one client, one visit or emergency, and
the one person who pressed the button, good once within ten minutes. Whoever else reads the address has nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain
from consent.errors import NotFound
from idp.oauth.clients import Client, secret_hash
from idp.oauth.registration import check_link

HANDLE_BYTES = 32
LIFETIME = timedelta(minutes=10)


class LaunchApp(Base):
    """Where a client's application is launched: addresses of its own that take `iss` and `launch`.

    The one for emergencies is another, because the application asks for other scopes there (catalogue rule 1).
    """

    __tablename__ = "launch_app"

    client_id: Mapped[Plain] = mapped_column(ForeignKey("client.id"), primary_key=True)
    launch_uri: Mapped[Plain]
    emergency_uri: Mapped[Plain | None]


class LaunchHandle(Base):
    """One press of the button. `used_at` is set by the conditional UPDATE that lets exactly one code be issued."""

    __tablename__ = "launch_handle"
    __table_args__ = (CheckConstraint("(visit_id IS NULL) <> (emergency_id IS NULL)", name="one"),)

    handle_hash: Mapped[Plain] = mapped_column(primary_key=True)
    client_id: Mapped[Plain]
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("visit.id"))
    emergency_id: Mapped[UUID | None] = mapped_column(ForeignKey("emergency_access.id"))
    made_for: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


@dataclass(frozen=True)
class App:
    """An application that a clinician may open."""

    client_id: str
    name_th: str
    name_en: str

    def name(self, locale: str) -> str:
        """Its name in the language of a page."""
        return self.name_en if locale == "en" else self.name_th


@dataclass(frozen=True)
class LaunchFacts:
    """A handle that is this client's, unused and in time."""

    visit_id: UUID | None
    emergency_id: UUID | None
    made_for: UUID


_APPS = (
    select(Client.id, Client.name_th, Client.name_en)
    .join(LaunchApp, LaunchApp.client_id == Client.id)
    .where(Client.legal_entity_id == bindparam("entity"), Client.status == "active")
    .order_by(Client.id)
)
_RESCUE_APPS = _APPS.where(LaunchApp.emergency_uri.is_not(None))
_APP = (
    select(LaunchApp.launch_uri, LaunchApp.emergency_uri)
    .join(Client, LaunchApp.client_id == Client.id)
    .where(Client.id == bindparam("app"), Client.legal_entity_id == bindparam("entity"), Client.status == "active")
)
_TABLE = LaunchHandle.__table__
_FIND = select(_TABLE.c.visit_id, _TABLE.c.emergency_id, _TABLE.c.made_for).where(
    _TABLE.c.handle_hash == bindparam("hash"),
    _TABLE.c.client_id == bindparam("app"),
    _TABLE.c.used_at.is_(None),
    _TABLE.c.expires_at > bindparam("now"),
)
_USE = (
    update(LaunchHandle)
    .where(_TABLE.c.handle_hash == bindparam("hash"), _TABLE.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def register(session: Session, client_id: str, launch_uri: str, *, emergency_uri: str | None = None) -> None:
    """Say where a client's application is launched; saying it again moves it. Raises: NotAllowed for a bad address."""
    check_link(launch_uri)
    if emergency_uri is not None:
        check_link(emergency_uri)
    session.merge(LaunchApp(client_id=client_id, launch_uri=launch_uri, emergency_uri=emergency_uri))
    session.flush()


def apps_of(session: Session, legal_entity_id: UUID, *, in_emergency: bool = False) -> list[App]:
    """The applications of one organisation that can be launched: for a visit, or in an emergency."""
    known = _RESCUE_APPS if in_emergency else _APPS
    return [App(*row) for row in session.execute(known, {"entity": legal_entity_id})]


def begin(
    session: Session,
    client_id: str,
    *,
    legal_entity_id: UUID,
    visit_id: UUID | None = None,
    emergency_id: UUID | None = None,
    made_for: UUID,
    issuer: str,
    now: datetime,
) -> str:
    """A handle for this client, visit (or emergency) and person; the address to send their browser to (section 4.2).

    Raises: NotFound for a client that is not this organisation's or cannot be launched.
    """
    app = session.execute(_APP, {"app": client_id, "entity": legal_entity_id}).one_or_none()
    launch_uri = None if app is None else app.launch_uri if emergency_id is None else app.emergency_uri
    if launch_uri is None:
        raise NotFound("We could not find that application.", detail="launch")
    handle = secrets.token_urlsafe(HANDLE_BYTES)
    session.add(
        LaunchHandle(
            handle_hash=secret_hash(handle),
            client_id=client_id,
            visit_id=visit_id,
            emergency_id=emergency_id,
            made_for=made_for,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return f"{launch_uri}{'&' if '?' in launch_uri else '?'}{urlencode({'iss': issuer, 'launch': handle})}"


def find(session: Session, handle_hash: str, *, client_id: str, now: datetime) -> LaunchFacts | None:
    """What the handle of this hash stands for, if it is this client's, unused and in time."""
    row = session.execute(_FIND, {"hash": handle_hash, "app": client_id, "now": now}).one_or_none()
    return None if row is None else LaunchFacts(*row)


def use(session: Session, handle_hash: str, *, now: datetime) -> bool:
    """Use the handle up. True for exactly one caller."""
    return session.execute(_USE, {"hash": handle_hash, "now": now}).rowcount == 1  # type: ignore[attr-defined,no-any-return]


def purge(session: Session, *, now: datetime) -> int:
    """Delete handles that are past their time; how many."""
    gone = session.execute(delete(LaunchHandle).where(LaunchHandle.expires_at < now))
    return int(gone.rowcount)  # type: ignore[attr-defined]
