"""A Flask decorator: no view runs without a proven token (RFC 6750). The token is `flask.g.token`."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from idp.relying.verify import TokenRefused, Verifier

P = ParamSpec("P")
BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
NOT_QUOTABLE = re.compile(r'[^\x20-\x7e]|["\\]')


def require(
    verifier: Verifier, *scopes: str, acr: str | None = None, max_age_s: int | None = None
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let the view run only for a token that covers every scope; otherwise answer 400, 401, 403 or 503.

    `acr` and `max_age_s` (seconds) ask for a sign-in that is strong and new enough (RFC 9470): otherwise the caller is
    told what to ask the issuer for. The token is taken from the Authorization header alone: a token in a URL ends in
    logs (RFC 6750 section 5.3).
    """

    def wrap(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                g.token = verifier.verify(bearer_token(), *scopes, acr=acr, max_age_s=max_age_s)
            except TokenRefused as refusal:
                return refused(refusal, realm=verifier.audience)
            return view(*args, **kwargs)

        return guarded

    return wrap


def require_record(
    verifier: Verifier, letters: str, *, acr: str | None = None, max_age_s: int | None = None
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let the view run for whoever may open one person's record: that citizen, or a clinician who treats them.

    `letters` is a type with letters, such as `Observation.s`: `patient/` and `user/` are put before it. Whose record it
    is stands in `g.token.patient`; a token that opens nobody's is refused.
    """

    def wrap(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                g.token = verifier.verify_record(bearer_token(), letters, acr=acr, max_age_s=max_age_s)
            except TokenRefused as refusal:
                return refused(refusal, realm=verifier.audience)
            return view(*args, **kwargs)

        return guarded

    return wrap


def bearer_token() -> str:
    """The token of this request. Raises: TokenRefused, with an empty error code when none was sent at all."""
    header = request.headers.get("Authorization")
    if header is None:
        raise TokenRefused("", "a bearer token is needed", 401)
    if not header.lower().startswith("bearer"):
        raise TokenRefused("", "only bearer tokens are accepted", 401)
    found = BEARER.fullmatch(header.strip())
    if found is None:
        raise TokenRefused("invalid_request", "the Authorization header is malformed", 400)
    return found[1]


def refused(refusal: TokenRefused, *, realm: str) -> Response:
    """The answer of RFC 6750 section 3, or RFC 9470 section 3: no error code when the caller sent no token."""
    pairs = {
        "realm": realm,
        "error": refusal.error,
        "error_description": refusal.description if refusal.error else "",
        "scope": refusal.scope,
        "acr_values": refusal.acr,
        "max_age": "" if refusal.max_age_s is None else str(refusal.max_age_s),
    }
    challenge = ", ".join(f'{name}="{NOT_QUOTABLE.sub("?", value)}"' for name, value in pairs.items() if value)
    answer = jsonify(error=refusal.error or "unauthorized", error_description=refusal.description)
    answer.status_code = refusal.status
    answer.headers["Cache-Control"] = "no-store"
    if refusal.status in (401, 403, 400):
        answer.headers["WWW-Authenticate"] = f"Bearer {challenge}"
    return answer
