"""The protocol's own addresses: metadata for everybody, endpoints for clients. Each asks the provider one verb.

CORS: metadata and keys may be read by any page; token, UserInfo and revocation by the origins of registered browser
applications (`oauth.origins`); introspection and the authorization endpoint by none (RFC 9700 section 2.6).
"""

import json
from collections.abc import Callable
from functools import lru_cache, wraps

from flask import Blueprint, Response, current_app, g, request

from idp.oauth import authentication, origins, provider
from idp.oauth.errors import NO_STORE, Answer
from idp.oauth.pipeline import ProtocolRequest
from idp.settings import Settings
from idp.web import errors, gate, hurdle
from idp.web.gate import Tx, Who, route

bp = Blueprint("protocol", __name__)
METADATA_S = 300
KEYS_S = 60  # a rotation must show within 60 s (DECISIONS 6)
PREFLIGHT_S = 300
REFUSED, TOO_MANY = 400, 429
TOO_OFTEN = {
    "error": "temporarily_unavailable",
    "error_description": "too many requests of this client, see Retry-After",
}
SCRIPTED = "/oauth/<any(token, revoke, userinfo):_endpoint>"


def for_scripts(view: Callable[[], Response]) -> Callable[[], Response]:
    """A view that browser applications call by themselves: their origins may read it, and `preflight` answers."""

    @wraps(view)
    def answer() -> Response:
        return shared(view())

    answer.provide_automatic_options = False  # type: ignore[attr-defined]  # Flask's own would come first
    return answer


@route(bp, "/.well-known/openid-configuration", tx=Tx.NONE, who=Who.CLIENT, json=True)
def openid_configuration() -> Response:
    """OpenID Connect Discovery 1.0 section 4."""
    return public(metadata(gate.house().settings), METADATA_S)


@route(bp, "/.well-known/oauth-authorization-server", tx=Tx.NONE, who=Who.CLIENT, json=True)
def authorization_server() -> Response:
    """RFC 8414 section 3."""
    return public(metadata(gate.house().settings), METADATA_S)


@route(bp, "/jwks.json", tx=Tx.NONE, who=Who.CLIENT, json=True)
def jwks() -> Response:
    """Public keys only (RFC 7517)."""
    return public(g.ring.jwks, KEYS_S)


@route(bp, "/oauth/token", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
@for_scripts
def token() -> Response:
    """RFC 6749 section 3.2. Who asks too often waits (RFC 6585 section 4); nothing of the request is looked at."""
    asked = protocol_request()
    wait = hurdle.client_wait_s(authentication.named(asked), what="token")
    if wait is not None:
        return spoken(Answer(TOO_MANY, TOO_OFTEN, {"Retry-After": str(wait), **NO_STORE}))
    return spoken(provider.token(gate.context(), asked))


@route(bp, "/oauth/introspect", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def introspect() -> Response:
    """RFC 7662."""
    return spoken(provider.introspect(gate.context(), protocol_request()))


@route(bp, "/oauth/revoke", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
@for_scripts
def revoke() -> Response:
    """RFC 7009."""
    return spoken(provider.revoke(gate.context(), protocol_request()))


@route(bp, "/oauth/userinfo", methods=("GET", "POST"), tx=Tx.WRITE, who=Who.CLIENT, json=True)
@for_scripts
def userinfo() -> Response:
    """OpenID Connect Core section 5.3."""
    return spoken(provider.userinfo(gate.context(), protocol_request()))


@route(bp, "/oauth/grants/<grant_id>", methods=("GET", "DELETE"), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def manage(grant_id: str) -> Response:
    """Grant Management section 6."""
    return spoken(provider.manage(gate.context(), protocol_request(), grant_id))


@route(bp, "/oauth/status", tx=Tx.READ, who=Who.CLIENT, json=True)
def status_lists() -> Response:
    """Token Status List section 9."""
    return spoken(provider.status_lists(gate.context()))


@route(bp, "/oauth/status/<int:number>", tx=Tx.READ, who=Who.CLIENT, json=True)
def status_list(number: int) -> Response:
    """Token Status List section 8."""
    return spoken(provider.status_list_of(gate.context(), protocol_request(), number))


@route(bp, SCRIPTED, methods=("OPTIONS",), tx=Tx.READ, who=Who.CLIENT, json=True)
def preflight(_endpoint: str) -> Response:
    """Fetch 3.2.2: may this page send what it wishes to send? Who is not known is told nothing, not even no."""
    response = shared(Response(status=204))
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return response


def shared(response: Response) -> Response:
    """The answer as scripts of a registered application may read it; without credentials, since no cookie counts."""
    origin = request.headers.get("Origin")
    response.vary.add("Origin")
    if origin is not None and origins.known(g.session, origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    return response


def protocol_request() -> ProtocolRequest:
    """The request as the protocol room sees it; its address is the issuer's, whatever Host says."""
    return ProtocolRequest(
        method=request.method,
        url=gate.house().settings.issuer + request.path,
        form=request.form,
        args=request.args,
        headers=dict(request.headers),
    )


def challenge(error: str) -> str:
    """RFC 6750 section 3.1: who sent no proof is told that one is needed, and of no error."""
    named = f', error="{error}"' if "Authorization" in request.headers else ""
    return f'Bearer realm="yinyom"{named}'


def spoken(answer: Answer) -> Response:
    """The provider's answer over HTTP. A refusal says where its next step is written, and its correlation id."""
    body = answer.body
    if isinstance(body, str):
        response = Response(body, answer.status)
    else:
        if answer.status >= REFUSED and "error" in body:
            body = {**body, **errors.where_to_read(str(body["error"]))}
        response = Response(json.dumps(body), answer.status, mimetype="application/json")
    response.headers.update(dict(answer.headers))
    return response


@lru_cache(maxsize=8)
def metadata(settings: Settings) -> str:
    """The discovery document as it goes out; the same for the life of the process."""
    return json.dumps(provider.discovery(settings))


def public(document: object, max_age: int) -> Response:
    """A document (or its JSON text) for everybody, cacheable for `max_age` seconds."""
    text = document if isinstance(document, str) else current_app.json.dumps(document)
    response = Response(text, mimetype="application/json")
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
