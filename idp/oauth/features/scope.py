"""RFC 6749 section 3.3 and the catalogue's rule 1: what a request asks for, as purposes with their scopes."""

import re
from collections.abc import Mapping, Sequence

from consent import emergency, purposes
from consent import scopes as grammar
from consent.errors import ScopeError
from consent.purposes import Kind
from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft, Resolved

FEATURE = Feature(
    "scope",
    "RFC 6749 3.3",
    {
        "scopes_supported": [
            *("openid", "profile", "email", "phone", "address", "offline_access"),
            *(f"purpose:{purpose.code}" for purpose in purposes.all() if purpose.scopes),
        ]
    },
)
LAUNCH, SIGN_IN = "launch", "SIGNIN"
IN_LAUNCHES = frozenset({"CARE", emergency.PURPOSE})  # what the opening of a visit, or of an emergency, tells
SPEAKABLE = re.compile(r"[A-Za-z0-9._:/?=&|-]{1,100}")  # may stand in error_description (RFC 6749 section 4.1.2.1)


def resolve(_context: Context, draft: Draft) -> None:
    """Unknown scopes are ignored, known but unregistered or ambiguous ones refused; something must be left."""
    requested = tuple(dict.fromkeys((draft.get("scope") or "").split(" ")))
    asked = tuple(scope for scope in requested if scope)
    try:
        found = purposes.resolve(asked, draft.client.purposes)
    except ScopeError as error:
        candidates = ", ".join(error.candidates)
        named = error.scope if SPEAKABLE.fullmatch(error.scope) else "a scope"
        why = f"{named} belongs to several purposes: {candidates}" if candidates else f"{named} is not registered"
        raise AuthorizeError("invalid_scope", why) from error
    if not found.purposes and draft.get("authorization_details") is None:  # which name purposes of their own
        raise AuthorizeError("invalid_scope", "no scope that this server knows")
    if LAUNCH in asked:
        granted, offline = of_clinicians(found.purposes), False
    else:
        granted = {code: of_citizens(code, scopes) for code, scopes in found.purposes.items()}
        offline = found.offline_access
        if not all(granted.values()):
            raise AuthorizeError("invalid_scope", "a scope is not one that a citizen can grant")
    draft.sure["scopes"] = asked
    draft.sure["resolution"] = Resolved(granted, offline, tuple(found.ignored))


def of_clinicians(asked: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """A clinician's part: staff scopes of what hangs on a visit or an emergency and is told, and `openid`.

    Nothing of a citizen's own may stand beside them (catalogue rule 2). Raises: AuthorizeError.
    """
    found: dict[str, tuple[str, ...]] = {}
    for code, scopes in asked.items():
        row = purposes.get(code)
        launched = row.kind is Kind.LAWFUL_NOTICE and code in IN_LAUNCHES
        rows = row.staff_scopes if launched else ("openid",) * (code == SIGN_IN)
        found[code] = tuple(scope for scope in scopes if any(grammar.covers(one, scope) for one in rows))
        if not found[code] or (launched and len(found[code]) < len(scopes)):
            raise AuthorizeError("invalid_scope", "a scope is not one that a clinician is given for a visit")
    if found.keys() <= {SIGN_IN}:
        raise AuthorizeError("invalid_scope", "a launch asks for care: user scopes, or purpose:CARE")
    return found


def of_citizens(code: str, asked: Sequence[str]) -> tuple[str, ...]:
    """Those of a purpose's scopes that a citizen's token may carry; staff and systems get theirs elsewhere."""
    rows = purposes.get(code).scopes
    return tuple(scope for scope in asked if any(grammar.covers(row, scope) for row in rows))
