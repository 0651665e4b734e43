"""LINE Login v2.1: whose LINE account it is, for somebody who linked it before (THAI.md 2.9). Never more than AAL1.

LINE signs its ID tokens by ES256 for applications and by HS256, with the channel's secret, for the web. That is
understood here and nowhere else: our own tokens never know a shared secret. We ask for `openid` alone: no name, no
picture, no address of anybody comes along, and LINE's access token is dropped unread.
"""

import re
from datetime import datetime
from urllib.parse import urlencode

from idp.ports import UpstreamRefused
from idp.upstream.id_token import HMAC, Expected, IdTokens, PublicKeys
from idp.upstream.wire import Wire

ISSUER = "https://access.line.me"
AUTHORIZE, TOKEN, CERTS = "/oauth2/v2.1/authorize", "/oauth2/v2.1/token", "/oauth2/v2.1/certs"
ALGORITHMS = ("ES256", HMAC)
LONGEST_CODE = 2048
USER_ID = re.compile(r"U[0-9a-f]{32}")


class HttpLineLogin:
    """`idp.providers.LineLogin` over HTTP. `web` is where browsers go, `api` where we ask; both are LINE's own."""

    offered = True

    def __init__(self, *, web: str, api: str, channel_id: str, secret: str, wire: Wire, issuer: str = ISSUER) -> None:
        self._web, self._api, self._wire, self._issuer = web.rstrip("/"), api.rstrip("/"), wire, issuer
        self._channel_id, self._secret = channel_id, secret
        self._tokens = IdTokens(PublicKeys(wire, self._api + CERTS), algorithms=ALGORITHMS, secret=secret)

    def sign_in_url(
        self, *, state: str, nonce: str, challenge: str, redirect_uri: str, locale: str, befriend: bool
    ) -> str:
        """The authorization request, with PKCE (RFC 7636)."""
        asked = {
            "response_type": "code",
            "client_id": self._channel_id,
            "redirect_uri": redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "ui_locales": locale,
            **({"bot_prompt": "normal"} if befriend else {}),
        }
        return f"{self._web}{AUTHORIZE}?{urlencode(asked)}"

    def redeem(self, code: str, *, nonce: str, verifier: str, redirect_uri: str, now: datetime) -> str:
        """The LINE user id that the code stands for. Raises: UpstreamUnavailable, UpstreamRefused."""
        if not 0 < len(code) <= LONGEST_CODE:
            raise UpstreamRefused("code")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._channel_id,
            "client_secret": self._secret,
            "code_verifier": verifier,
        }
        said = self._wire.post_form(self._api + TOKEN, form)
        if not said.good:
            raise UpstreamRefused(said.error)
        access_token = said.document.get("access_token")
        expected = Expected(
            issuer=self._issuer,
            audience=self._channel_id,
            nonce=nonce,
            access_token=access_token if isinstance(access_token, str) else "",
        )
        claims = self._tokens.read(said.document.get("id_token"), expected, now=now)
        user_id: str = claims["sub"]
        if USER_ID.fullmatch(user_id) is None:
            raise UpstreamRefused("sub")
        return user_id
