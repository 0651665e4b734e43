"""SMART App Launch 2.2, EHR launch: a clinician's request for one visit (`launch` as scope and as parameter).

With the scope `launch` the request is a clinician's: a member of staff signs in, and its scopes are `user/…` of the
purposes that a visit opens. Without it, everything stays a citizen's.
"""

from idp.oauth import launches
from idp.oauth.clients import secret_hash
from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

FEATURE = Feature("launch", "SMART App Launch 2.2", {"scopes_supported": ["launch"]})
SCOPE = "launch"


def check(context: Context, draft: Draft) -> None:
    """The handle is one that we made for this client, unused and in time; a stray `launch` parameter means nothing."""
    if SCOPE not in draft.sure["scopes"]:
        return
    handle = draft.get("launch")
    if handle is None:
        raise AuthorizeError("invalid_request", "launch is missing")
    hashed = secret_hash(handle)
    if launches.find(context.session, hashed, client_id=draft.client.id, now=context.now) is None:
        raise AuthorizeError("invalid_request", "launch is unknown, used or too old")
    draft.sure["launch"] = hashed
