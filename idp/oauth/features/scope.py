"""RFC 6749 section 3.3 and the catalogue's rule 1: what a request asks for, as purposes with their scopes."""

import re
from collections.abc import Sequence

from consent import purposes
from consent import scopes as grammar
from consent.errors import ScopeError
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
    if not found.purposes:
        raise AuthorizeError("invalid_scope", "no scope that this server knows")
    citizens = {code: of_citizens(code, scopes) for code, scopes in found.purposes.items()}
    if not all(citizens.values()):
        raise AuthorizeError("invalid_scope", "a scope is not one that a citizen can grant")
    draft.sure["scopes"] = asked
    draft.sure["resolution"] = Resolved(citizens, found.offline_access, tuple(found.ignored))


def of_citizens(code: str, asked: Sequence[str]) -> tuple[str, ...]:
    """Those of a purpose's scopes that a citizen's token may carry; staff and systems get theirs elsewhere."""
    rows = purposes.get(code).scopes
    return tuple(scope for scope in asked if any(grammar.covers(row, scope) for row in rows))
