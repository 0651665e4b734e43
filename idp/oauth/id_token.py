"""OIDC Core 2 and 3.1.3: the ID token. It says who signed in, when and how; what the person is like, UserInfo says."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta

from idp.oauth import acting
from idp.oauth.clients import ClientFacts
from idp.oauth.live import GrantFacts
from idp.oauth.pipeline import Context

LIFE = timedelta(minutes=5)


def if_asked(
    context: Context,
    client: ClientFacts,
    grant: GrantFacts,
    stands: Mapping[str, tuple[str, ...]],
    *,
    nonce: str | None,
    access_token: str,
) -> str | None:
    """The ID token when `openid` stands among the scopes, else None."""
    if not any("openid" in scopes for scopes in stands.values()):
        return None
    return build(context, client, grant, nonce=nonce, access_token=access_token)


def build(context: Context, client: ClientFacts, grant: GrantFacts, *, nonce: str | None, access_token: str) -> str:
    """Signed with the client's algorithm. `auth_time`, `acr` and `amr` are the sign-in's own, also on a refresh.

    OIDC Core 2, 3.1.3.6 (at_hash), 12.2 (refresh: same auth_time). There is no `sid`: nothing here logs out by it.
    """
    now = int(context.now.timestamp())
    claims = {
        "iss": context.issuer,
        "sub": context.ring.pairwise(grant.subject_id, client.sector),
        "aud": client.id,
        "azp": client.id,
        "iat": now,
        "exp": now + int(LIFE.total_seconds()),
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": grant.acr,
        "amr": grant.amr,
        **grant.proofing,
        "at_hash": half_hash(access_token),
        **acting.proxy_for(context, grant, client.sector),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return context.ring.signer("id_token", client.id_token_alg).sign_jwt(claims, typ="JWT")


def half_hash(value: str) -> str:
    """Left half of SHA-256, the hash of both ES256 and RS256 (OIDC Core 3.1.3.6)."""
    digest = hashlib.sha256(value.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
