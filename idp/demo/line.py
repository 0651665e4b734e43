"""The sandbox's LINE: accounts of made-up people, asked through the same connector as the real one (THAI.md 2.9).

What it keeps of the real one's ways: the client's secret in the form, PKCE, an ID token signed HS256 with the channel's
secret as for the web, an issuer that is LINE's own wherever it stands, a nonce that comes back.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import OctKey

from idp.demo.stand_in import Client, Codes, Row, ask, back, chosen
from idp.demo.thaid import add_ground, half_hash
from idp.relying.keys import Clock, wall_clock

ISSUER = "https://access.line.me"
BASE = "/oauth2/v2.1"
LIFE_S = 3600


@dataclass(frozen=True)
class Granted:
    """What a code stands for."""

    user: str
    nonce: str
    challenge: str


def create_line(client: Client, everybody: Sequence[Row], *, templates: str, clock: Clock = wall_clock) -> Flask:
    """The WSGI application."""
    app = Flask("line", static_folder=None, template_folder=templates)
    codes: Codes[Granted] = Codes(clock)
    _add_sign_in(app, client, everybody, codes)
    _add_tokens(app, client, codes, clock)
    add_ground(app, templates)
    return app


def _add_sign_in(app: Flask, client: Client, everybody: Sequence[Row], codes: Codes[Granted]) -> None:
    @app.get(f"{BASE}/authorize")
    def authorize() -> Response:
        if not client.asks(request.args) or not request.args.get("state"):
            return wrong("invalid_request")
        return ask("line", request.args, everybody)

    @app.post(f"{BASE}/authorize")
    def answer() -> Response:
        if not client.asks(request.form):
            return wrong("invalid_request")
        if "deny" in request.form:
            return back(request.form, error="access_denied", error_description="The user canceled")
        person = chosen(everybody)
        if person is None:
            return ask("line", request.form, everybody, wrong=True)
        asked = request.form
        granted = Granted(user_of(person), asked.get("nonce", ""), asked.get("code_challenge", ""))
        return back(asked, code=codes.give(granted))


def _add_tokens(app: Flask, client: Client, codes: Codes[Granted], clock: Clock) -> None:
    @app.post(f"{BASE}/token")
    def token() -> Response:
        said = request.form
        if not client.is_shown(said.get("client_id", ""), said.get("client_secret", "")):
            return wrong("invalid_client")
        found = codes.take(said.get("code", ""))
        if found is None or not is_good(found, client):
            return wrong("invalid_grant")
        return jsonify(tokens(found, client, now_s=int(clock())))

    @app.get(f"{BASE}/certs")
    def certs() -> Response:
        return jsonify(keys=[])


def is_good(found: Granted, client: Client) -> bool:
    """Whether whom the code was given to redeems it: same address, and the verifier of a challenge."""
    said = request.form
    verified = not found.challenge or found.challenge == challenge_of(said.get("code_verifier", ""))
    return verified and said.get("redirect_uri") == client.redirect_uri


def tokens(found: Granted, client: Client, *, now_s: int) -> dict[str, Any]:
    """The answer of the token endpoint."""
    access_token = secrets.token_urlsafe(32)
    claims = {
        "iss": ISSUER,
        "sub": found.user,
        "aud": client.client_id,
        "iat": now_s,
        "exp": now_s + LIFE_S,
        "nonce": found.nonce,
        "amr": ["linesso"],
        "at_hash": half_hash(access_token),
    }
    signed = jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(client.secret))
    told = {"access_token": access_token, "token_type": "Bearer", "expires_in": LIFE_S, "scope": "openid"}
    return told | {"id_token": signed}


def user_of(person: Row) -> str:
    """PURE: a user id as LINE makes them, the same for the same person each time."""
    return "U" + hashlib.sha256(f"line:{person['national_id']}".encode()).hexdigest()[:32]


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.6."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def wrong(error: str) -> Response:
    """A refusal in the words of RFC 6749 section 5.2."""
    answer = jsonify(error=error, error_description="")
    answer.status_code = 401 if error == "invalid_client" else 400
    return answer
