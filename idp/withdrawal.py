"""The story of a withdrawal, in one transaction: the consent ends, its grants end, the letters are queued.

PDPA s.19; DECISIONS 15 and 17. The letter is queued with the act, so a crash after the commit delays it but cannot
lose it; and had it been lost, every introspection already says inactive.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent import history, records, scopes, standings
from consent import withdrawal as consent_withdrawal
from consent.db import new_id
from consent.models import ConsentRecord
from idp import outbox
from idp.keys import KeyRing
from idp.oauth import clients, grants
from idp.oauth.clients import ClientFacts
from idp.settings import Settings

EVENT_PATH = "/secevent/consent/event-type/withdrawn"
TYPE = "secevent+jwt"
REASON_USER = {"th": "ผู้ให้ความยินยอมถอนความยินยอม", "en": "The person withdrew their consent"}


def withdraw(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    record_id: UUID,
    *,
    subject_id: UUID,
    now: datetime,
    reason: str | None = None,
) -> ConsentRecord:
    """End a consent of this person, everything that rests on it, and tell every client of the recipient.

    Withdrawing twice writes nothing the second time. Raises: NotFound for another's or unknown;
    NotAllowed(code="not_withdrawable") for what rests on no consent.
    """
    asked = records.get(session, record_id, subject_id=subject_id)
    before = standings.standing(session, records.key_of(asked))
    ended = consent_withdrawal.withdraw(
        session, record_id, subject_id=subject_id, actor_id=subject_id, reason=reason, now=now
    )
    if before is not None and before.state == "given":
        tell(session, ring, settings, ended, now=now)
    return ended


def narrow(session: Session, given: ConsentRecord, *, now: datetime) -> None:
    """A newer answer for less: grants that rest on a wider one under the same key end with it."""
    held = given.scopes.split()
    for older in history.of_key(session, records.key_of(given)):
        if not all(any(scopes.covers(one, of) for one in held) for of in older.scopes.split()):
            grants.end_for_consent(session, older.id, now=now, reason="narrowed")


def tell(session: Session, ring: KeyRing, settings: Settings, ended: ConsentRecord, *, now: datetime) -> None:
    """End the grants of a consent that has just ended, and queue a signed event for each client of its recipient."""
    for record in history.of_key(session, records.key_of(ended)):  # a renewed consent has grants on its older records
        grants.end_for_consent(session, record.id, now=now)
    resting = grants.clients_of(session, ended.id)
    for client in clients.of_recipient(session, ended.recipient_id):
        if client.event_endpoint is None:
            continue
        claims = event(ring, settings, client, ended, grant_id=resting.get(client.id), now=now)
        outbox.enqueue(
            session,
            ring,
            kind="set",
            to=client.event_endpoint,
            body=ring.signer("event", "RS256").sign_jwt(claims, typ=TYPE),
            key=f"withdrawn:{ended.id}:{client.id}",
            now=now,
            subject_id=ended.subject_id,
            client_id=client.id,
            recipient_id=ended.recipient_id,
            consent_id=ended.id,
        )


def event(
    ring: KeyRing,
    settings: Settings,
    client: ClientFacts,
    ended: ConsentRecord,
    *,
    grant_id: UUID | None,
    now: datetime,
) -> dict[str, Any]:
    """The claims of the signed event (RFC 8417): no `sub`, no `exp`; the person by `sub_id` in the client's sector."""
    body: dict[str, Any] = {
        "event_timestamp": int(now.timestamp()),
        "initiating_entity": "user",
        "consent_id": str(ended.id),
        "purpose": ended.purpose,
        "removed": ended.scopes.split(),
        "reason_user": REASON_USER,
    }
    if grant_id is not None:
        body["grant_id"] = str(grant_id)
    sub = ring.pairwise(ended.subject_id, client.sector)
    return {
        "iss": settings.issuer,
        "jti": str(new_id()),
        "iat": int(now.timestamp()),
        "aud": client.id,
        "txn": str(ended.id),
        "sub_id": {"format": "iss_sub", "iss": settings.issuer, "sub": sub},
        "events": {settings.issuer + EVENT_PATH: body},
    }
