"""The agent's key: made on its computer, never leaving it; the server knows the public half."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

TYP = "card+jwt"
ALG = "ES256"


def make_key(file: Path) -> str:
    """A new key in a new file that only its owner reads; the public half as JSON. Raises: FileExistsError."""
    key = ECKey.generate_key("P-256")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        json.dump(key.as_dict(private=True), opened)
    return public_of(key)


def public_of(key: ECKey) -> str:
    """What is registered at the server."""
    return json.dumps({name: str(key.as_dict(private=False)[name]) for name in ("kty", "crv", "x", "y")})


class Signer:
    """Signs what a chip said. Raises: ValueError, one sentence, when the file holds no key."""

    def __init__(self, file: Path) -> None:
        try:
            facts = json.loads(file.read_text(encoding="ascii"))
            self._key = ECKey.import_key({name: facts[name] for name in ("kty", "crv", "x", "y", "d")})
        except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
            raise ValueError(f"The file {file} holds no key of an agent; `idp agent key` makes one.") from error
        self._kid = self._key.thumbprint()

    def sign(self, card: Mapping[str, str | None], *, nonce: str, audience: str) -> str:
        """A compact JWS that one server believes once."""
        claims = {"aud": audience, "nonce": nonce, "card": dict(card)}
        return jwt.encode({"alg": ALG, "typ": TYP, "kid": self._kid}, claims, self._key)
