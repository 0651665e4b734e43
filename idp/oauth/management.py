"""Grants that their client manages by id: merged with more, replaced by something else, looked at (Grant Management).

A grant is changed in place, so that its id stays. What was issued before a change is taken back: refresh tokens always,
and with a replacement every access token too, because the grant moves to another place in the status lists. What it
was until then stays as an ended row of its own, under the old place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from consent.audit import log
from consent.db import new_id, table_of
from consent.models import ConsentRecord
from idp.oauth import codes, details, grants, slots
from idp.oauth.client_facts import ClientFacts
from idp.oauth.grants import Grant, GrantConsent
from idp.oauth.pipeline import AuthorizeRequest, Context, uuid_or_none

CREATE, MERGE, REPLACE = "create", details.MERGE, "replace"
ACTIONS = (CREATE, MERGE, REPLACE)
REPLACED, NARROWED = "replaced", "narrowed"
UNKNOWN = "invalid_grant_id"  # section 5.4

_GRANT, _CONSENT = table_of(Grant), table_of(GrantConsent)
_FIND = select(_GRANT).where(_GRANT.c.id == bindparam("grant"), _GRANT.c.client_id == bindparam("client"))
_TIMES = select(_GRANT.c.created_at, _GRANT.c.updated_at, _GRANT.c.offline_access, _GRANT.c.session_expires_at).where(
    _GRANT.c.id == bindparam("grant")
)
_RECORD = table_of(ConsentRecord)
_UNTIL = (
    select(func.max(_RECORD.c.expires_at))
    .join(_CONSENT, _CONSENT.c.record_id == _RECORD.c.id)
    .where(_CONSENT.c.grant_id == bindparam("grant"), _CONSENT.c.purpose.in_(bindparam("purposes", expanding=True)))
)
_RESTS = select(_CONSENT.c.record_id).where(_CONSENT.c.grant_id == bindparam("grant"))


@dataclass(frozen=True)
class Amendment:
    """What one more authorization adds to a grant, or puts in its place."""

    request: AuthorizeRequest
    client: ClientFacts
    scopes: Mapping[str, tuple[str, ...]]
    records: Mapping[str, UUID]
    signed_in: grants.SignInFacts
    offline_access: bool


def named(request: AuthorizeRequest) -> UUID | None:
    """The grant that this request changes, or None: it begins one."""
    return uuid_or_none(request.grant_id) if request.grant_action in (MERGE, REPLACE) else None


def owner(session: Session, grant_id: str, *, client_id: str) -> UUID | None:
    """Whose grant this is, if it is this client's, running, and a person's own; else None."""
    found = uuid_or_none(grant_id)
    row = None if found is None else _row(session, found, client_id)
    return None if row is None else UUID(str(row["subject_id"]))


def may_amend(session: Session, request: AuthorizeRequest, subject_id: UUID) -> bool:
    """Whether the grant that a request names can be changed by this person now; until we commit nobody else does."""
    grant_id = named(request)
    if grant_id is None:
        return request.grant_id is None
    row = _row(session, grant_id, request.client_id, to_change=request.grant_action)
    return row is not None and row["subject_id"] == subject_id


def amend(context: Context, change: Amendment) -> UUID:
    """Change the grant that the request names; its id. Refresh tokens of before are dead (section 5.2).

    Raises: LookupError for a grant that `may_amend` did not allow.
    """
    session, now, grant_id = context.session, context.now, named(change.request)
    action = change.request.grant_action
    row = None if grant_id is None else _row(session, grant_id, change.client.id, to_change=action)
    if grant_id is None or row is None:
        raise LookupError("the grant that was to be changed is gone")
    codes.revoke_families(session, grant_id, now=now)
    values = _sign_in(change) | {"managed": True, "updated_at": now}
    if action == REPLACE:
        _replace(session, row, values | _asked(change) | {"details": None}, now=now)
    else:
        details.carry(session, grant_id, details.unsealed(context.ring, grant_id, row["details"]), change.records)
        session.execute(update(_GRANT).where(_GRANT.c.id == grant_id).values(**values, **_merged(context, row, change)))
    _rest_on(session, grant_id, change.records)
    return grant_id


def times(session: Session, grant_id: UUID, *, purposes: Sequence[str]) -> dict[str, datetime]:
    """When the grant was begun, when its client changed it last, and when the last of these purposes runs out."""
    row = session.execute(_TIMES, {"grant": grant_id}).one()
    until = session.scalar(_UNTIL, {"grant": grant_id, "purposes": list(purposes)})
    if not row.offline_access:
        until = min(filter(None, (until, row.session_expires_at)), default=None)
    known = {"created_at": row.created_at, "last_updated_at": row.updated_at or row.created_at, "expires_at": until}
    return {name: at for name, at in known.items() if at is not None}


def _row(session: Session, grant_id: UUID, client_id: str, *, to_change: str | None = None) -> Mapping[str, Any] | None:
    """The running grant of a person themselves; clinicians' and guardians' grants are managed by nobody.

    `to_change`: held for this action. What a replacement takes the place of may just have ended by the narrower answer
    that the person gave to this very request: it ends anyway, and its id goes on.
    """
    find = _FIND.with_for_update() if to_change else _FIND
    row = session.execute(find, {"grant": grant_id, "client": client_id}).mappings().one_or_none()
    if row is None or row["patient_id"] is not None:
        return None
    runs = row["ended_at"] is None or (to_change == REPLACE and row["end_reason"] == NARROWED)
    return dict(row) if runs else None


def _sign_in(change: Amendment) -> dict[str, Any]:
    """The sign-in that answered last is the grant's from now on."""
    signed_in = change.signed_in
    return {
        "aal": signed_in.aal.value,
        "acr": grants.answered_acr(change.request.acr_essential, signed_in.aal),
        "factors": " ".join(sorted(signed_in.factors)),
        "auth_time": signed_in.auth_time,
        "session_id_hash": signed_in.id_hash,
        "session_expires_at": signed_in.expires_at,
    }


def _asked(change: Amendment) -> dict[str, Any]:
    return {
        "scopes": json.dumps({code: list(of) for code, of in change.scopes.items()}),
        "resource": json.dumps(list(change.request.resource)),
        "offline_access": change.offline_access,
    }


def _merged(context: Context, row: Mapping[str, Any], change: Amendment) -> dict[str, Any]:
    """Both together; where one of them named no resource, what that meant is written out."""
    before: dict[str, list[str]] = json.loads(row["scopes"])
    scopes = {code: _union(before.get(code, ()), change.scopes.get(code, ())) for code in _union(before, change.scopes)}
    was, more = tuple(json.loads(row["resource"])), change.request.resource
    if set(was) != set(more):
        was, more = (of or _meant(context, change.client, scopes) for of in (was, more))
    return {
        "scopes": json.dumps(scopes),
        "resource": json.dumps(_union(more, was)),
        "offline_access": row["offline_access"] or change.offline_access,
    }


def _meant(context: Context, client: ClientFacts, scopes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What a request without `resource` is for: the client's holder, and UserInfo when it is OpenID Connect."""
    userinfo = any("openid" in of for of in scopes.values())
    return (*filter(None, [client.default_resource]), *([context.issuer] if userinfo else []))


def _union(one: Any, two: Any) -> list[str]:
    return list(dict.fromkeys([*one, *two]))


def _replace(session: Session, row: Mapping[str, Any], values: Mapping[str, Any], *, now: datetime) -> None:
    """Move the grant to another place, and leave what it was behind as an ended grant under the old one."""
    _move(session, row["id"], now=now)
    ended = row["ended_at"] is not None
    before = {**row, "id": new_id()} | ({} if ended else {"ended_at": now, "end_reason": REPLACED})
    session.execute(insert(_GRANT), before)
    session.execute(update(_CONSENT).where(_CONSENT.c.grant_id == row["id"]).values(grant_id=before["id"]))
    runs = {"ended_at": None, "end_reason": None, "ended_over": None}
    session.execute(update(_GRANT).where(_GRANT.c.id == row["id"]).values(**values, **runs))
    if ended:
        return  # its end is in the log
    log.append(
        session,
        "token.revoked",
        now=now,
        actor=log.Actor.client(row["client_id"]),
        subject_id=row["subject_id"],
        client_id=row["client_id"],
        recipient_id=row["recipient_id"],
        reason=REPLACED,
    )


def _move(session: Session, grant_id: UUID, *, now: datetime) -> None:
    its = update(_GRANT).where(_GRANT.c.id == grant_id)
    for place in slots.draws(now):
        try:
            with session.begin_nested():
                session.execute(its.values(**slots.columns(place)))
        except IntegrityError:
            continue
        return
    session.execute(its.values(status_list=None, status_idx=None))


def _rest_on(session: Session, grant_id: UUID, records: Mapping[str, UUID]) -> None:
    known = set(session.scalars(_RESTS, {"grant": grant_id}))
    rests = [
        {"grant_id": grant_id, "record_id": record, "purpose": purpose}
        for purpose, record in records.items()
        if record not in known
    ]
    if rests:
        session.execute(insert(_CONSENT), rests)
