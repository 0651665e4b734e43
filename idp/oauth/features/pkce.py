"""RFC 7636: proof key for code exchange. S256 only; required at the authorization endpoint (RFC 9700 section 2.1.1)."""

import base64
import hashlib
import hmac
import re
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError

from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

FEATURE = Feature("pkce", "RFC 7636", {"code_challenge_methods_supported": ["S256"]})

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def require(_context: Context, draft: Draft) -> None:
    """A well-formed S256 challenge, unless the client's profile is `compat` and sends none (section 4.4.1)."""
    challenge, method = draft.get("code_challenge"), draft.get("code_challenge_method")
    if challenge is None:
        if draft.client.profile != "compat":
            raise AuthorizeError("invalid_request", "code_challenge is required")
        if method is not None:
            raise AuthorizeError("invalid_request", "code_challenge_method without code_challenge")
        return
    if method != "S256":  # no method means plain (section 4.3), and plain protects nobody who can read the request
        raise AuthorizeError("invalid_request", "code_challenge_method must be S256")
    if not CHALLENGE.fullmatch(challenge):
        raise AuthorizeError("invalid_request", "code_challenge is malformed")
    draft.sure["code_challenge"] = challenge


class Proof:
    """Hangs the check of `code_verifier` on Authlib's code grant: after the code is known, before it is used up."""

    def __call__(self, grant: Any) -> None:
        """Register the hook on this request's grant."""
        grant.register_hook("after_validate_token_request", verify)


def verify(grant: Any, _result: object) -> None:
    """The verifier belongs to the code's challenge; one without a challenge is refused too (RFC 9700 section 4.8)."""
    challenge = grant.request.authorization_code.code_challenge
    verifier = grant.request.form.get("code_verifier")
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None or not VERIFIER.fullmatch(verifier):
        raise InvalidGrantError("code_verifier does not belong to this code")
    if not hmac.compare_digest(challenge_of(verifier), challenge):
        raise InvalidGrantError("code_verifier does not belong to this code")


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)), section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()
