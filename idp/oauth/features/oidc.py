"""OpenID Connect Core 3.1.2.1: nonce, prompt, max_age, acr_values, id_token_hint and the tolerated rest.

`acr_values` is a voluntary request (OIDC Core 3.1.2.1), so unknown values are tolerated; of those that we know, the
weakest is required, which satisfies one of the listed values without asking for more than the client would accept.
"""

import re
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from idp.assurance import ACR_VALUES
from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

PROMPTS = ("none", "login", "consent", "select_account")
DISPLAYS = ("page", "popup", "touch", "wap")

FEATURE = Feature(
    "oidc",
    "OIDC Core 3.1.2",
    {
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "prompt_values_supported": list(PROMPTS),
        "display_values_supported": ["page"],
        "acr_values_supported": list(ACR_VALUES),
        "ui_locales_supported": ["th", "en"],
    },
)
MAX_AGE = re.compile(r"[0-9]{1,9}")
LONGEST_HINT = 256
SIGNED_BY = "id_token-"


def check(context: Context, draft: Draft) -> None:
    """Malformed values are invalid_request; what is only a wish is kept as one."""
    draft.sure["nonce"] = draft.get("nonce")
    draft.sure["prompt"] = _prompt(draft)
    draft.sure["max_age"] = _max_age(draft)
    draft.sure["acr_values"] = _words(draft, "acr_values")
    draft.sure["ui_locales"] = _words(draft, "ui_locales")
    draft.sure["hint_subject"] = _hinted(context, draft)
    hint, display = draft.get("login_hint"), draft.get("display")
    draft.sure["login_hint"] = hint[:LONGEST_HINT] if hint else None
    draft.sure["display"] = display if display in DISPLAYS else "page"


def _words(draft: Draft, name: str) -> tuple[str, ...]:
    return tuple((draft.get(name) or "").split())


def _prompt(draft: Draft) -> frozenset[str]:
    words = frozenset(_words(draft, "prompt"))
    if not words <= set(PROMPTS):
        raise AuthorizeError("invalid_request", "prompt holds a value that is not known")
    if "none" in words and len(words) > 1:
        raise AuthorizeError("invalid_request", "prompt none stands alone")
    return words


def _max_age(draft: Draft) -> int | None:
    text = draft.get("max_age")
    if text is None:
        return None
    if not MAX_AGE.fullmatch(text):
        raise AuthorizeError("invalid_request", "max_age must be a number of seconds")
    return int(text)


def _hinted(context: Context, draft: Draft) -> str | None:
    """The `sub` that the client expects; an expired hint is still a hint (OIDC Core 3.1.2.1)."""
    token = draft.get("id_token_hint")
    if token is None:
        return None
    claims: dict[str, Any] | None = None
    for kid, key in context.ring.public.items():
        if kid.startswith(SIGNED_BY) and claims is None:
            claims = _read(token, key)
    if claims is None or claims.get("iss") != context.issuer or claims.get("aud") != draft.client.id:
        raise AuthorizeError("invalid_request", "id_token_hint is not an ID token of ours for this client")
    return str(claims["sub"])


def _read(token: str, key: Any) -> dict[str, Any] | None:
    algorithm = "RS256" if key.key_type == "RSA" else "ES256"
    try:
        return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, TypeError, RecursionError):  # a stranger's header, whatever it holds
        return None
