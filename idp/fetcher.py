"""The guarded fetcher: HTTP to addresses that somebody else gave us (event endpoints, client metadata).

https only; every address that the name resolves to must be public, and the connection goes to the address that was
checked, so that a second answer of the name server cannot lead inside. No redirects, no proxy from the environment, one
time limit, one size limit. In a sandbox on this machine loopback is allowed, over http too.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Timer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from idp.ports import FetchFailed, Reply
from idp.settings import is_loopback

TIMEOUT_S = 5.0
MOST_BYTES = 64 * 1024
# No connection is kept: it was opened for one name, and another name may live at the same address.
ONE_EACH = httpx.Limits(max_keepalive_connections=0)
# Addresses that carry an IPv4 address: a gateway of this network would lead to it, whatever it is (RFC 6052, RFC 3056).
CARRIERS = (ip_network("64:ff9b::/96"), ip_network("2002::/16"))
DEFAULT_PORTS = {"https": 443, "http": 80}


class GuardedFetcher:
    """`idp.ports.Fetcher` over httpx."""

    def __init__(self, *, allow_loopback: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        self._allow_loopback = allow_loopback
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False, limits=ONE_EACH)
        self._longest_s = 2 * timeout_s

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Fetch a document of at most 64 KiB. Raises: FetchFailed."""
        return self._ask("GET", url, body=None, headers=headers)

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """Post a document. Raises: FetchFailed."""
        return self._ask("POST", url, body=body, headers=headers)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _ask(self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str] | None) -> Reply:
        address, host = self._checked(url)
        sent = {**(headers or {}), "Host": host}
        cut = Cut()
        extensions = {"sni_hostname": urlsplit(url).hostname or "", "trace": cut.follow}
        asked: dict[str, Any] = {"content": body, "headers": sent, "extensions": extensions}
        try:
            with cut.after(self._longest_s), self._client.stream(method, address, **asked) as answer:
                return Reply(answer.status_code, _read(answer), dict(answer.headers))
        except httpx.TimeoutException as error:
            raise FetchFailed("timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchFailed("no_answer") from error

    def _checked(self, url: str) -> tuple[str, str]:
        """The same URL with the checked address in place of the name, and the Host header to send."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise FetchFailed("bad_url", temporary=False) from error
        inside = self._allow_loopback and is_loopback(host)
        if not host or parts.username or parts.scheme not in (("https", "http") if inside else ("https",)):
            raise FetchFailed("bad_url", temporary=False)
        address = self._resolve(host, port, inside=inside)
        literal = f"[{address}]" if ":" in address else address
        return urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, "")), parts.netloc

    @staticmethod
    def _resolve(host: str, port: int, *, inside: bool) -> str:
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise FetchFailed("no_such_host") from error
        for address in found:
            place = ip_address(address.partition("%")[0])
            carries = isinstance(place, IPv6Address) and any(place in one for one in CARRIERS)
            if not (place.is_loopback if inside else place.is_global and not place.is_multicast and not carries):
                raise FetchFailed("private_address", temporary=False)
        # A name for this machine may answer with IPv6 first while the service listens on IPv4 only.
        return min(found, key=lambda address: ":" in address)


class Cut:
    """The one time limit: when it is over the connection is cut.

    The client's own limits hold for each read, and end nothing for a server that sends one byte at a time; the other
    letters would wait behind it.
    """

    def __init__(self) -> None:
        self.over = False
        self._stream: Any = None

    def follow(self, event: str, told: Mapping[str, Any]) -> None:
        """Remember the connection as it is made; the client calls this for whatever it does."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = told["return_value"]
            if self.over:
                self._shut()

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Cut what the block waits for. Raises: FetchFailed when the time is over, whatever came until then."""
        timer = Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except httpx.HTTPError as error:
            if self.over:
                raise FetchFailed("timeout") from error
            raise
        finally:
            timer.cancel()
        if self.over:
            raise FetchFailed("timeout")

    def _end(self) -> None:
        self.over = True
        if self._stream is not None:
            self._shut()

    def _shut(self) -> None:
        with suppress(OSError):  # the plain socket's own: TLS must not be taken apart under whoever reads
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)


def _read(answer: httpx.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise FetchFailed("too_long", temporary=False)
    return body
