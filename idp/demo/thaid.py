"""The sandbox's ThaID: a service of its own that speaks as the department's does, for made-up people (THAI.md 2.5, 6).

The server reaches it through the same adapter as the real one. What it keeps of the real one's ways: Basic
authentication, a must of `state`, `expire_in` as a moment, attributes in an ID token signed ES256, `user_denied`.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask, Response, jsonify, request, send_from_directory
from joserfc import jwt
from joserfc.jwk import ECKey

from idp.demo.stand_in import Client, Codes, Row, ask, back, chosen
from idp.relying.keys import Clock, wall_clock

BASE = "/api/v2/oauth2"
LIFE_S = 900
LEVEL = 2.3
NO_FAMILY_NAME = "-"
ERRORS = {"invalid_request": 400, "unauthorized_client": 401, "unsupported_grant_type": 400}


def create_thaid(
    client: Client, everybody: Sequence[Row], *, issuer: str, templates: str, clock: Clock = wall_clock
) -> Flask:
    """The WSGI application. `issuer` is where it is reached."""
    app = Flask("thaid", static_folder=None, template_folder=templates)
    codes: Codes[tuple[Row, str]] = Codes(clock)
    _add_sign_in(app, client, [one for one in everybody if one["status"] == "alive"], codes)
    _add_tokens(app, client, codes, issuer, clock)
    add_ground(app, templates)
    return app


def _add_sign_in(app: Flask, client: Client, alive: Sequence[Row], codes: Codes[tuple[Row, str]]) -> None:
    @app.get(f"{BASE}/auth/")
    def auth() -> Response:
        if not client.asks(request.args) or not request.args.get("state"):
            return wrong("invalid_request")
        return ask("thaid", request.args, alive)

    @app.post(f"{BASE}/auth/")
    def answer() -> Response:
        if not client.asks(request.form):
            return wrong("invalid_request")
        if "deny" in request.form:
            return back(request.form, error="user_denied", error_description="User denied the request (disapproved)")
        person = chosen(alive)
        if person is None:
            return ask("thaid", request.form, alive, wrong=True)
        return back(request.form, code=codes.give((person, request.form.get("scope", ""))))


def _add_tokens(app: Flask, client: Client, codes: Codes[tuple[Row, str]], issuer: str, clock: Clock) -> None:
    key = signing_key(client.secret)

    @app.post(f"{BASE}/token/")
    def token() -> Response:
        if not client.is_shown(*basic()):
            return wrong("unauthorized_client")
        found = codes.take(request.form.get("code", ""))
        if found is None or request.form.get("redirect_uri") != client.redirect_uri:
            return wrong("invalid_request")
        return jsonify(tokens(*found, key, {"iss": issuer, "aud": client.client_id}, now_s=int(clock())))

    @app.get("/jwks/")
    def jwks() -> Response:
        return jsonify(keys=[key.as_dict(private=False, alg="ES256")])


def signing_key(secret: str) -> ECKey:
    """The same for the same secret: a sandbox that was started again goes on signing with what the server knows."""
    number = int.from_bytes(hashlib.sha256(f"thaid:{secret}".encode()).digest(), "big") >> 1  # below the curve's order
    private = ec.derive_private_key(number, ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key: ECKey = ECKey.import_key(private, {"use": "sig", "kid": "thaid-1"})
    return key


def tokens(person: Row, scope: str, key: ECKey, names: dict[str, str], *, now_s: int) -> dict[str, Any]:
    """The answer of the token endpoint; its life is a moment, under a misspelt name."""
    access_token = secrets.token_urlsafe(32)
    claims = claims_of(person, scope.split()) | {
        **names,
        "sub": person["national_id"],
        "iat": now_s,
        "exp": now_s + LIFE_S,
        "at_hash": half_hash(access_token),
    }
    signed = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
    told = {"access_token": access_token, "token_type": "Bearer", "expire_in": now_s + LIFE_S}
    return told | {"scope": scope, "id_token": signed}


def claims_of(person: Row, scopes: Sequence[str]) -> dict[str, Any]:
    """PURE: the attributes that were asked for, as the department writes them."""
    known: dict[str, Any] = {
        "pid": person["national_id"],
        "title": person["title_th"],
        "given_name": person["given_name_th"],
        "family_name": person["family_name_th"] or NO_FAMILY_NAME,
        "title_en": person["title_en"],
        "given_name_en": person["given_name_en"],
        "family_name_en": person["family_name_en"] or NO_FAMILY_NAME,
        "birthdate": person["birth_date"],
        "gender": person["gender"],
        "address": {"formatted": person["address"]},
        "ial": LEVEL,
    }
    return {name: value for name, value in known.items() if name in scopes}


def basic() -> tuple[str, str]:
    """The client's name and secret of the header; empty where there is none."""
    kind, _, coded = request.headers.get("Authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (name, secret) if kind == "Basic" else ("", "")


def wrong(error: str) -> Response:
    """A refusal in the department's words."""
    answer = jsonify(error=error, error_description="")
    answer.status_code = ERRORS[error]
    return answer


def half_hash(token: str) -> str:
    """`at_hash` (OIDC Core 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()


def add_ground(app: Flask, templates: str) -> None:
    """What every demo service answers."""

    @app.get("/stand_in.css")
    def style() -> Response:
        return send_from_directory(templates, "portal.css")

    @app.get("/livez")
    def livez() -> Response:
        return Response("ok\n", mimetype="text/plain")
