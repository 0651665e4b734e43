"""A client that proves itself by its own key: what it registers and the assertions it makes."""

import base64
import json
from functools import cache

from joserfc import jwk, jws

from idp.oauth.features.private_key_jwt import TYPE
from tests.fakes import MINUTE, NOW

KINDS = {"PS256": "RSA", "RS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}


def key_for(alg, number=0):
    """A key pair that fits this algorithm; the same for the same number."""
    return _key(KINDS[alg], number)


@cache
def _key(kind, _number):
    if kind == "RSA":
        return jwk.RSAKey.generate_key(2048)
    return jwk.ECKey.generate_key("P-256") if kind == "EC" else jwk.OKPKey.generate_key("Ed25519")


def public(kind="ES256", number=0, **members):
    """The registered half, with a kid."""
    return {**key_for(kind, number).as_dict(private=False), "kid": f"{KINDS[kind]}-{number}", **members}


def jwks(*keys):
    """A key set."""
    return {"keys": list(keys or (public(),))}


def claims_for(client_id, **changes):
    """Good claims, changed; None leaves one out."""
    now = int(NOW.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": "http://localhost:8000",
        "jti": "one",
        "iat": now,
        "exp": now + MINUTE.seconds,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def assertion(client_id, *, alg="ES256", key=None, header=None, **changes):
    """A signed assertion; `header` members replace the usual ones, None leaves one out."""
    head = {"alg": alg, "kid": f"{KINDS[alg]}-0", **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    signed = f"{coded(head)}.{coded(claims_for(client_id, **changes))}"
    signature = jws.JWSRegistry.algorithms[alg].sign(signed.encode(), key or key_for(alg))
    return f"{signed}.{base64url(signature)}"


def coded(document):
    """JSON in base64url, without padding."""
    return base64url(json.dumps(document).encode())


def base64url(raw):
    """RFC 7515 section 2."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def form(token, **more):
    """The parameters of a request that is authenticated by this assertion."""
    return {"client_assertion_type": TYPE, "client_assertion": token, **more}
