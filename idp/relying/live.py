"""Asking the issuer about a token, live (RFC 7662): when it answers, it decides.

Only when it cannot be reached (no connection, no answer within a second, or a 5xx) does the token's own short life
decide, so a record holder keeps working while the issuer is down. A holder of data that must never be read on an
unasked token (purposes with `offline_s` 0) sets `offline_fallback=False`.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from idp.relying.keys import IssuerUnavailable, Keys

TIMEOUT = httpx.Timeout(1.0)
MAX_BYTES = 64 * 1024
SERVER_ERROR = 500


class LiveUnavailable(Exception):  # noqa: N818 -- a state, not a fault
    """The issuer could not be asked. `misconfigured` is true when it answered, but not to us: never fall back then."""

    def __init__(self, message: str, *, misconfigured: bool = False) -> None:
        super().__init__(message)
        self.misconfigured = misconfigured


class Live:
    """The introspection endpoint, asked with client_secret_basic. Threads may share it."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        offline_fallback: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.offline_fallback = offline_fallback
        self._client = httpx.Client(timeout=TIMEOUT, auth=(client_id, client_secret), transport=transport)

    def ask(self, token: str, keys: Keys) -> Mapping[str, Any]:
        """What the issuer says of the token now: always an object with a boolean `active`.

        Raises: LiveUnavailable.
        """
        try:
            endpoint = keys.endpoints().introspection
            if endpoint is None:
                raise LiveUnavailable("the issuer offers no introspection", misconfigured=True)
            answer = self._client.post(endpoint, data={"token": token, "token_type_hint": "access_token"})
        except (httpx.HTTPError, IssuerUnavailable) as error:
            raise LiveUnavailable("the issuer cannot be reached") from error
        return _parsed(answer)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


def _parsed(answer: httpx.Response) -> Mapping[str, Any]:
    if answer.status_code >= SERVER_ERROR:
        raise LiveUnavailable("the issuer is not well")
    try:
        document = answer.json() if answer.is_success and len(answer.content) <= MAX_BYTES else None
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("active"), bool):
        raise LiveUnavailable("the issuer does not answer us", misconfigured=True)
    return document
