"""The story of a withdrawal, in one transaction: the consent ends, its grants end, the letters are queued.

PDPA s.19; DECISIONS 15 and 17. The letter is queued with the act, so a crash after the commit delays it but cannot
lose it; and had it been lost, every introspection already says inactive.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent import history, purposes, records, scopes, standings
from consent import withdrawal as consent_withdrawal
from consent.audit.log import Actor
from consent.db import new_id
from consent.family import helping, links
from consent.models import ConsentRecord
from idp import alerts, outbox, signals
from idp.keys import KeyRing
from idp.oauth import clients, grants
from idp.oauth.clients import ClientFacts
from idp.oauth.visit_detail import tag_of
from idp.settings import Settings

may_undo, undo, UNDO_WITHIN = consent_withdrawal.may_undo, consent_withdrawal.undo, consent_withdrawal.UNDO_WITHIN
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
    actor_id: UUID | None = None,
    office: Sequence[str] = (),
) -> ConsentRecord:
    """End a consent of this person, everything that rests on it, and tell every client of the recipient.

    `actor_id`: who may act for the person and does (PDPA s.20), or an officer, with the codes of their `office`.
    Withdrawing twice writes nothing the second time.
    Raises: NotFound for another's or unknown; NotAllowed(code="not_withdrawable") for what rests on no consent.
    """
    asked = records.get(session, record_id, subject_id=subject_id)
    before = standings.standing(session, records.key_of(asked))
    by = actor_id or subject_id
    ended = consent_withdrawal.withdraw(
        session, record_id, subject_id=subject_id, actor_id=by, reason=reason, now=now, office=office
    )
    if before is not None and before.state == "given":
        tell(session, ring, settings, ended, now=now)
    return ended


def from_recipient(
    session: Session, ring: KeyRing, settings: Settings, recipient_id: UUID, *, subject_id: UUID, now: datetime
) -> list[ConsentRecord]:
    """Take back everything that one organisation was allowed; what was ended.

    Its services are signed out as well (CAEP 1.0 section 3.1): nothing of them is meant to go on. What the law allows
    without consent stays.
    """
    ended = [
        withdraw(session, ring, settings, view.record_id, subject_id=subject_id, now=now)
        for view in history.for_subject(session, subject_id, now=now)
        if view.recipient_id == recipient_id and view.state == "active" and view.record_id and is_consent(view.purpose)
    ]
    theirs = [client.id for client in clients.of_recipient(session, recipient_id)]
    signed_in = [one for one in theirs if grants.end_of_person(session, subject_id, one, reason="withdrawn", now=now)]
    if ended or signed_in:
        signals.sessions_revoked(session, ring, settings, subject_id=subject_id, client_ids=theirs, now=now)
    return ended


def of_kind(
    session: Session, ring: KeyRing, settings: Settings, kind: str, *, subject_id: UUID, now: datetime
) -> list[consent_withdrawal.Shrunk]:
    """Take one kind of data back from everybody who was allowed it by consent; what ended and what goes on instead."""
    views = history.for_subject(session, subject_id, now=now)
    found = [
        consent_withdrawal.take_back_kind(
            session, view.record_id, kind, subject_id=subject_id, actor_id=subject_id, now=now
        )
        for view in views
        if view.state == "active" and view.record_id and is_consent(view.purpose)
    ]
    shrunk = [one for one in found if one is not None]
    for one in shrunk:
        tell(session, ring, settings, one.ended, now=now, removed=one.removed)
    return shrunk


def is_consent(code: str) -> bool:
    """Whether the person themselves agreed to this purpose or confirmed it: only that can be taken back."""
    return purposes.get(code).asks


def narrow(session: Session, given: ConsentRecord, *, now: datetime, over: Collection[str] = ()) -> None:
    """A newer answer for less: grants that rest on a wider one under the same key end with it.

    `over`: the tags of visits that have ended by themselves; an answer without them is for no less.
    """
    held = given.scopes.split()
    for older in history.of_key(session, records.key_of(given)):
        wider = [of for of in older.scopes.split() if tag_of(of) not in over]
        if not all(any(scopes.covers(one, of) for one in held) for of in wider):
            grants.end_for_consent(session, older.id, now=now, reason="narrowed")


def tell(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    ended: ConsentRecord,
    *,
    now: datetime,
    removed: Sequence[str] | None = None,
) -> None:
    """End the grants of a consent that has just ended, and queue a signed event for each client of its recipient.

    `removed`: the scopes that are gone, when the rest runs on in a narrower consent; else all of them.
    """
    for record in history.of_key(session, records.key_of(ended)):  # a renewed consent has grants on its older records
        grants.end_for_consent(session, record.id, now=now)
    if ended.purpose == helping.PURPOSE and ended.guardianship_id is not None:
        _let_go(session, ring, settings, ended, ended.guardianship_id, now=now)
    resting = grants.clients_of(session, ended.id)
    for client in clients.of_recipient(session, ended.recipient_id):
        if client.event_endpoint is None:
            continue
        claims = event(ring, settings, client, ended, grant_id=resting.get(client.id), removed=removed, now=now)
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


def _let_go(
    session: Session, ring: KeyRing, settings: Settings, ended: ConsentRecord, link_id: UUID, *, now: datetime
) -> None:
    """The consent to a helper has ended: they act no longer, and what they agreed to for the person ends with it."""
    by = Actor.citizen(ended.subject_id)
    link = links.end(session, link_id, by=by, reason="consent_ended", now=now)
    if link is None:
        return
    grants.end_for_guardianship(session, link.id, reason="guardian_ended", now=now)
    told: dict[str, Any] = {"subject_id": link.ward_id, "reason": "guardian_ended", "now": now}
    for record_id in links.answers_under(session, link):
        withdraw(session, ring, settings, record_id, **told)
    for person_id in (link.ward_id, link.guardian_id):
        alerts.tell(session, ring, subject_id=person_id, kind="guardian_ended", now=now)


def event(
    ring: KeyRing,
    settings: Settings,
    client: ClientFacts,
    ended: ConsentRecord,
    *,
    grant_id: UUID | None,
    now: datetime,
    removed: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The claims of the signed event (RFC 8417): no `sub`, no `exp`; the person by `sub_id` in the client's sector."""
    body: dict[str, Any] = {
        "event_timestamp": int(now.timestamp()),
        "initiating_entity": "user",
        "consent_id": str(ended.id),
        "purpose": ended.purpose,
        "removed": ended.scopes.split() if removed is None else list(removed),
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
