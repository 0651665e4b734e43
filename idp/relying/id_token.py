"""What a client checks of an ID token before it believes a sign-in (OIDC Core 3.1.3.7)."""

import base64
import hashlib
import hmac
from typing import Any

from idp.relying import jws
from idp.relying.keys import Clock, Keys, wall_clock

ALGORITHM = "ES256"


def verify_id_token(
    token: str, *, keys: Keys, client_id: str, nonce: str, access_token: str, clock: Clock = wall_clock
) -> dict[str, Any]:
    """The claims, proven: signature, issuer, audience, azp, expiry, nonce and, where present, at_hash.

    Raises: jws.Refused; IssuerUnavailable.
    """
    claims = jws.claims_of(token, keys=keys, alg=ALGORITHM, typ=None)
    now = clock()
    jws.check_issued(claims, issuer=keys.issuer, audience=client_id, now=now)
    jws.check_not_expired(claims, now=now)
    if claims.get("azp", client_id) != client_id:
        raise jws.Refused("the ID token was issued to another client", part="audience")
    if not hmac.compare_digest(jws.text(claims, "nonce").encode(), nonce.encode()):
        raise jws.Refused("the ID token answers another request")
    if "at_hash" in claims and claims["at_hash"] != half_hash(access_token):
        raise jws.Refused("the ID token belongs to another access token")
    jws.text(claims, "sub")
    return claims


def half_hash(value: str) -> str:
    """`at_hash` for ES256: the left half of SHA-256, base64url (OIDC Core 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()
