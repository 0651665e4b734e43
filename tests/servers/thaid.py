"""ThaID of the Department of Provincial Administration as an OpenID Provider, from public descriptions (THAI.md 2.5).

Its own ways, kept here: client authentication by Basic; `state` is a must; the life of a token stands in `expire_in`
(so spelt) as a moment in Unix seconds; without the scope `openid` the attributes come flat beside the token, with it
they stand in a signed id_token (ES256) with at_hash, aud, exp, iat, iss, sub, auth_time, version, and `sub` is the
national ID; introspection and revocation want `token=Bearer <token>`; a person who says no is `user_denied`; the paths
end in a slash. Dates are of the Christian era. A code is good once, for a minute, for its redirect_uri.

Not known from outside and assumed here: `nonce` is not described, so it is not echoed unless told; `address` is an
object with `formatted`; an unknown day of birth is left out of the date ("1933"); PKCE is not described and ignored.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.servers.authority import Authority
from tests.servers.ground import Answer, Call, Ground, standing

BASE = "/api/v2/oauth2"
SCOPES = frozenset(
    (
        *("openid", "pid", "name", "name_en", "birthdate", "address", "given_name", "middle_name", "family_name"),
        *("given_name_en", "middle_name_en", "family_name_en", "gender", "smartcard_code", "title", "title_en", "ial"),
        *("date_of_issuance", "date_of_expiry"),
    )
)
TOKEN_LIFE = timedelta(minutes=15)
CODE_LIFE = timedelta(minutes=1)
SIGNS = frozenset({"own", "stranger", "none", "hs256", "rs256", "no_kid"})


def _real() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- the processes under test read the same clock


@dataclass(frozen=True)
class Client:
    """A relying party that the department let in."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]


@dataclass
class Granted:
    """A code, or the token that it became."""

    client: Client
    redirect_uri: str
    scopes: list[str]
    nonce: str
    pid: str
    at: datetime
    used: bool = False
    live: bool = True


@dataclass(kw_only=True)
class Thaid(Ground):
    """`people`: attributes by number. `person` is who holds the phone today; `denies` says that they press no.

    What can be wrong: `signs` (own, stranger's key of the same kid, none, hs256 by the client's secret, rs256, no_kid);
    `claims` overrides claims of the id_token, None removes one; `flat` overrides what comes flat; `issuer` says another
    name in discovery and tokens; `token_answer` overrides the token response, None removes a field; `nonces` (absent,
    echoed, wrong); `ial` may be a word or a number (`knows`); `rotate()` puts another key in the place of the first.
    """

    clients: list[Client] = field(default_factory=list)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    person: str = ""
    denies: bool = False
    signs: str = "own"
    claims: dict[str, Any] = field(default_factory=dict)
    flat: dict[str, Any] = field(default_factory=dict)
    token_answer: dict[str, Any] = field(default_factory=dict)
    nonces: Literal["absent", "echoed", "wrong"] = "absent"
    issuer: str = ""
    clock: Callable[[], datetime] = _real
    codes: dict[str, Granted] = field(default_factory=dict)
    tokens: dict[str, Granted] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "thaid-1", "use": "sig"}))

    def knows(self, pid: str, **attributes: Any) -> None:
        """Give a made-up person the app; what the scopes of their names answer."""
        self.people[pid] = {"pid": pid, "ial": 2.3, **attributes}

    def rotate(self) -> None:
        """Another key from now on; the old one is gone."""
        self.key = ECKey.generate_key("P-256", {"kid": f"thaid-{secrets.token_hex(4)}", "use": "sig"})

    @property
    def base(self) -> str:
        """Before `auth/`, `token/`, `introspect/`, `revoke/`."""
        return self.url + BASE

    @property
    def discovery(self) -> str:
        """Where its metadata are."""
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def iss(self) -> str:
        """What it calls itself."""
        return self.issuer or self.url

    def answer(self, call: Call) -> Answer:
        """One of its addresses."""
        known: dict[str, Callable[[Call], Answer]] = {
            "GET /.well-known/openid-configuration": self._metadata,
            "GET /jwks/": lambda _: told({"keys": [self.key.as_dict(private=False, alg="ES256")]}),
            f"GET {BASE}/auth/": self._auth,
            f"POST {BASE}/token/": self._token,
            f"POST {BASE}/introspect/": self._introspect,
            f"POST {BASE}/revoke/": self._revoke,
        }
        do = known.get(f"{call.method} {call.path}")
        return do(call) if do else told({"error": "not found", "error_description": "data"}, 404)

    def _metadata(self, _: Call) -> Answer:
        return told(
            {
                "issuer": self.iss,
                "authorization_endpoint": f"{self.base}/auth/",
                "token_endpoint": f"{self.base}/token/",
                "introspection_endpoint": f"{self.base}/introspect/",
                "revocation_endpoint": f"{self.base}/revoke/",
                "jwks_uri": f"{self.url}/jwks/",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "scopes_supported": sorted(SCOPES),
            }
        )

    def _auth(self, call: Call) -> Answer:
        client = next((c for c in self.clients if c.client_id == call.asked("client_id")), None)
        if client is None:
            return wrong("invalid_client", "Client id not found", 401)
        uri = call.asked("redirect_uri")
        if uri not in client.redirect_uris:
            return wrong("invalid_request", "The redirect or callback url mismatch or invalid")
        scopes = call.asked("scope").split()
        refusal = self._refusal(call, scopes)
        if refusal:
            return back(uri, call.asked("state"), error=refusal[0], error_description=refusal[1])
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = Granted(client, uri, scopes, call.asked("nonce"), self.person, self.clock())
        return back(uri, call.asked("state"), code=code)

    def _refusal(self, call: Call, scopes: list[str]) -> tuple[str, str] | None:
        if call.asked("response_type") != "code":
            return "unsupported_response_type", "Unsupported response type"
        if not call.asked("state"):
            return "invalid_request", "The require parameter is missing or invalid"
        if not scopes or set(scopes) - SCOPES:
            return "invalid_scope", "The scope is invalid"
        if self.denies or self.person not in self.people:
            return "user_denied", "User denied the request (disapproved)"
        return None

    def _token(self, call: Call) -> Answer:
        client = self._client(call)
        if client is None:
            return wrong("unauthorized_client", "The client is not authorized", 401)
        form = call.form
        if form.get("grant_type") != "authorization_code":
            return wrong("unsupported_grant_type", "Unsupported grant type")
        now = self.clock()
        with self.lock:
            granted = self.codes.get(form.get("code", ""))
            fresh = granted is not None and not granted.used and now - granted.at <= CODE_LIFE
            if granted is None or not fresh or granted.client is not client:
                return wrong("invalid_request", "Invalid Authorization Code")
            if form.get("redirect_uri") != granted.redirect_uri:
                return wrong("invalid_request", "The redirect or callback url mismatch or invalid")
            granted.used = True
            token = secrets.token_urlsafe(32)
            self.tokens[token] = Granted(
                client, granted.redirect_uri, granted.scopes, granted.nonce, granted.pid, granted.at
            )
        return told(kept(self._answered(token, granted, now), self.token_answer))

    def _answered(self, token: str, granted: Granted, now: datetime) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "expire_in": int((now + TOKEN_LIFE).timestamp()),
            "scope": " ".join(granted.scopes),
        }
        person = self.people[granted.pid]
        attributes = {name: person[name] for name in granted.scopes if name in person}
        if "openid" not in granted.scopes:
            return answer | kept(attributes, self.flat)
        return answer | {"id_token": self._id_token(token, granted, attributes, now)}

    def _id_token(self, token: str, granted: Granted, attributes: dict[str, Any], now: datetime) -> str:
        half = hashlib.sha256(token.encode()).digest()[:16]
        claims = {
            "iss": self.iss,
            "aud": granted.client.client_id,
            "sub": granted.pid,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "auth_time": int(granted.at.timestamp()),
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            "version": "1.0.0",
            **attributes,
        }
        if self.nonces != "absent" and granted.nonce:
            claims["nonce"] = granted.nonce if self.nonces == "echoed" else f"not-{granted.nonce}"
        return self._signed(kept(claims, self.claims), granted.client)

    def _signed(self, claims: dict[str, Any], client: Client) -> str:
        if self.signs not in SIGNS:
            raise ValueError(f"no such signature: {self.signs}")
        kid = self.key.kid
        if self.signs == "none":
            head, body = (
                base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in ({"alg": "none"}, claims)
            )
            return f"{head.decode()}.{body.decode()}."
        if self.signs == "hs256":
            return jwt.encode({"alg": "HS256", "kid": kid}, claims, OctKey.import_key(client.secret.ljust(32, "-")))
        if self.signs == "rs256":
            return jwt.encode({"alg": "RS256", "kid": kid}, claims, RSAKey.generate_key(2048))
        key = ECKey.generate_key("P-256") if self.signs == "stranger" else self.key
        header = {"alg": "ES256"} if self.signs == "no_kid" else {"alg": "ES256", "kid": kid}
        return jwt.encode(header, claims, key, registry=jws.JWSRegistry(algorithms=["ES256"]))

    def _introspect(self, call: Call) -> Answer:
        token = self._bearer(call)
        if isinstance(token, Answer):
            return token
        granted = self.tokens.get(token)
        if granted is None or not granted.live or self.clock() - granted.at > TOKEN_LIFE:
            return told({"active": False})
        return told({"active": True, "sub": granted.pid, "scope": " ".join(granted.scopes)})

    def _revoke(self, call: Call) -> Answer:
        token = self._bearer(call)
        if isinstance(token, Answer):
            return token
        if token in self.tokens:
            self.tokens[token].live = False
        return told({"status": "OK", "message": "revoked"})

    def _bearer(self, call: Call) -> str | Answer:
        if self._client(call) is None:
            return wrong("unauthorized_client", "The client is not authorized", 401)
        kind, _, token = call.form.get("token", "").partition(" ")
        return token if kind == "Bearer" and token else wrong("invalid_request", "The body is invalid")

    def _client(self, call: Call) -> Client | None:
        kind, _, coded = call.headers.get("Authorization", "").partition(" ")
        try:
            client_id, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
        except ValueError:
            return None
        known = (c for c in self.clients if c.client_id == client_id and c.secret == secret)
        return next(known, None) if kind == "Basic" else None


def told(answer: object, status: int = 200) -> Answer:
    """JSON, in Thai letters."""
    return Answer(status, json.dumps(answer, ensure_ascii=False).encode(), headers=(("Cache-Control", "no-store"),))


def wrong(error: str, description: str, status: int = 400) -> Answer:
    """An error of the table in the department's paper."""
    return told({"error": error, "error_description": description}, status)


def back(uri: str, state: str, **parameters: str) -> Answer:
    """The browser goes back to the relying party."""
    query = urlencode({**parameters, **({"state": state} if state else {})})
    return Answer(302, headers=(("Location", f"{uri}{'&' if '?' in uri else '?'}{query}"),))


def kept(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`values` with `changes`, without what was changed to None."""
    return {name: value for name, value in (values | changes).items() if value is not None}


@contextmanager
def open_thaid(
    *, authority: Authority | None = None, client_certificate: bool = False, port: int = 0, **told_of: Any
) -> Iterator[Thaid]:
    """The service for the length of the block; `told_of` are its switches."""
    made = Thaid(**told_of)
    with standing(made, authority=authority, client_certificate=client_certificate, port=port) as thaid:
        yield thaid
