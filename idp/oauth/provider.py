"""READ FIRST: the protocol as one table, the features it consists of, and the endpoints as functions.

Every function takes the context and the request. None raises for bad input: a refusal is an Answer, so what it leaves
behind (the end of a replayed grant, a log entry) is kept by the same commit. `check_authorize` alone raises, a
`PageError` before client and redirect_uri are proven, a `RedirectError` after.
"""

from functools import partial
from typing import Any

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from werkzeug.datastructures import MultiDict

from idp.oauth import authentication, clients, feature, pipeline
from idp.oauth.errors import NO_STORE, Answer, AuthorizeError, RedirectError, answer_of
from idp.oauth.features import (
    authorization_code,
    authorization_details,
    claims,
    client_credentials,
    grant_management,
    introspection,
    issuer,
    launch,
    oidc,
    pkce,
    private_key_jwt,
    proxy,
    refresh_token,
    request_object,
    resource,
    revocation,
    scope,
    server_metadata,
    status_list,
)
from idp.oauth.features import (
    userinfo as userinfo_feature,
)
from idp.oauth.pipeline import At, AuthorizeRequest, Context, Draft, ProtocolRequest
from idp.settings import Settings

__all__ = [
    "CHECKS",
    "FEATURES",
    "check_authorize",
    "discovery",
    "error_redirect",
    "introspect",
    "manage",
    "revoke",
    "status_list_of",
    "status_lists",
    "success_redirect",
    "token",
    "userinfo",
]

A, T, I, R = At.AUTHORIZE, At.TOKEN, At.INTROSPECT, At.REVOKE  # noqa: E741

# fmt: off
CHECKS = (
    (authentication.identify,                 A            ),  # RFC 6749 4.1.2.1: until this has run, errors are pages
    (pipeline.once,                    A            ),  # RFC 6749 3.1
    (pipeline.once_in_body,                T | I | R),  # RFC 6749 3.2
    (authentication.one_way_in,                   T | I | R),  # RFC 6749 2.3
    (request_object.refuse,            A            ),  # OIDC Core 6
    (authorization_code.response_type, A            ),  # RFC 6749 4.1.1
    (issuer.response_mode,             A            ),  # OAuth 2.0 Multiple Response Types 2.1
    (pkce.require,                     A            ),  # RFC 7636 4.4.1
    (oidc.check,                       A            ),  # OIDC Core 3.1.2.2
    (scope.resolve,                    A            ),  # RFC 6749 3.3
    (launch.check,                     A            ),  # SMART App Launch 2.2: EHR launch
    (claims.check,                     A            ),  # OIDC Core 5.5
    (proxy.check,                      A            ),  # RFC 8693 4.1: for whom somebody acts
    (resource.check,                   A            ),  # RFC 8707 2
    (authorization_details.check,      A            ),  # RFC 9396 5
    (grant_management.check,           A            ),  # Grant Management 5.2, 5.4
)

FEATURES = (
    server_metadata.FEATURE,
    authorization_code.FEATURE,
    refresh_token.FEATURE,
    client_credentials.FEATURE,
    private_key_jwt.FEATURE,
    pkce.FEATURE,
    issuer.FEATURE,
    scope.FEATURE,
    resource.FEATURE,
    launch.FEATURE,
    request_object.FEATURE,
    oidc.FEATURE,
    claims.FEATURE,
    proxy.FEATURE,
    introspection.FEATURE,
    revocation.FEATURE,
    userinfo_feature.FEATURE,
    status_list.FEATURE,
    grant_management.FEATURE,
    authorization_details.FEATURE,
)

# Of an authorization request: everything that CHECKS read, or refuse by name.
PARAMETERS = frozenset(
    """client_id redirect_uri response_type response_mode scope state nonce display prompt max_age ui_locales acr_values
    login_hint id_token_hint claims resource code_challenge code_challenge_method launch request request_uri
    grant_management_action grant_id authorization_details registration""".split()  # noqa: SIM905 -- one list, one sentence
)

GRANTS = (
    (authorization_code.CodeGrant,   (pkce.Proof(),)),
    (refresh_token.RefreshGrant,     ()             ),
    (client_credentials.SystemGrant, ()             ),
)
# fmt: on


class Server(AuthorizationServer):
    """Authlib's server for one request: its grants, its client-authentication registry, its error handling."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.register_client_auth_method("client_secret_basic", authentication.authenticate_basic)
        self.register_client_auth_method("client_secret_post", authentication.authenticate_post)
        self.register_client_auth_method("none", authentication.authenticate_none)
        self.register_client_auth_method("private_key_jwt", partial(private_key_jwt.authenticate, context))
        for grant, extensions in GRANTS:
            self.register_grant(grant, extensions)
        self.register_endpoint(introspection.Introspection)
        self.register_endpoint(revocation.Revocation)

    def query_client(self, client_id: str) -> clients.ClientFacts | None:
        """A suspended client is no client: invalid_client."""
        # A NUL or a lone surrogate (from Basic or an assertion) is no name, and a database cannot even look for it.
        client = clients.find(self.context.session, client_id) if client_id.isprintable() else None
        return client if client is not None and client.active else None

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        """It already is one."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        """As a value; nothing from a protocol endpoint is cached (RFC 6749 section 5.1)."""
        return Answer(status, body, {**dict(headers), **NO_STORE})

    def handle_error_response(self, request: ProtocolRequest, error: OAuth2Error) -> Answer:  # noqa: ARG002
        """The one mapper."""
        return answer_of(error)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens: what happened is in the log."""


def discovery(settings: Settings) -> dict[str, Any]:
    """The metadata document (RFC 8414; OIDC Discovery 3), derived from FEATURES."""
    return feature.discovery(FEATURES, settings.issuer)


def check_authorize(context: Context, params: MultiDict[str, str]) -> AuthorizeRequest:
    """The checked request. Raises: PageError, RedirectError."""
    draft = Draft(params)
    states = params.getlist("state")
    if len(states) == 1 and states[0] and pipeline.fault_of(states[0]) is None:
        draft.state = states[0]
    try:
        pipeline.run(CHECKS, At.AUTHORIZE, context, draft)
    except AuthorizeError as error:
        raise RedirectError(
            error.error,
            error.description,
            redirect_uri=draft.redirect_uri or "",
            state=draft.state,
            iss=context.issuer,
        ) from error
    return draft.request()


def token(context: Context, request: ProtocolRequest) -> Answer:
    """RFC 6749 section 3.2."""

    def run(server: Server) -> Answer:
        if not request.form.get("grant_type"):
            raise InvalidRequestError("grant_type is missing")
        return _sure(server.create_token_response(request))

    return _answered(context, request, At.TOKEN, run)


def introspect(context: Context, request: ProtocolRequest) -> Answer:
    """RFC 7662."""
    return _answered(
        context, request, At.INTROSPECT, lambda s: _sure(s.create_endpoint_response("introspection", request))
    )


def revoke(context: Context, request: ProtocolRequest) -> Answer:
    """RFC 7009."""
    return _answered(context, request, At.REVOKE, lambda s: _sure(s.create_endpoint_response("revocation", request)))


def userinfo(context: Context, request: ProtocolRequest) -> Answer:
    """OIDC Core 5.3."""
    return userinfo_feature.answer(context, request)


def manage(context: Context, request: ProtocolRequest, grant_id: str) -> Answer:
    """Grant Management section 6."""
    return grant_management.answer(context, request, grant_id)


def status_list_of(context: Context, request: ProtocolRequest, number: int) -> Answer:
    """Token Status List section 8."""
    return status_list.answer(context, request, number)


def status_lists(context: Context) -> Answer:
    """Token Status List section 9."""
    return status_list.aggregation(context)


def success_redirect(context: Context, areq: AuthorizeRequest, *, code: str) -> str:
    """Where the browser goes with the code (RFC 6749 section 4.1.2)."""
    return issuer.response_url(areq.redirect_uri, context.issuer, {"code": code, "state": areq.state})


def error_redirect(context: Context, asked: AuthorizeRequest | RedirectError, error: str, description: str = "") -> str:
    """Where the browser goes with an error (RFC 6749 section 4.1.2.1)."""
    params = {"error": error, "error_description": description or None, "state": asked.state}
    return issuer.response_url(asked.redirect_uri, context.issuer, params)


def _answered(context: Context, request: ProtocolRequest, at: At, run: Any) -> Answer:
    try:
        pipeline.run(CHECKS, at, context, request)
        return _sure(run(Server(context)))
    except OAuth2Error as error:
        return answer_of(error)


def _sure(answer: object) -> Answer:
    if not isinstance(answer, Answer):
        raise TypeError("an endpoint gave no answer")
    return answer
