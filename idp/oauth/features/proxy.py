"""RFC 8693 section 4.1: somebody acts for another person. `act` in access tokens, `proxy_for` in the ID token.

A client that wants to be told for whom asks for the claim `proxy_for` (OIDC Core 5.5): the person then says so on a
page of ours, each time. Who may act for nobody acts for themselves, and is asked nothing. With prompt=none nobody acts
for another: whose record a screen shows is never changed silently.
"""

import json
from collections.abc import Mapping
from typing import Any

from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

CLAIM = "proxy_for"
FEATURE = Feature("proxy", "RFC 8693 4.1", {"claims_supported": [CLAIM]})


def check(_context: Context, draft: Draft) -> None:
    """Whether the claim is asked for. How `claims` is written was checked before; a clinician acts for nobody."""
    wanted = CLAIM in _id_token(draft.get("claims"))
    draft.sure["for_whom"] = wanted and not draft.sure.get("launch") and "none" not in draft.sure["prompt"]


def _id_token(text: str | None) -> Mapping[str, Any]:
    return {} if text is None else json.loads(text).get("id_token") or {}
