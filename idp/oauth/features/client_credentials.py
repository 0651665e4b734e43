"""RFC 6749 section 4.4: a system acts for itself. Only `system` scopes of purposes that it is registered for."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, UnauthorizedClientError
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from consent import purposes, scopes
from consent.audit import log
from idp import directory
from idp.oauth import own, resources, tokens
from idp.oauth.clients import ClientFacts
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context
from idp.oauth.registration import CONFIDENTIAL
from idp.oauth.resources import Target

FEATURE = Feature(
    "client_credentials",
    "RFC 6749 4.4",
    {"grant_types_supported": ["client_credentials"], "scopes_supported": list(own.SCOPES)},
)
KNOWN = {scope for purpose in purposes.all() for scope in purpose.all_scopes}


class SystemGrant(ClientCredentialsGrant):
    """Authlib authenticates the client and checks its grant type; there is no person in such a token."""

    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """One access token, no refresh token (section 4.4.3)."""
        context: Context = self.server.context
        client: ClientFacts = self.request.client
        words = own.asked(self.request.form.get("scope"))
        if words:
            return self.for_ourselves(client, words)
        if client.kind != "system":
            raise UnauthorizedClientError("only systems act for themselves")
        recipient = directory.recipient_of(context.session, client.legal_entity_id, now=context.now)
        if not recipient.licence_valid:
            raise UnauthorizedClientError("the licence has run out")
        wanted = registered(client, self.request.form.get("scope"))
        asked = self.request.form.getlist("resource")
        if len(asked) > 1:
            raise InvalidRequestError("one resource at a time")
        target = resources.choose(context, client, asked=asked, granted=(), openid=False)
        fit = tokens.fitting(wanted, target)
        if not fit:
            raise InvalidScopeError("nothing of this can be used at this resource")
        minted = tokens.mint(context, client, grant=None, wanted=fit, target=target)
        log.append(
            context.session,
            "token.issued",
            now=context.now,
            actor=log.Actor.client(client.id),
            client_id=client.id,
            recipient_id=client.legal_entity_id,
            codes=list(fit),
        )
        return 200, minted.body(), self.TOKEN_RESPONSE_HEADER

    def for_ourselves(self, client: ClientFacts, words: tuple[str, ...]) -> tuple[int, dict[str, Any], Any]:
        """A token for our own interfaces (`own`): nothing of the catalogue may stand beside them."""
        context: Context = self.server.context
        asked = self.request.form.getlist("resource")
        if set((self.request.form.get("scope") or "").split()) != set(words) or set(asked) - {context.issuer}:
            raise InvalidScopeError("scopes of this server itself stand alone, and are for this server")
        if not all(own.may(client, word) for word in words):
            raise InvalidScopeError("a scope is not one for this kind of client")
        minted = tokens.mint(context, client, grant=None, wanted={}, target=Target(None, userinfo=True), own=words)
        actor = log.Actor.client(client.id)
        log.append(
            context.session,
            "token.issued",
            now=context.now,
            actor=actor,
            client_id=client.id,
            recipient_id=client.legal_entity_id,
            codes=list(words),
        )
        return 200, minted.body(), self.TOKEN_RESPONSE_HEADER


def registered(client: ClientFacts, scope: str | None) -> dict[str, tuple[str, ...]]:
    """What is asked, by purpose; without `scope` everything registered. Unknown scopes are ignored.

    Raises: InvalidScopeError for a known scope that is not registered for this client as a system's.
    """
    held = {code: tuple(s for s in of if s in purposes.get(code).system_scopes) for code, of in client.purposes.items()}
    asked = [scopes.v2(word) for word in (scope or "").split()]
    if not asked:
        return {code: of for code, of in held.items() if of}
    wanted: dict[str, tuple[str, ...]] = {}
    for word in asked:
        code = word.removeprefix("purpose:")
        if code != word and held.get(code):
            wanted[code] = held[code]
            continue
        owner = next((code for code, of in held.items() if word in of), None)
        if owner is not None:
            wanted[owner] = tuple(dict.fromkeys((*wanted.get(owner, ()), word)))
        elif code != word or word in KNOWN or scopes.is_plain(word):
            raise InvalidScopeError("a scope is not registered for this system")
    return wanted
