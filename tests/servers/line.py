"""LINE Login v2.1 and the push of the Messaging API, from LINE's public reference (THAI.md 2.9).

Login: the scopes are openid, profile, email; `state` is a must; PKCE S256 counts where it was asked for; the client's
secret stands in the form; a code is good once, for ten minutes. The id_token of a web login is signed HS256 with the
channel's secret, of an app ES256 (`/oauth2/v2.1/certs`); its `sub` is one of the provider, `aud` the channel, its `iss`
https://access.line.me wherever this server stands, amr is ["linesso"], and a nonce that was asked comes back.

Push: a bearer token of the channel; `X-Line-Retry-Key` (a UUID) makes a request count once, the second is 409 with the
first one's id; 1 to 5 messages, a text has at most 5,000 UTF-16 units; who blocked the account, or was never its
friend, gets nothing though the answer is 200; past the month's quota it is 429.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from tests.servers.authority import Authority
from tests.servers.ground import Answer, Call, Ground, standing

ISSUER = "https://access.line.me"
SCOPES = frozenset({"openid", "profile", "email"})
CODE_LIFE = timedelta(minutes=10)
ID_TOKEN_LIFE = timedelta(hours=1)
ACCESS_TOKEN_LIFE = timedelta(days=30)
MOST_MESSAGES = 5
LONGEST_TEXT = 5000
NO_ALGORITHM = b'{"alg":"none"}'
USER = re.compile(r"U[0-9a-f]{32}")
SIGNS = frozenset({"hs256", "es256", "stranger_hs256", "stranger_es256", "none", "hs256_by_public_key"})


def _real() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- the processes under test read the same clock


def user(name: str) -> str:
    """A user ID as LINE makes them, always the same for one name."""
    return "U" + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Channel:
    """A LINE Login channel."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]


@dataclass
class Granted:
    """A code, or the token that it became."""

    channel: Channel
    redirect_uri: str
    scopes: list[str]
    nonce: str
    challenge: str
    user: str
    at: datetime
    used: bool = False


@dataclass(frozen=True)
class Pushed:
    """One request of the Messaging API that was accepted."""

    to: str
    texts: list[str]
    request_id: str
    sent: list[dict[str, str]]


@dataclass(kw_only=True)
class Line(Ground):
    """`person` holds the phone today; `denies` says they press cancel; `profiles` are names by user ID.

    What can be wrong: `signs` (see SIGNS), `claims` overrides claims of the id_token (None removes one). For the push:
    `channel_token`, `friends` who receive, `quota` messages left. `delivered` is what arrived, by user.
    """

    channels: list[Channel] = field(default_factory=list)
    profiles: dict[str, str] = field(default_factory=dict)
    person: str = ""
    denies: bool = False
    signs: str = "hs256"
    claims: dict[str, Any] = field(default_factory=dict)
    channel_token: str = "line-channel-token"
    friends: set[str] = field(default_factory=set)
    quota: int = 500
    delivered: dict[str, list[str]] = field(default_factory=dict)
    clock: Callable[[], datetime] = _real
    codes: dict[str, Granted] = field(default_factory=dict)
    tokens: dict[str, Granted] = field(default_factory=dict)
    pushed: dict[str, Pushed] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "line-1", "use": "sig"}))

    def knows(self, name: str, *, friend: bool = True) -> str:
        """Somebody with the app; their user ID."""
        who = user(name)
        self.profiles[who] = name
        if friend:
            self.friends.add(who)
        return who

    def answer(self, call: Call) -> Answer:
        """One of its addresses."""
        known: dict[str, Callable[[Call], Answer]] = {
            "GET /.well-known/openid-configuration": self._metadata,
            "GET /oauth2/v2.1/certs": lambda _: told({"keys": [self.key.as_dict(private=False, alg="ES256")]}),
            "GET /oauth2/v2.1/authorize": self._authorize,
            "POST /oauth2/v2.1/token": self._token,
            "POST /oauth2/v2.1/verify": self._verify,
            "POST /oauth2/v2.1/revoke": self._revoke,
            "GET /v2/profile": self._profile,
            "POST /v2/bot/message/push": self._push,
        }
        do = known.get(f"{call.method} {call.path}")
        return do(call) if do else told({"message": "Not found"}, 404)

    # --- login ------------------------------------------------------------------------------------------------------

    def _metadata(self, _: Call) -> Answer:
        at = f"{self.url}/oauth2/v2.1"
        return told(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "revocation_endpoint": f"{at}/revoke",
                "jwks_uri": f"{at}/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": sorted(SCOPES),
            }
        )

    def _authorize(self, call: Call) -> Answer:
        channel = next((c for c in self.channels if c.client_id == call.asked("client_id")), None)
        uri = call.asked("redirect_uri")
        if channel is None or uri not in channel.redirect_uris or not call.asked("state"):
            return Answer(400, b"<html><body><h1>400 Bad Request</h1></body></html>", "text/html; charset=utf-8")
        state, scopes = call.asked("state"), call.asked("scope").split()
        if call.asked("response_type") != "code" or call.asked("code_challenge_method") not in ("", "S256"):
            return back(uri, error="invalid_request", error_description="invalid parameter", state=state)
        if not scopes or set(scopes) - SCOPES:
            return back(uri, error="invalid_scope", error_description="invalid scope", state=state)
        if self.denies or self.person not in self.profiles:
            denied = "The resource owner denied the request."
            return back(uri, error="access_denied", error_description=denied, state=state)
        code = secrets.token_urlsafe(15)
        challenge = call.asked("code_challenge")
        with self.lock:
            self.codes[code] = Granted(channel, uri, scopes, call.asked("nonce"), challenge, self.person, self.clock())
        return back(uri, code=code, state=state)

    def _token(self, call: Call) -> Answer:
        form = call.form
        if form.get("grant_type") != "authorization_code":
            return wrong("unsupported_grant_type", "unsupported grant_type")
        channel = self._channel(form)
        if channel is None:
            return wrong("invalid_client", "invalid client_id or client_secret", 401)
        now = self.clock()
        with self.lock:
            granted = self.codes.get(form.get("code", ""))
            if granted is None or granted.used or now - granted.at > CODE_LIFE or granted.channel is not channel:
                return wrong("invalid_grant", "invalid authorization code")
            if form.get("redirect_uri") != granted.redirect_uri:
                return wrong("invalid_grant", "redirect_uri does not match")
            if granted.challenge and granted.challenge != challenge_of(form.get("code_verifier", "")):
                return wrong("invalid_grant", "code_verifier does not match")
            granted.used = True
            token = secrets.token_urlsafe(32)
            self.tokens[token] = granted
        answer = {
            "access_token": token,
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
            "refresh_token": secrets.token_urlsafe(15),
            "scope": " ".join(granted.scopes),
            "token_type": "Bearer",
        }
        return told(answer | ({"id_token": self._id_token(granted, now)} if "openid" in granted.scopes else {}))

    def _id_token(self, granted: Granted, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "sub": granted.user,
            "aud": granted.channel.client_id,
            "exp": int((now + ID_TOKEN_LIFE).timestamp()),
            "iat": int(now.timestamp()),
            "nonce": granted.nonce or None,
            "amr": ["linesso"],
            "name": self.profiles[granted.user] if "profile" in granted.scopes else None,
        } | self.claims
        return self._signed({name: value for name, value in claims.items() if value is not None}, granted.channel)

    def _signed(self, claims: dict[str, Any], channel: Channel) -> str:
        if self.signs not in SIGNS:
            raise ValueError(f"no such signature: {self.signs}")
        if self.signs == "none":
            return f"{_b64(NO_ALGORITHM)}.{_b64(json.dumps(claims).encode())}."
        if self.signs.endswith("es256"):
            key = self.key if self.signs == "es256" else ECKey.generate_key("P-256")
            return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": self.key.kid}, claims, key)
        by_public_key = self.key.as_pem(private=False)  # what a verifier takes for a secret that mixes up algorithms
        secrets_of = {
            "hs256": channel.secret.encode(),
            "stranger_hs256": b"f" * 32,
            "hs256_by_public_key": by_public_key,
        }
        head, body = (_b64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        mac = hmac.digest(secrets_of[self.signs], f"{head}.{body}".encode(), "sha256")
        return f"{head}.{body}.{_b64(mac)}"

    def _channel(self, form: dict[str, str]) -> Channel | None:
        said = (form.get("client_id"), form.get("client_secret"))
        return next((c for c in self.channels if (c.client_id, c.secret) == said), None)

    def _verify(self, call: Call) -> Answer:
        form = call.form
        channel = next((c for c in self.channels if c.client_id == form.get("client_id")), None)
        try:
            token = form.get("id_token", "")
            secret = OctKey.import_key(channel.secret if channel else "f" * 32)
            claims = jwt.decode(token, lambda it: secret if it.headers()["alg"] == "HS256" else self.key).claims
        except (JoseError, ValueError):
            return wrong("invalid_request", "Invalid IdToken.")
        right = channel is not None and claims.get("aud") == channel.client_id
        if not right or form.get("nonce", claims.get("nonce")) != claims.get("nonce"):
            return wrong("invalid_request", "Invalid IdToken Audience." if not right else "Invalid IdToken Nonce.")
        expired = claims.get("exp", 0) < self.clock().timestamp()
        return wrong("invalid_request", "IdToken expired.") if expired else told(claims)

    def _revoke(self, call: Call) -> Answer:
        self.tokens.pop(call.form.get("access_token", ""), None)
        return Answer(200)

    def _profile(self, call: Call) -> Answer:
        granted = self.tokens.get(call.headers.get("Authorization", "").removeprefix("Bearer "))
        if granted is None:
            return told({"message": "The access token expired"}, 401)
        return told({"userId": granted.user, "displayName": self.profiles[granted.user]})

    # --- push -------------------------------------------------------------------------------------------------------

    def _push(self, call: Call) -> Answer:
        request_id = str(uuid.uuid4())
        if call.headers.get("Authorization", "") != f"Bearer {self.channel_token}":
            sentence = "Authentication failed. Confirm that the access token in the authorization header is valid."
            return said({"message": sentence}, 401, request_id)
        retry_key = call.headers.get("X-Line-Retry-Key", "")
        to, texts, fault = _request(call, retry_key)
        if fault:
            return said({"message": fault}, 400, request_id)
        with self.lock:
            before = self.pushed.get(retry_key) if retry_key else None
            if before:
                body = {"message": "The retry key is already accepted", "sentMessages": before.sent}
                return said(body, 409, request_id, ("X-Line-Accepted-Request-Id", before.request_id))
            if self.quota < 1:
                return said({"message": "You have reached your monthly limit."}, 429, request_id)
            sent = [{"id": str(secrets.randbelow(10**18)), "quoteToken": secrets.token_urlsafe(12)} for _ in texts]
            self.pushed[retry_key or request_id] = Pushed(to, texts, request_id, sent)
            if to in self.friends:
                self.quota -= 1
                self.delivered.setdefault(to, []).extend(texts)
        return said({"sentMessages": sent}, 200, request_id)


def _request(call: Call, retry_key: str) -> tuple[str, list[str], str]:
    """To whom, which texts, and what is wrong with it."""
    if retry_key and not _is_uuid(retry_key):
        return "", [], "The request header has error(s): X-Line-Retry-Key"
    try:
        told_to = json.loads(call.body)
        to, messages = told_to["to"], told_to["messages"]
        texts = [message["text"] for message in messages if message["type"] == "text"]
    except (ValueError, KeyError, TypeError):
        return "", [], "The request body could not be parsed as JSON"
    if not USER.fullmatch(str(to)):
        return "", [], "The property, 'to', in the request body is invalid (line: -, column: -)"
    right = 1 <= len(messages) <= MOST_MESSAGES and len(texts) == len(messages)
    if not right or not all(0 < len(text.encode("utf-16-le")) // 2 <= LONGEST_TEXT for text in texts):
        return "", [], "The request body has 1 error(s)"
    return to, texts, ""


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return _b64(hashlib.sha256(verifier.encode()).digest())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def said(answer: object, status: int, request_id: str, *headers: tuple[str, str]) -> Answer:
    """JSON of the Messaging API."""
    return Answer(status, json.dumps(answer).encode(), headers=(("X-Line-Request-Id", request_id), *headers))


def told(answer: object, status: int = 200) -> Answer:
    """JSON of the login."""
    return Answer(status, json.dumps(answer, ensure_ascii=False).encode())


def wrong(error: str, description: str, status: int = 400) -> Answer:
    """An error of OAuth 2."""
    return told({"error": error, "error_description": description}, status)


def back(uri: str, **parameters: str) -> Answer:
    """The browser goes back to the web site."""
    return Answer(302, headers=(("Location", f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"),))


@contextmanager
def open_line(*, authority: Authority | None = None, port: int = 0, **told_of: Any) -> Iterator[Line]:
    """The service for the length of the block; `told_of` are its switches."""
    with standing(Line(**told_of), authority=authority, port=port) as line:
        yield line
