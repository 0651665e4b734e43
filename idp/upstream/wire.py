"""HTTP to a provider whose addresses the operator wrote into the settings: JSON in, forms out.

No redirects, no proxy from the environment, one limit of time and one of size; after a time limit the breaker keeps
everybody else from waiting for it, too. What was answered is never quoted: it may hold a person's data.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import httpx

from idp.breaker import Breaker
from idp.fetcher import Cut
from idp.ports import FetchFailed, UpstreamUnavailable

TIMEOUT_S = 5.0
MOST_BYTES = 64 * 1024
SERVER_ERROR = 500
JSON = "application/json"


@dataclass(frozen=True)
class Said:
    """What came back: the status, and the JSON object ({} for anything that is none)."""

    status: int
    document: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether it is an answer of success."""
        return self.status in (200, 201)

    @property
    def error(self) -> str:
        """The provider's error code (RFC 6749 section 5.2), or its status. A code only: descriptions quote people."""
        said = self.document.get("error")
        return said if isinstance(said, str) and said.isidentifier() and len(said) <= 40 else f"status_{self.status}"  # noqa: PLR2004


class Wire:
    """One provider's line. Safe to share between threads."""

    def __init__(self, name: str, *, timeout_s: float = TIMEOUT_S, trusted: SSLContext | None = None) -> None:
        """`trusted`: authorities of its own instead of the usual ones, as ministries' networks have."""
        verify: Any = trusted or True
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False, verify=verify)
        self._longest_s = 2 * timeout_s
        self.breaker = Breaker(name)

    def get(self, url: str) -> Said:
        """Fetch a document. Raises: UpstreamUnavailable."""
        return self._ask("GET", url)

    def post_form(self, url: str, fields: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Said:
        """Post a form; `basic` is client authentication by header. Raises: UpstreamUnavailable."""
        return self._ask("POST", url, data=dict(fields), auth=httpx.BasicAuth(*basic) if basic else None)

    def post_json(self, url: str, document: Mapping[str, Any], *, headers: Mapping[str, str]) -> Said:
        """Post a JSON document. Raises: UpstreamUnavailable."""
        return self._ask("POST", url, json=dict(document), headers=dict(headers))

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _ask(self, method: str, url: str, **asked: Any) -> Said:
        if not self.breaker.admits():
            raise UpstreamUnavailable("resting")
        try:
            said = self._asked(method, url, **asked)
        except UpstreamUnavailable as failure:
            self.breaker.failed(timed_out=failure.code == "timeout")
            raise
        except BaseException:
            self.breaker.failed()
            raise
        if said.status >= SERVER_ERROR:
            self.breaker.failed()
            raise UpstreamUnavailable(f"status_{said.status}")
        self.breaker.worked()
        return said

    def _asked(self, method: str, url: str, **asked: Any) -> Said:
        cut = Cut()
        asked["headers"] = {"Accept": JSON, **asked.get("headers", {})}
        asked["extensions"] = {"trace": cut.follow}
        auth = asked.pop("auth", None)
        try:
            with cut.after(self._longest_s), self._client.stream(method, url, auth=auth, **asked) as answer:
                return Said(answer.status_code, _document(_read(answer)))
        except FetchFailed as failure:
            raise UpstreamUnavailable(failure.code) from failure
        except httpx.TimeoutException as error:
            raise UpstreamUnavailable("timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UpstreamUnavailable("no_answer") from error


def _read(answer: httpx.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise UpstreamUnavailable("too_long")
    return body


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
