"""Grant Management for OAuth 2.0 (draft-03): a client begins, merges, replaces, looks at and ends a grant by its id."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from consent import scopes
from idp.oauth import claims, deciding, details, grants, live, management, own
from idp.oauth.errors import NO_STORE, UNAUTHORIZED, Answer, AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.live import GrantFacts
from idp.oauth.pipeline import Context, Draft, ProtocolRequest, uuid_or_none
from idp.oauth.visit_detail import canonical, tag_of

FEATURE = Feature(
    "grant_management",
    "Grant Management for OAuth 2.0",
    {
        "grant_management_actions_supported": ["query", "revoke", *management.ACTIONS],
        "grant_management_action_required": False,
    },
    {"grant_management_endpoint": "/oauth/grants"},
)
REALM = 'Bearer realm="yinyom"'
EMPTY, NOT_FOUND = 204, 404
UNLIKE = "one visit and the whole of a purpose are not merged: replace the grant, or create another"


def check(context: Context, draft: Draft) -> None:
    """The parameters fit together, and the grant is one that this client may change (sections 5.1, 5.2, 5.4).

    Whose grant it is must sign in, as if the ID token of then had been sent as a hint.
    """
    action, grant_id = draft.get("grant_management_action"), draft.get("grant_id")
    if action is None and grant_id is None:
        return
    if draft.client.public:
        raise AuthorizeError("unauthorized_client", "grants are managed by confidential clients")
    if action not in management.ACTIONS:
        raise AuthorizeError("invalid_request", "grant_management_action must be create, merge or replace")
    if (grant_id is None) != (action == management.CREATE):
        raise AuthorizeError("invalid_request", "grant_id belongs to merge and replace")
    if draft.sure.get("launch") or (grant_id is not None and draft.sure.get("for_whom")):
        raise AuthorizeError("invalid_request", "only grants of a person about themselves are managed")
    draft.sure["grant_action"] = action
    if grant_id is not None:
        draft.sure["grant_id"], draft.sure["hint_subject"] = grant_id, _owner(context, draft, grant_id)
        if action == management.MERGE:
            _ask_along(context, draft, UUID(grant_id))


def _owner(context: Context, draft: Draft, grant_id: str) -> str:
    """The `sub` of whose grant it is. Unknown, ended and another's are one answer: an id is no secret (section 10)."""
    owner = management.owner(context.session, grant_id, client_id=draft.client.id)
    if owner is None:
        raise AuthorizeError(management.UNKNOWN, "there is no such grant")
    sub = context.ring.pairwise(owner, draft.client.sector)
    if draft.sure.get("hint_subject") not in (None, sub):
        raise AuthorizeError(management.UNKNOWN, "there is no such grant")
    return sub


def _ask_along(context: Context, draft: Draft, grant_id: UUID) -> None:
    """What is merged is asked together with what the grant holds under the same purpose (section 5.2).

    One answer stands for a purpose: one for the new alone would end the grant that reaches further. Visits are asked
    beside visits only, since a page cannot say "this visit alone" and "all of it" in one sentence; so that is refused
    before anybody is asked, whoever they are and whatever they said before. Visits that are over stay behind.
    """
    held, asked = live.find_grant(context, grant_id), draft.sure["resolution"]
    if held is None:
        return
    purposes: dict[str, tuple[str, ...]] = {}
    for code, of in asked.purposes.items():
        before = [one for one in held.scopes.get(code, ()) if _registered(draft, code, one)]
        if {tag_of(one) is None for one in (*before, *of)} == {True, False}:
            raise AuthorizeError("invalid_request", UNLIKE)
        purposes[code] = tuple(dict.fromkeys((*of, *before)))
    named = {tag_of(one) for of in purposes.values() for one in of}
    visits = (canonical(detail.content) for detail in held.details if detail.tag in named)
    draft.sure["resolution"] = replace(asked, purposes=purposes)
    draft.sure["details"] = tuple(dict.fromkeys((*draft.sure.get("details", ()), *visits)))


def _registered(draft: Draft, code: str, scope: str) -> bool:
    return any(scopes.covers(held, scope) for held in draft.client.purposes.get(code, ()))


def answer(context: Context, request: ProtocolRequest, grant_id: str) -> Answer:
    """The grant as it stands now (GET, section 6.4), or its end (DELETE, section 6.5)."""
    if not str(request.headers.get("Authorization") or "").lower().startswith("bearer "):
        return Answer(UNAUTHORIZED, {}, {**NO_STORE, "WWW-Authenticate": REALM})
    ending = request.method == "DELETE"
    try:
        client = own.caller(context, request, own.OF_GRANTS[ending])
    except own.Refused as refusal:
        return _refused(refusal.status, refusal.error, refusal.description)
    found = _running(context, grant_id, client_id=client.id)
    if found is None:
        return Answer(NOT_FOUND, {"error": "not_found", "error_description": "there is no such grant"}, NO_STORE)
    if ending:
        grants.end(context.session, found.id, reason="revoked_by_client", now=context.now)
        return Answer(EMPTY, "", NO_STORE)
    return Answer(200, shown(context, found), NO_STORE)


def _running(context: Context, grant_id: str, *, client_id: str) -> GrantFacts | None:
    """The grant if it is this client's, runs, and is a person's own; anything else is not found (section 6.6)."""
    known = uuid_or_none(grant_id)
    found = None if known is None else live.find_grant(context, known)
    if found is None or found.client_id != client_id or found.treatment is not None or found.proxy is not None:
        return None
    return None if found.stopped_at(context.now) is not None else found


def shown(context: Context, grant: GrantFacts) -> dict[str, Any]:
    """What of the grant stands at this moment, with no token and nobody's name (section 6.4).

    `purposes` is a member of our own.
    """
    stands = deciding.decide(
        context, grant, grant.scopes, event="token.issued", asker=grant.client_id, levels=False, write=False
    )
    words = [scope for of in stands.values() for scope in of] + ["offline_access"] * grant.offline_access
    entry = {"scope": " ".join(words), "resource": list(grant.resource)}
    times = management.times(context.session, grant.id, purposes=list(stands))
    return {
        "scopes": [{name: value for name, value in entry.items() if value}] if stands else [],
        "claims": [name for scope in words for name in claims.NAMES.get(scope, ())],
        **details.claim(grant.details, stands),
        "purposes": list(stands),
        **{name: at.isoformat() for name, at in times.items()},
    }


def _refused(status: int, error: str, words: str) -> Answer:
    challenge = f'{REALM}, error="{error}", error_description="{words}"'
    return Answer(status, {"error": error, "error_description": words}, {**NO_STORE, "WWW-Authenticate": challenge})
