"""RFC 6749 section 6: refresh. Public clients rotate and may retry for 10 s; confidential ones keep (DECISIONS 12)."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from consent import purposes, scopes
from consent.audit import log
from idp.oauth import codes, deciding, details, grants, id_token, live, refusals, resources, tokens
from idp.oauth.clients import ClientFacts
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context
from idp.oauth.registration import AUTH_METHODS

FEATURE = Feature("refresh_token", "RFC 6749 6", {"grant_types_supported": ["refresh_token"]})
MODIFIER = "offline_access"


class RefreshGrant(RefreshTokenGrant):
    """Authlib authenticates the client and checks its grant type; families, scopes and the decision are ours."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def validate_token_request(self) -> None:
        """The token is ours, this client's, alive, and not a replay. Written are refusals and the end of a replay."""
        context: Context = self.server.context
        client = self.request.client = self._validate_request_client()
        presented = self.request.form.get("refresh_token")
        if not presented:
            raise InvalidRequestError("refresh_token is missing")
        family = codes.find_family(context, presented)
        grant = None if family is None else live.find_grant(context, family.grant_id)
        if family is None or grant is None or grant.client_id != client.id:
            raise InvalidGrantError("the refresh token is unknown")
        if family.dead_at(context.now) or grant.stopped_at(context.now) is not None:
            refusals.of_grant(context, grant, narrowed(grant, None), event="token.denied", asker=client.id)
            raise InvalidGrantError("the refresh token is dead" if grant.ended_at is None else grant.ending)
        if family.replayed_at(context.now):
            self.end_replayed(family)
            raise InvalidGrantError("the refresh token was used")
        self.request.refresh_token, self.request.credential = family, grant

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Narrow, decide live, rotate, mint. ID tokens keep the sign-in's own time and level (OIDC Core 12.2)."""
        context: Context = self.server.context
        client: ClientFacts = self.request.client
        family: codes.FamilyFacts = self.request.refresh_token
        grant: live.GrantFacts = self.request.credential
        asked = self.request.form.getlist("resource")
        target = resources.choose(context, client, asked=asked, granted=grant.resource, openid=grant.opens_own)
        asked_now = details.chosen(grant, self.request.form, narrowed(grant, self.request.form.get("scope")))
        wanted = tokens.fitting(asked_now, target, grant.details)
        if not wanted:
            raise InvalidScopeError("nothing that was granted can be renewed for this")
        stands = deciding.decide(context, grant, wanted, event="token.refreshed", asker=client.id, levels=True)
        if not stands:
            raise InvalidGrantError("no consent stands")
        successor: str | None = self.request.form["refresh_token"]
        if client.public:
            successor = codes.rotate(context, family)
        if successor is None:
            raise InvalidGrantError("the refresh token is dead")
        minted = tokens.mint(context, client, grant=grant, wanted=stands, target=target, offline_access=True)
        identity = id_token.if_asked(context, client, grant, stands, nonce=None, access_token=minted.token)
        body = minted.body(refresh_token=successor, id_token=identity, grant_id=grant.told_id)
        body |= details.claim(grant.details, stands)
        return 200, body, self.TOKEN_RESPONSE_HEADER

    def end_replayed(self, family: codes.FamilyFacts) -> None:
        """Named exception to "an error writes nothing": the family dies, the log knows (RFC 9700 section 4.14.2)."""
        context: Context = self.server.context
        client: ClientFacts = self.request.client
        log.append(
            context.session,
            "token.replay_detected",
            now=context.now,
            actor=log.Actor.client(client.id),
            client_id=client.id,
            codes=["refresh_token"],
            outcome="denied",
            reason="replayed",
        )
        codes.revoke_family(context.session, family.id, now=context.now)
        grants.end(context.session, family.grant_id, reason="refresh_replayed", now=context.now)


def narrowed(grant: live.GrantFacts, scope: str | None) -> dict[str, tuple[str, ...]]:
    """What a refresh may renew: purposes with refresh=Y (catalogue rule 8), cut to `scope` when one is given.

    Raises: InvalidScopeError when `scope` goes beyond the grant (RFC 6749 section 6).
    """
    renewable = {code: of for code, of in grant.scopes.items() if purposes.get(code).refresh}
    asked = {scopes.v2(word) for word in (scope or "").split()} - {MODIFIER}
    if not asked:
        return renewable
    named = {word.removeprefix("purpose:") for word in asked if word.startswith("purpose:")}
    held = {one for of in grant.scopes.values() for one in of}
    if not named <= grant.scopes.keys() or not {word for word in asked if not word.startswith("purpose:")} <= held:
        raise InvalidScopeError("scope goes beyond what was granted")
    cut = {code: of if code in named else tuple(s for s in of if s in asked) for code, of in renewable.items()}
    return {code: of for code, of in cut.items() if of}
