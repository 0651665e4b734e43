"""OIDC Core 5.3: UserInfo, by GET, by POST with the header, by POST with the token in the body (RFC 6750)."""

from idp.oauth import claims, clients, refusals, tokens
from idp.oauth.errors import NO_STORE, UNAUTHORIZED, Answer
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, ProtocolRequest, faults

FEATURE = Feature(
    "userinfo",
    "OIDC Core 5.3",
    {"claims_supported": list(claims.SUPPORTED)},
    {"userinfo_endpoint": "/oauth/userinfo"},
)
REALM = 'Bearer realm="yinyom"'
FORBIDDEN = 403
WHY = {
    "invalid_request": "the token is sent twice, or a parameter is malformed",
    "invalid_token": "the token is not ours, has ended, or nothing stands for it now",
    "insufficient_scope": "the token was not granted openid",
}


def answer(context: Context, request: ProtocolRequest) -> Answer:
    """The person's claims, as far as the consents behind the token stand at this moment."""
    bearer, body = _bearer(request), request.form.get("access_token")
    if faults(request.form) or (bearer is not None and body is not None):
        return refused(400, "invalid_request")
    token = body if bearer is None else bearer
    if not token:
        return Answer(UNAUTHORIZED, {}, {**NO_STORE, "WWW-Authenticate": REALM})
    live = tokens.find_live(context, token)
    if live is None:
        dead(context, token)
    if live is None or live.grant is None or context.issuer not in live.aud:
        return refused(UNAUTHORIZED, "invalid_token")
    if "openid" not in live.claims["scope"].split():
        return refused(FORBIDDEN, "insufficient_scope", 'scope="openid"')
    client = clients.find(context.session, live.client_id)
    stands = tokens.standing(
        context,
        live,
        live.grant,
        at=context.issuer,
        event="userinfo.read",
        asker=live.client_id,
        takes=claims.OPENING.__contains__,
    )
    if client is None or not stands:
        return refused(UNAUTHORIZED, "invalid_token")
    scopes = frozenset(scope for of in stands.values() for scope in of)
    return Answer(200, claims.userinfo(context, live.grant, sector=client.sector, scopes=scopes), NO_STORE)


def dead(context: Context, token: str) -> None:
    """A token of ours whose grant has ended: the refusal is an entry (DECISIONS 20)."""
    told = tokens.read(context, token)
    if told is not None:
        takes = claims.OPENING.__contains__
        refusals.of_token(context, told, event="userinfo.denied", asker=str(told["client_id"]), takes=takes)


def refused(status: int, error: str, more: str = "") -> Answer:
    """An error of RFC 6750 section 3, in the header and as JSON."""
    words = WHY[error]
    header = f'{REALM}, error="{error}", error_description="{words}"' + (f", {more}" if more else "")
    return Answer(status, {"error": error, "error_description": words}, {**NO_STORE, "WWW-Authenticate": header})


def _bearer(request: ProtocolRequest) -> str | None:
    scheme, _, token = str(request.headers.get("Authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
