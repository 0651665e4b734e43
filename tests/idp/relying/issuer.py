"""An issuer made of values: keys, a fetch that counts and can be told to fail, a clock that can be moved."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import httpx
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry

ISSUER = "https://id.example.test"
HERE = "https://records.example.test"
START = 1_795_000_000.0


class Loose(JWSRegistry):
    """Signs what an attacker would: any header, any size."""

    max_header_length = 64_000
    max_payload_length = 1_000_000
    strict_check_header = False


class FakeIssuer:
    """Signs tokens, publishes keys. `down` makes every fetch fail; `fetched` lists what was asked for."""

    def __init__(self) -> None:
        self.now = START
        self.down = False
        self.fetched: list[str] = []
        self.key = jwk.ECKey.generate_key("P-256")
        self.rsa = jwk.RSAKey.generate_key(2048)
        self.published: list[dict[str, Any]] = [
            {**self.key.as_dict(private=False), "kid": "at-1", "alg": "ES256", "use": "sig"},
            {**self.rsa.as_dict(private=False), "kid": "event-1", "alg": "RS256", "use": "sig"},
        ]

    def clock(self) -> float:
        """Seconds since 1970, as the test set them."""
        return self.now

    def fetch(self, url: str) -> Mapping[str, Any]:
        """What a GET would give, or the failure that was ordered."""
        self.fetched.append(url)
        if self.down:
            raise httpx.ConnectError("connection refused")
        if url.endswith("/.well-known/openid-configuration"):
            return {
                "issuer": ISSUER,
                "jwks_uri": f"{ISSUER}/jwks.json",
                "introspection_endpoint": f"{ISSUER}/oauth/introspect",
            }
        return {"keys": self.published}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims of an access token; a change to None takes one away."""
        claims = {
            "iss": ISSUER,
            "aud": HERE,
            "sub": "c0ffee",
            "client_id": "portal",
            "iat": int(self.now),
            "exp": int(self.now) + 60,
            "jti": "token-1",
            "scope": "openid patient/Observation.rs moph.entitlement.read",
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, key: Any = None, **changes: Any) -> str:
        """A signed access token, as good or as bad as asked."""
        head = {"alg": "ES256", "kid": "at-1", "typ": "at+jwt", **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        algorithm = str(head["alg"])
        registry = Loose(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode(
            head, self.claims(**changes), key or self.key, algorithms=[algorithm], registry=registry, default_type=None
        )

    def event(self, header: Mapping[str, Any] | None = None, key: Any = None, **changes: Any) -> bytes:
        """A signed withdrawal event."""
        head = {"alg": "RS256", "kid": "event-1", "typ": "secevent+jwt", **(header or {})}
        claims = {
            "iss": ISSUER,
            "aud": "portal",
            "iat": int(self.now),
            "jti": "event-a",
            "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "c0ffee"},
            "events": {f"{ISSUER}/secevent/consent/event-type/withdrawn": {"removed": ["patient/Observation.rs"]}},
        }
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(head, claims, key or self.rsa, algorithms=[str(head["alg"])]).encode()

    def unsigned(self) -> str:
        """A good token whose header says `alg: none` and whose signature is empty."""
        payload = self.token().split(".")[1]
        header = urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"at-1"}').rstrip(b"=").decode()
        return f"{header}.{payload}."
