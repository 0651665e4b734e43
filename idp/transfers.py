"""The story of data that a person has sent on (PDPA s.31): chosen on their page, announced by an event, fetched once.

Only a service that is registered for it can be chosen. It hears of it by a signed event at its own endpoint, with a
handle; it fetches the data with that handle and its own proof of who it is. So the data goes to nobody who merely reads
the event, lies in no queue, and is as it is at the moment of fetching.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit.log import Actor
from consent.db import new_id
from consent.errors import NotAllowed, NotFound
from consent.rights import transferring
from consent.rights.models import RightsTransfer
from idp import alerts, directory, outbox, subjects, taking_along
from idp.keys import KeyRing
from idp.oauth import clients
from idp.oauth.client_facts import ClientFacts
from idp.settings import Settings

EVENT_PATH = "/secevent/portability/event-type/ready"
TYPE = "secevent+jwt"
HANDLE_BYTES = 32


@dataclass(frozen=True)
class Receiver:
    """A service that a person may choose, with the organisation that answers for it."""

    client_id: str
    recipient_id: UUID
    name_th: str
    name_en: str
    organisation_th: str
    organisation_en: str


@dataclass(frozen=True)
class Sent:
    """One transfer for its person's page. state: waiting, fetched, taken_back or lapsed."""

    id: UUID
    client_id: str
    recipient_id: UUID
    asked_at: datetime
    expires_at: datetime
    fetched_at: datetime | None
    state: str


def receivers(session: Session, *, now: datetime) -> list[Receiver]:
    """Whom data can be sent to, by name."""
    found = []
    for client in clients.everyone(session):
        if not takes(client):
            continue
        who = directory.recipient_of(session, client.legal_entity_id, now=now)
        names = (client.name_th, client.name_en, who.name_th, who.name_en)
        found.append(Receiver(client.id, client.legal_entity_id, *names))
    return sorted(found, key=lambda one: (one.name_en, one.client_id))


def takes(client: ClientFacts | None) -> bool:
    """PURE: whether a service is registered for it, and in service."""
    ready = client is not None and client.active and client.event_endpoint is not None
    return ready and client is not None and client.takes_transfers_since is not None


def ask(
    session: Session, ring: KeyRing, settings: Settings, client_id: str, *, subject_id: UUID, now: datetime
) -> RightsTransfer:
    """Have the portable part sent to this service: the letter is queued with the promise, and the person is told.

    Appends transfer.asked. Raises: NotAllowed(code=…): `receiver` for a service that is not registered for it,
    `too_many` beyond ten a day.
    """
    client = clients.find(session, client_id)
    if client is None or client.event_endpoint is None or not takes(client):
        raise NotAllowed("This service takes no data over.", code="receiver")
    handle = secrets.token_urlsafe(HANDLE_BYTES)
    row = transferring.ask(
        session,
        subject_id=subject_id,
        client_id=client.id,
        recipient_id=client.legal_entity_id,
        handle_hash=_hash(ring, handle),
        by=Actor.citizen(subject_id),
        now=now,
    )
    claims = event(ring, settings, client, row, handle=handle, now=now)
    outbox.enqueue(
        session,
        ring,
        kind="set",
        to=client.event_endpoint,
        body=ring.signer("event", "RS256").sign_jwt(claims, typ=TYPE),
        key=f"transfer:{row.id}",
        now=now,
        subject_id=subject_id,
        client_id=client.id,
        recipient_id=client.legal_entity_id,
        until=row.expires_at,
    )
    alerts.tell(session, ring, subject_id=subject_id, kind="transfer_asked", now=now)
    return row


def fetch(session: Session, ring: KeyRing, handle: str, *, client: ClientFacts, now: datetime) -> dict[str, Any]:
    """The data, once, for the service that it was promised to; the person is told. Appends transfer.fetched.

    Raises: NotFound, the same for unknown, another's, too old, taken back and fetched before.
    """
    if not takes(client):
        raise NotFound("There is nothing to fetch.", detail="transfer")
    by = Actor.client(client.id)
    row = transferring.fetch(session, _hash(ring, handle), client_id=client.id, by=by, now=now)
    if subjects.get(session, row.subject_id).data_key is None:
        raise NotFound("There is nothing to fetch.", detail="transfer")
    alerts.tell(session, ring, subject_id=row.subject_id, kind="transfer_fetched", now=now)
    return taking_along.drawn(session, ring, row.subject_id, now=now)


def of_person(session: Session, subject_id: UUID, *, now: datetime) -> list[Sent]:
    """What this person had sent, newest first."""
    return [
        Sent(
            *(row.id, row.client_id, row.recipient_id, row.asked_at, row.expires_at, row.fetched_at),
            transferring.state(row, now=now),
        )
        for row in transferring.of_person(session, subject_id)
    ]


def take_back(session: Session, transfer_id: UUID, *, subject_id: UUID, now: datetime) -> bool:
    """Before it is fetched. False: it is over already. Raises: NotFound, also for another's."""
    return transferring.take_back(session, transfer_id, subject_id=subject_id, now=now)


def event(
    ring: KeyRing, settings: Settings, client: ClientFacts, row: RightsTransfer, *, handle: str, now: datetime
) -> dict[str, Any]:
    """The claims of the signed event (RFC 8417): the person by `sub_id` in the client's sector, and no data."""
    sub = ring.pairwise(row.subject_id, client.sector)
    body = {
        "event_timestamp": int(now.timestamp()),
        "initiating_entity": "user",
        "handle": handle,
        "format": taking_along.FORMAT,
        "expires_at": int(row.expires_at.timestamp()),
    }
    return {
        "iss": settings.issuer,
        "jti": str(new_id()),
        "iat": int(now.timestamp()),
        "aud": client.id,
        "txn": str(row.id),
        "sub_id": {"format": "iss_sub", "iss": settings.issuer, "sub": sub},
        "events": {settings.issuer + EVENT_PATH: body},
    }


def _hash(ring: KeyRing, handle: str) -> str:
    return ring.mac("one-time-code", "transfer", handle).hex()
