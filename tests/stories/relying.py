"""A relying party as its developer writes it, by the standards alone."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.stories.browser import as_json
from tests.stories.pages import Page, read


@dataclass(frozen=True)
class Asked:
    """One authorization request and what the client keeps of it."""

    url: str
    verifier: str
    state: str
    nonce: str


@dataclass(frozen=True)
class Answered:
    """What came back to the redirect URI."""

    params: dict[str, str]

    @property
    def code(self) -> str:
        """The code, or a failure that shows the error."""
        assert "code" in self.params, self.params
        return self.params["code"]


@dataclass
class RelyingParty:
    """A confidential client; `holder` are the credentials of the resource server that introspects."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str
    scope: str
    holder: tuple[str, str] = ("", "")
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def ask(self, **more: str) -> Asked:
        """An authorization request with PKCE, state and nonce (OIDC Core 3.1.2.1, RFC 7636)."""
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        params = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | more
        return Asked(f"{self.issuer}/oauth/authorize?{urlencode(params)}", verifier, state, nonce)

    def answered(self, page: Page, asked: Asked) -> Answered:
        """Read the way back, with the checks of RFC 9207 and of `state`."""
        assert page.status == 0, f"{page.name} {page.status} {page.url}\n{page.text[:400]}"
        assert page.url.startswith(self.redirect_uri), page.url
        params = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
        assert params["iss"] == self.issuer
        assert params["state"] == asked.state
        return Answered(params)

    def callback_of(self, answer: httpx.Response) -> str:
        """Where an answer sends the browser: by redirect, or by the page that moves on."""
        target = answer.headers.get("Location") or read(str(answer.url), 200, answer.text, {}).refresh or ""
        assert target.startswith(self.redirect_uri), target
        return target

    def redeem(self, code: str, verifier: str, **more: str) -> httpx.Response:
        """RFC 6749 section 4.1.3."""
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return self.post("token", body | {"code_verifier": verifier} | more)

    def tokens(self, page: Page, asked: Asked) -> dict[str, Any]:
        """The whole way from the redirect to the tokens."""
        answer = self.redeem(self.answered(page, asked).code, asked.verifier)
        body: dict[str, Any] = as_json(answer)
        assert answer.status_code == 200, body
        return body

    def refresh(self, token: str) -> httpx.Response:
        """RFC 6749 section 6."""
        return self.post("token", {"grant_type": "refresh_token", "refresh_token": token})

    def revoke(self, token: str) -> httpx.Response:
        """RFC 7009."""
        return self.post("revoke", {"token": token})

    def userinfo(self, token: str) -> httpx.Response:
        """OIDC Core 5.3."""
        return self.http.get(f"{self.issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})

    def introspect(self, token: str) -> Any:
        """RFC 7662, asked by the resource server."""
        return as_json(self.http.post(f"{self.issuer}/oauth/introspect", data={"token": token}, auth=self.holder))

    def post(self, endpoint: str, body: dict[str, str]) -> httpx.Response:
        """A back-channel request with client_secret_basic."""
        return self.http.post(f"{self.issuer}/oauth/{endpoint}", data=body, auth=(self.client_id, self.secret))


def header(token: str) -> dict[str, Any]:
    """The header of a JWT."""
    return _part(token, 0)


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: only for looking at them."""
    return _part(token, 1)


def _part(token: str, which: int) -> dict[str, Any]:
    part = token.split(".")[which]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded
