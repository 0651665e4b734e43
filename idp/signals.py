"""What services are told of a person's sign-in: a way in changed, or sessions ended (CAEP 1.0 sections 3.1 and 3.3).

Signed and pushed as any other event (RFC 8417, RFC 8935), to clients that hold a live grant of the person and take
events. A change reaches them by the worker, from the notice that the person was sent (`alerts`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent.db import new_id
from idp import jobs, outbox
from idp.alerts import Notice
from idp.jobs import Job
from idp.keys import KeyRing
from idp.oauth import clients, grants
from idp.oauth.clients import ClientFacts
from idp.settings import Settings

TYPE = "secevent+jwt"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
CREDENTIAL_CHANGE, SESSION_REVOKED = CAEP + "credential-change", CAEP + "session-revoked"
CHANGES = {  # notice -> credential_type and change_type (CAEP 1.0 section 3.3.1); our own word where it has none
    "passkey_added": ("fido2-platform", "create"),
    "passkey_removed": ("fido2-platform", "delete"),
    "key_added": ("fido2-roaming", "create"),
    "pin_set": ("pin", "update"),
    "totp_added": ("app", "create"),
    "totp_removed": ("app", "delete"),
    "phone_changed": ("phone-sms", "update"),
    "recovery_codes": ("recovery-codes", "update"),
    "line_linked": ("line", "create"),
    "line_removed": ("line", "delete"),
}


def spread(session: Session, ring: KeyRing, settings: Settings, job: Job, *, now: datetime) -> None:
    """Queue a credential-change event for each service, from one notice; twice is once. A job's verb."""
    notice = session.get(Notice, job.ref_id)
    change = CHANGES.get(notice.kind) if notice is not None else None
    if notice is not None and change is not None:
        body = {"credential_type": change[0], "change_type": change[1]} | _when(notice.at)
        whom = grants.clients_with(session, notice.subject_id)
        key = f"change:{notice.id}"
        _queue(
            *(session, ring, settings, whom),
            subject_id=notice.subject_id,
            events={CREDENTIAL_CHANGE: body},
            key=key,
            now=now,
        )
    jobs.finish(session, job.id)


def sessions_revoked(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    *,
    subject_id: UUID,
    client_ids: Collection[str],
    now: datetime,
) -> None:
    """Queue a session-revoked event for these clients: the sign-in that they rely on is over."""
    event = {SESSION_REVOKED: _when(now)}
    key = f"revoked:{new_id()}"
    _queue(session, ring, settings, client_ids, subject_id=subject_id, events=event, key=key, now=now)


def _when(at: datetime) -> dict[str, Any]:
    return {"event_timestamp": int(at.timestamp()), "initiating_entity": "user"}


def _queue(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    client_ids: Collection[str],
    *,
    subject_id: UUID,
    events: Mapping[str, Any],
    key: str,
    now: datetime,
) -> None:
    for client_id in client_ids:
        client = clients.find(session, client_id)
        if client is None or client.event_endpoint is None:
            continue
        claims = _claims(settings, client, ring.pairwise(subject_id, client.sector), events, now=now)
        outbox.enqueue(
            session,
            ring,
            kind="set",
            to=client.event_endpoint,
            body=ring.signer("event", "RS256").sign_jwt(claims, typ=TYPE),
            key=f"{key}:{client.id}",
            now=now,
            subject_id=subject_id,
            client_id=client.id,
            recipient_id=client.legal_entity_id,
        )


def _claims(
    settings: Settings, client: ClientFacts, sub: str, events: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    return {
        "iss": settings.issuer,
        "jti": str(new_id()),
        "iat": int(now.timestamp()),
        "aud": client.id,
        "sub_id": {"format": "iss_sub", "iss": settings.issuer, "sub": sub},
        "events": dict(events),
    }
