"""RFC 7662: a data holder asks about a token that is meant for it, and the live decision answers (DECISIONS 11, 20)."""

from dataclasses import replace
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from consent.audit import log
from consent.specificity import UNSTATED
from idp.oauth import details, refusals, resources, stated, tokens, uses
from idp.oauth.clients import ClientFacts
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, ProtocolRequest
from idp.oauth.registration import CONFIDENTIAL
from idp.oauth.resources import ResourceFacts

FEATURE = Feature(
    "introspection",
    "RFC 7662",
    {"introspection_endpoint_auth_methods_supported": list(CONFIDENTIAL)},
    {"introspection_endpoint": "/oauth/introspect"},
)
COPIED = (
    *("iss", "sub", "aud", "client_id", "jti", "iat", "exp", "acr", "amr", "auth_time", "ial", "grant_id"),
    *("patient", "hcode"),  # SMART App Launch 2.2: the launch context
    "act",  # RFC 8693 section 4.1
)


class Introspection(IntrospectionEndpoint):
    """Authlib's endpoint; who may ask, what is live and what is logged are ours."""

    CLIENT_AUTH_METHODS = CONFIDENTIAL
    stated = UNSTATED

    def check_params(self, request: ProtocolRequest, client: ClientFacts) -> None:  # noqa: ARG002
        """`token` is there, and what is stated of the look can be read; any hint is fine (section 2.1)."""
        if not request.form.get("token"):
            raise InvalidRequestError("token is missing")
        try:
            self.stated = stated.of_form(request.form)
        except stated.NotStatedError as error:
            raise InvalidRequestError(f"{error} is malformed") from error

    def authenticate_token(self, request: ProtocolRequest, client: ClientFacts) -> dict[str, Any] | None:
        """The answer's claims, or None for "not active", whatever the reason (section 2.2)."""
        self.check_params(request, client)
        context: Context = self.server.context
        token = request.form["token"]
        claims = tokens.read(context, token)
        if claims is None:
            self.denied(client, "not_ours")
            return None
        live = tokens.live(context, claims)
        if live is None:
            self.dead(client, claims)
            return None
        holder = self.place(client, live)
        if holder is None:
            self.denied(client, "audience")
            return None
        return self.standing(client, live, holder)

    def place(self, client: ClientFacts, token: tokens.LiveToken) -> ResourceFacts | None:
        """Where this client may ask about the token: its first place that the token is meant for."""
        own = resources.of_client(self.server.context.session, client.id)
        here = own.keys() & token.aud
        return own[min(here)] if here else None

    def standing(self, client: ClientFacts, live: tokens.LiveToken, holder: ResourceFacts) -> dict[str, Any] | None:
        """The claims of a live token, cut to the purposes that stand now."""
        context: Context = self.server.context
        answer: dict[str, Any] = {name: live.claims[name] for name in COPIED if name in live.claims}
        answer["token_type"] = "Bearer"  # noqa: S105 -- RFC 6750
        if live.grant is None:
            if uses.first(context, live.jti, holder.identifier):
                self.note("introspect", client, outcome="ok", reason="")
            return answer | {"scope": live.claims["scope"], "purposes": live.claims["purposes"]}
        stands = tokens.standing(
            replace(context, stated=self.stated),
            live,
            live.grant,
            at=holder.identifier,
            event="introspect",
            asker=client.id,
            takes=holder.takes,
        )
        if not stands:
            return None
        answer |= live.grant.proofing  # as it is now, not as it was when the token was made
        answer |= details.claim(live.grant.details, stands)
        return answer | {"scope": " ".join(s for of in stands.values() for s in of), "purposes": list(stands)}

    def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
        """`active` and nothing else for what is not live."""
        return {"active": False} if token is None else {"active": True, **token}

    def denied(self, client: ClientFacts, reason: str) -> None:
        """Every refusal has an entry (DECISIONS 20)."""
        self.note("introspect.denied", client, outcome="denied", reason=reason)

    def dead(self, client: ClientFacts, claims: dict[str, Any]) -> None:
        """Its grant has ended or it was taken back: who may ask about it is told of in the line of the consent."""
        context: Context = self.server.context
        holder, event = self.place(client, tokens.LiveToken(claims, None)), "introspect.denied"
        if holder is None or not refusals.of_token(context, claims, event=event, asker=client.id, takes=holder.takes):
            self.denied(client, "dead")

    def note(self, event: str, client: ClientFacts, *, outcome: str, reason: str) -> None:
        """One entry by the data holder that asked."""
        context: Context = self.server.context
        log.append(
            context.session,
            event,
            now=context.now,
            actor=log.Actor.client(client.id),
            client_id=client.id,
            recipient_id=client.legal_entity_id,
            outcome=outcome,
            reason=reason,
        )
