"""RFC 6749 section 4.1: the authorization code grant. A code lives 60 s, works once, and a replay ends its grant."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidGrantError
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant

from consent.audit import log
from idp.oauth import acting, codes, deciding, details, grants, id_token, known_as, live, management, resources, tokens
from idp.oauth.clients import ClientFacts
from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.management import Amendment
from idp.oauth.pipeline import AuthorizeRequest, Context, Draft
from idp.oauth.registration import AUTH_METHODS

FEATURE = Feature(
    "authorization_code",
    "RFC 6749 4.1",
    {
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
    },
    {"authorization_endpoint": "/oauth/authorize", "token_endpoint": "/oauth/token"},
)


def response_type(_context: Context, draft: Draft) -> None:
    """Only `code` (RFC 9700 section 2.1.2); a missing one is invalid_request (section 4.1.2.1)."""
    asked = draft.get("response_type")
    if asked is None:
        raise AuthorizeError("invalid_request", "response_type is missing")
    if asked != "code":
        raise AuthorizeError("unsupported_response_type", "response_type must be code")
    if not draft.client.check_response_type(asked):
        raise AuthorizeError("unauthorized_client", "this client may not ask for a code")


def issue(
    context: Context,
    request: AuthorizeRequest,
    *,
    client: ClientFacts,
    subject_id: UUID,
    scopes: Mapping[str, tuple[str, ...]],
    records: Mapping[str, UUID],
    signed_in: grants.SignInFacts,
    offline_access: bool,
    visit: grants.VisitLike | None = None,
    proxy: grants.ProxyLike | None = None,
) -> str:
    """Begin the grant, tied to its consents (and a clinician's visit), and give its code (section 4.1.2).

    A request that names a grant changes that one instead (Grant Management 5.2).
    """
    if management.named(request) is not None:
        change = Amendment(request, client, scopes, records, signed_in, offline_access)
        grant_id = management.amend(context, change)
    else:
        grant_id = grants.begin(
            context.session,
            subject_id=subject_id,
            client=client,
            areq=request,
            scopes=scopes,
            records=records,
            signed_in=signed_in,
            offline_access=offline_access,
            now=context.now,
            visit=visit,
            proxy=proxy,
        ).id
    details.keep(context, grant_id, request, scopes)
    known_as.remember(context, request, client, acting.about(subject_id, visit, proxy))
    life = context.settings.code_lifetime
    return codes.issue_code(context.session, grant_id=grant_id, areq=request, life=life, now=context.now)


class CodeGrant(AuthorizationCodeGrant):
    """Authlib authenticates the client, checks its grant type and compares redirect_uri; the one-time use is ours."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def query_authorization_code(self, code: str, client: ClientFacts) -> codes.CodeFacts | None:
        """The code if it is this client's, unused and in time. A second use ends the grant (section 4.1.2)."""
        context: Context = self.server.context
        found = codes.find_code(context.session, code)
        if found is None or found.client_id != client.id:
            return None
        if found.used_at is not None:
            self.end_replayed(found)
            return None
        return found if context.now < found.expires_at else None

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Every check, then the one conditional use, then the live decision, then the tokens."""
        context: Context = self.server.context
        client: ClientFacts = self.request.client
        code: codes.CodeFacts = self.request.authorization_code
        grant = live.find_grant(context, code.grant_id)
        if grant is None or grant.stopped_at(context.now) is not None:
            raise InvalidGrantError("the grant has ended" if grant is None else grant.ending)
        asked = self.request.form.getlist("resource")
        target = resources.choose(context, client, asked=asked, granted=grant.resource, openid=grant.opens_own)
        wanted = tokens.fitting(details.chosen(grant, self.request.form), target, grant.details)
        if not wanted:
            raise InvalidScopeError("nothing that was granted can be used at this resource")
        if not codes.consume(context.session, code.code_hash, now=context.now):
            self.end_replayed(code)
            raise InvalidGrantError("the code was used")
        stands = deciding.decide(context, grant, wanted, event="token.issued", asker=client.id, levels=True)
        if not stands:
            raise InvalidGrantError("no consent stands")
        refresh = codes.start_family(context, grant.id) if grant.offline_access else None
        minted = tokens.mint(
            context, client, grant=grant, wanted=stands, target=target, offline_access=grant.offline_access
        )
        identity = id_token.if_asked(context, client, grant, stands, nonce=code.nonce, access_token=minted.token)
        patient = tokens.launch_context(context, grant, target.holder.sector if target.holder else "").get("patient")
        body = minted.body(refresh_token=refresh, id_token=identity, patient=patient, grant_id=grant.told_id)
        body |= details.claim(grant.details, stands)
        return 200, body, self.TOKEN_RESPONSE_HEADER

    def end_replayed(self, code: codes.CodeFacts) -> None:
        """Named exception to "an error writes nothing": tokens of the first use must die, and the log must know."""
        context: Context = self.server.context
        note_replay(context, code.client_id, "code")
        grants.end(context.session, code.grant_id, reason="code_replayed", now=context.now)


def note_replay(context: Context, client_id: str, what: str) -> None:
    """One entry: somebody presented a used code."""
    log.append(
        context.session,
        "token.replay_detected",
        now=context.now,
        actor=log.Actor.client(client_id),
        client_id=client_id,
        codes=[what],
        outcome="denied",
        reason="replayed",
    )
