"""A letter to try out a service's event endpoint: SSF 1.0 section 8.1.4, the verification event, signed as any other.

It goes through the outbox like a withdrawal's letter, but is given up soon: whoever tries wants to know now.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from consent.db import new_id
from consent.errors import NotAllowed, NotFound
from idp import outbox
from idp.keys import KeyRing
from idp.oauth import clients
from idp.settings import Settings

EVENT = "https://schemas.openid.net/secevent/ssf/event-type/verification"
TYPE = "secevent+jwt"
TRIED_FOR = timedelta(seconds=20)
KEY = "trial:"


def send(session: Session, ring: KeyRing, settings: Settings, client_id: str, *, now: datetime) -> str:
    """Queue a verification event for this client in this transaction; the letter's key.

    Raises: NotFound for an unknown client; NotAllowed(code="no_event_endpoint") for one that takes no events.
    """
    client = clients.find(session, client_id)
    if client is None:
        raise NotFound(f"There is no client {client_id}; see `idp client list`.", detail="client")
    if client.event_endpoint is None:
        raise NotAllowed(
            f"{client_id} has no event endpoint; register it with `idp client add … --events URL`.",
            code="no_event_endpoint",
        )
    jti = str(new_id())
    claims = {
        "iss": settings.issuer,
        "jti": jti,
        "iat": int(now.timestamp()),
        "aud": client.id,
        "sub_id": {"format": "opaque", "id": client.id},
        "events": {EVENT: {"state": secrets.token_urlsafe(12)}},
    }
    outbox.enqueue(
        session,
        ring,
        kind="set",
        to=client.event_endpoint,
        body=ring.signer("event", "RS256").sign_jwt(claims, typ=TYPE),
        key=KEY + jti,
        now=now,
        client_id=client.id,
        recipient_id=client.legal_entity_id,
        until=now + TRIED_FOR,
    )
    return KEY + jti


def letters(session: Session, client_id: str) -> Sequence[outbox.Letter]:
    """The newest trial letters to a client, newest first."""
    return outbox.to_client(session, client_id, keys=KEY)
