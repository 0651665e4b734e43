"""OpenID Connect Core 5.5: the `claims` parameter, as far as it asks how strongly somebody must be known.

`acr` and `ial` of the ID token are levels to be reached, `sub` is whom the client expects. What a service may see is
decided by scopes and consents alone (PDPA s.22): a claim about the person that is asked for by name opens nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from idp.assurance import Aal, Ial
from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

FEATURE = Feature("claims", "OIDC Core 5.5", {"claims_parameter_supported": True})
UNMET = "unmet_authentication_requirements"
CITIZENS, STAFF = Aal.AAL2_2, Aal.AAL3  # the highest that each can reach; hardware keys are staff's, where there are


def check(context: Context, draft: Draft) -> None:
    """Read it; what is essential and out of reach is refused at once (Unmet Authentication Requirements 1.0)."""
    of = _id_token(draft.get("claims"))
    has_keys = context.settings.security_key_roots is not None
    highest = STAFF if draft.sure.get("launch") and has_keys else CITIZENS
    acr, ial, sub = (_one(of, name) for name in ("acr", "ial", "sub"))
    draft.sure["acr_essential"] = ()
    if _essential(acr) and _wanted(acr):
        draft.sure["acr_essential"] = _within_reach(_wanted(acr), highest)
    elif _wanted(acr) and not draft.sure["acr_values"]:
        draft.sure["acr_values"] = tuple(_wanted(acr))
    draft.sure["ial"] = _least(_wanted(ial)) if _essential(ial) and _wanted(ial) else None
    for expected in _wanted(sub):
        if draft.sure["hint_subject"] not in (None, expected):
            raise AuthorizeError("invalid_request", "claims and id_token_hint name different persons")
        draft.sure["hint_subject"] = expected


def _id_token(text: str | None) -> Mapping[str, Any]:
    if text is None:
        return {}
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AuthorizeError("invalid_request", "claims must be JSON") from error
    if not isinstance(asked, dict) or not all(isinstance(of, dict | None) for of in asked.values()):
        raise AuthorizeError("invalid_request", "claims must be an object of objects")
    return asked.get("id_token") or {}


def _one(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """How one claim is asked for; null is a plain wish (section 5.5.1)."""
    found = {} if of.get(name) is None else of[name]
    if not isinstance(found, dict) or not isinstance(found.get("values", []), list):
        raise AuthorizeError("invalid_request", "a claim is asked for by null or an object")
    return found


def _essential(claim: Mapping[str, Any]) -> bool:
    return claim.get("essential") is True


def _wanted(claim: Mapping[str, Any]) -> list[str]:
    values = [claim["value"]] if "value" in claim else claim.get("values", [])
    if not all(isinstance(value, str) for value in values):
        raise AuthorizeError("invalid_request", "a level or a subject is a string")
    return list(values)


def _within_reach(values: Sequence[str], highest: Aal) -> tuple[str, ...]:
    known = tuple(level.acr for level in Aal if level.acr in values and level <= highest)
    if not known:
        raise AuthorizeError(UNMET, "no sign-in here reaches the acr that is essential")
    return known


def _least(values: Sequence[str]) -> str:
    known = [level.value for level in Ial if level.value in values]
    if not known:
        raise AuthorizeError(UNMET, "no account here reaches the ial that is essential")
    return known[0]
