"""Who may use this server's own interfaces as a machine: report reads, read consents, ask for a decision.

These words are no purpose of the catalogue, because nobody's data leaves by them to a new receiver: like introspection,
they hang on what a client is. A holder of data reports its own reads; a system or a holder asks about consents that
concern itself; a client looks after its own grants. A caller proves who it is by its own secret (Basic), or by a token
that it got with client_credentials (RFC 6749 section 4.4) and that is meant for us alone: `aud` is the issuer, no
purpose, no person.
"""

from dataclasses import dataclass
from uuid import UUID

from authlib.oauth2.base import OAuth2Error

from idp.oauth import authentication, clients, tokens
from idp.oauth.client_facts import ClientFacts
from idp.oauth.errors import UNAUTHORIZED
from idp.oauth.pipeline import Context, ProtocolRequest
from idp.oauth.registration import MACHINES

REPORT = "system/AuditEvent.c"
CONSENTS = "system/Consent.rs"
DECIDE = "moph.consent.decide"
TAKE_OVER = "moph.transfer.fetch"
OF_GRANTS = ("grant_management_query", "grant_management_revoke")
SCOPES = {
    REPORT: ("resource_server",),
    CONSENTS: MACHINES,
    DECIDE: MACHINES,
    TAKE_OVER: ("web", "system"),
    **dict.fromkeys(OF_GRANTS, ("web", "system")),
}
OWN_CONSENTS, OWN_LOG = "moph.consent.read", "moph.audit.read.self"  # of a person (catalogue, MYDATA)
PLACE = "fhir"  # where such a token is used, for the count of its uses
FORBIDDEN = 403


@dataclass
class Refused(Exception):  # noqa: N818 -- an answer, not a fault
    """RFC 6750 section 3: status, error code, and a sentence for the caller."""

    status: int
    error: str
    description: str


def asked(scope: str | None) -> tuple[str, ...]:
    """PURE: the words of ours in a `scope`, in its order."""
    return tuple(dict.fromkeys(word for word in (scope or "").split() if word in SCOPES))


def may(client: ClientFacts, scope: str) -> bool:
    """PURE: whether a client of this kind uses the interface at all."""
    return client.active and client.kind in SCOPES[scope]


def caller(context: Context, request: ProtocolRequest, scope: str) -> ClientFacts:
    """The client that asks, proved by its token or by its secret. Raises: Refused."""
    scheme, _, rest = str(request.headers.get("Authorization") or "").partition(" ")
    client = _by_token(context, rest.strip(), scope) if scheme.lower() == "bearer" else _by_secret(context, request)
    if client is None:
        raise Refused(UNAUTHORIZED, "invalid_token", "a token for this interface or the client's own secret is needed")
    if not may(client, scope):
        raise Refused(FORBIDDEN, "insufficient_scope", "this client may not use this interface")
    return client


@dataclass(frozen=True)
class Person:
    """Whose data a person's own token opens, through which client, in whose sector they are known to it.

    `acting`: the token is of somebody who acts for them.
    """

    subject_id: UUID
    client_id: str
    sector: str
    acting: bool = False


def person(context: Context, request: ProtocolRequest, scope: str) -> Person | None:
    """The person behind a citizen's token for this server itself; None for every other credential.

    The live decision is asked and logged (`userinfo.read`). Raises: Refused when nothing stands for the scope.
    """
    scheme, _, rest = str(request.headers.get("Authorization") or "").partition(" ")
    live = tokens.find_live(context, rest.strip()) if scheme.lower() == "bearer" else None
    if live is None or live.grant is None or context.issuer not in live.aud:
        return None
    client = clients.find(context.session, live.client_id)
    stands = tokens.standing(
        context, live, live.grant, at=PLACE, event="userinfo.read", asker=live.client_id, takes=scope.__eq__
    )
    if client is None or not any(scope in of for of in stands.values()):
        raise Refused(FORBIDDEN, "insufficient_scope", f"the token was not granted {scope}, or it stands no longer")
    acting = live.grant.data_subject_id != live.grant.subject_id
    return Person(live.grant.data_subject_id, client.id, client.sector, acting)


def _by_token(context: Context, token: str, scope: str) -> ClientFacts | None:
    live = tokens.find_live(context, token) if token else None
    if live is None or live.grant is not None or context.issuer not in live.aud:
        return None
    if scope not in str(live.claims["scope"]).split():
        raise Refused(FORBIDDEN, "insufficient_scope", "the token does not cover this interface")
    return _known(context, live.client_id)


def _by_secret(context: Context, request: ProtocolRequest) -> ClientFacts | None:
    try:
        client = authentication.authenticate_basic(lambda name: _known(context, name), request)
    except OAuth2Error:
        return None
    return client if client is not None and client.check_endpoint_auth_method("client_secret_basic", "own") else None


def _known(context: Context, name: str) -> ClientFacts | None:
    client = clients.find(context.session, name) if name.isprintable() else None
    return client if client is not None and client.active else None
