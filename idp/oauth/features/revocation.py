"""RFC 7009: a client gives a token back. A refresh token takes its whole grant with it."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint

from consent.audit import log
from idp.oauth import codes, grants, live, tokens
from idp.oauth.clients import ClientFacts
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, ProtocolRequest
from idp.oauth.registration import AUTH_METHODS

FEATURE = Feature(
    "revocation",
    "RFC 7009",
    {"revocation_endpoint_auth_methods_supported": list(AUTH_METHODS)},
    {"revocation_endpoint": "/oauth/revoke"},
)


@dataclass(frozen=True)
class Presented:
    """A token of ours that came to be revoked."""

    client_id: str
    family: codes.FamilyFacts | None = None
    claims: dict[str, Any] | None = None

    def check_client(self, client: ClientFacts) -> bool:
        """Whether it was issued to this client; if not, Authlib answers invalid_grant (section 2.1)."""
        return self.client_id == client.id


class Revocation(RevocationEndpoint):
    """Authlib's endpoint; an unknown `token_type_hint` is ignored (section 2.1), which Authlib refuses."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def check_params(self, request: ProtocolRequest, client: ClientFacts) -> None:  # noqa: ARG002
        """`token` is there."""
        if not request.form.get("token"):
            raise InvalidRequestError("token is missing")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Presented | None:  # noqa: ARG002
        """What this token is; None for what is not ours or long dead, which is answered like a success."""
        context: Context = self.server.context
        family = codes.find_family(context, token_string)
        if family is not None:
            grant = live.find_grant(context, family.grant_id)
            return None if grant is None else Presented(grant.client_id, family=family)
        claims = tokens.read(context, token_string)
        return None if claims is None else Presented(str(claims["client_id"]), claims=claims)

    def revoke_token(self, token: Presented, request: ProtocolRequest) -> None:  # noqa: ARG002
        """A refresh token ends the grant and all its tokens; an access token only itself."""
        context: Context = self.server.context
        if token.family is not None:
            codes.revoke_family(context.session, token.family.id, now=context.now)
            grants.end(context.session, token.family.grant_id, reason="revoked_by_client", now=context.now)
        elif token.claims is not None:
            tokens.revoke(context.session, token.claims)
            log.append(
                context.session,
                "token.revoked",
                now=context.now,
                actor=log.Actor.client(token.client_id),
                client_id=token.client_id,
                reason="revoked_by_client",
            )
