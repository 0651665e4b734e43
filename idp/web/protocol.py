"""The protocol's own addresses: metadata for everybody, endpoints for clients. Each asks the provider one verb.

CORS: metadata and keys may be read by any page. Token, UserInfo and revocation answer none: a browser application has
its server speak for it (RFC 9700; a public client's origin would have to be registered first).
"""

import json

from flask import Blueprint, Response, current_app, g, request

from idp.oauth import provider
from idp.oauth.errors import Answer
from idp.oauth.pipeline import ProtocolRequest
from idp.web import gate
from idp.web.gate import Tx, Who, route

bp = Blueprint("protocol", __name__)
METADATA_S = 300
KEYS_S = 60  # a rotation must show within 60 s (DECISIONS 6)


@route(bp, "/.well-known/openid-configuration", tx=Tx.NONE, who=Who.CLIENT, json=True)
def openid_configuration() -> Response:
    """OpenID Connect Discovery 1.0 section 4."""
    return public(provider.discovery(gate.house().settings), METADATA_S)


@route(bp, "/.well-known/oauth-authorization-server", tx=Tx.NONE, who=Who.CLIENT, json=True)
def authorization_server() -> Response:
    """RFC 8414 section 3."""
    return public(provider.discovery(gate.house().settings), METADATA_S)


@route(bp, "/jwks.json", tx=Tx.NONE, who=Who.CLIENT, json=True)
def jwks() -> Response:
    """Public keys only (RFC 7517)."""
    return public(g.ring.jwks, KEYS_S)


@route(bp, "/oauth/token", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def token() -> Response:
    """RFC 6749 section 3.2."""
    return spoken(provider.token(gate.context(), protocol_request()))


@route(bp, "/oauth/introspect", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def introspect() -> Response:
    """RFC 7662."""
    return spoken(provider.introspect(gate.context(), protocol_request()))


@route(bp, "/oauth/revoke", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def revoke() -> Response:
    """RFC 7009."""
    return spoken(provider.revoke(gate.context(), protocol_request()))


@route(bp, "/oauth/userinfo", methods=("GET", "POST"), tx=Tx.WRITE, who=Who.CLIENT, json=True)
def userinfo() -> Response:
    """OpenID Connect Core section 5.3."""
    return spoken(provider.userinfo(gate.context(), protocol_request()))


def protocol_request() -> ProtocolRequest:
    """The request as the protocol room sees it; its address is the issuer's, whatever Host says."""
    return ProtocolRequest(
        method=request.method,
        url=gate.house().settings.issuer + request.path,
        form=request.form,
        args=request.args,
        headers=dict(request.headers),
    )


def spoken(answer: Answer) -> Response:
    """The provider's answer over HTTP."""
    if isinstance(answer.body, str):
        response = Response(answer.body, answer.status)
    else:
        response = Response(json.dumps(answer.body), answer.status, mimetype="application/json")
    response.headers.update(dict(answer.headers))
    return response


def public(document: object, max_age: int) -> Response:
    """A document for everybody, cacheable for `max_age` seconds."""
    response = Response(current_app.json.dumps(document), mimetype="application/json")
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
