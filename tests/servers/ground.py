"""The ground that the servers of this folder stand on: HTTP or TLS on loopback, one mood for each request.

`moods` are taken in line, then `moods_at` (by the start of a path), then `mood`. What a server can be told beside
these (a wrong signature, a broken document) stands in its own switches.

good      does its work and answers                    down      500 and a page of a proxy, nothing was done
slow      waits `slow_s`, then good                    twice     does its work and answers 500
hang      no answer for `hang_s`, nothing was done     reset     does its work and breaks the connection
late      does its work, then no answer for `hang_s`   refuse    closes without an answer, nothing was done
page      200 and a page where data was due            cut       does its work, half of the answer arrives
drip      one byte of a header line at a time          flood     an answer without an end
busy      429 with Retry-After, nothing was done       moved     302 to somewhere else
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from tests.servers.authority import Authority

MOODS = frozenset(
    (
        "good",
        "slow",
        "hang",
        "late",
        "down",
        "twice",
        "reset",
        "refuse",
        "page",
        "cut",
        "drip",
        "flood",
        "busy",
        "moved",
    )
)
WORKS = frozenset({"good", "slow", "late", "twice", "reset", "cut"})
BROKEN_PAGE = "<html><head><title>ระบบขัดข้อง</title></head><body><h1>Service Unavailable</h1></body></html>".encode()
BYTE_EVERY_S = 0.05
FLOOD = 64 * 1024 * 1024
LARGEST_REQUEST = 1024 * 1024


Grounded = TypeVar("Grounded", bound="Ground")


@dataclass(frozen=True)
class Call:
    """One request. `presented` is the common name of the client's certificate, "" without one."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes
    presented: str
    mood: str

    @property
    def form(self) -> dict[str, str]:
        """The first of each field of a form."""
        pairs = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in pairs.items()}

    def asked(self, name: str) -> str:
        """The first of a query parameter, "" without one."""
        return self.query.get(name, [""])[0]


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class Ground:
    """What each server has: where it is, how it is today, and what it was asked."""

    url: str = ""
    mood: str = "good"
    moods: list[str] = field(default_factory=list)
    moods_at: dict[str, str] = field(default_factory=dict)
    slow_s: float = 1.0
    hang_s: float = 30.0
    calls: list[Call] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, call: Call) -> Answer:
        """What this server does when its mood lets it."""
        raise NotImplementedError

    def mood_of(self, path: str) -> str:
        """The mood of the next request to that path."""
        with self.lock:
            if self.moods:
                mood = self.moods.pop(0)
            else:
                mood = next((m for start, m in self.moods_at.items() if path.startswith(start)), self.mood)
        if mood not in MOODS:
            raise ValueError(f"no such mood: {mood}")
        return mood

    def paths(self) -> list[str]:
        """What was asked, in order: "GET /jwks/"."""
        return [f"{call.method} {call.path}" for call in list(self.calls)]


class Handler(BaseHTTPRequestHandler):
    """Reads one request, asks the server in its mood, and answers as the mood says."""

    server_version = "nginx"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    ground: Ground

    def do_GET(self) -> None:
        """Any method alike."""
        size = int(self.headers.get("Content-Length") or 0)
        url = urlsplit(self.path)
        mood = self.ground.mood_of(url.path)
        body = self.rfile.read(min(size, LARGEST_REQUEST))
        query = parse_qs(url.query, keep_blank_values=True)
        call = Call(self.command, url.path, query, self.headers, body, self._presented(), mood)
        with self.ground.lock:
            self.ground.calls.append(call)
        self.close_connection = True
        if mood == "slow":
            self.ground.closing.wait(self.ground.slow_s)
        answer = self.ground.answer(call) if mood in WORKS else None
        getattr(self, f"_{mood}")(answer)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 -- the names that http.server looks for

    def _presented(self) -> str:
        if not isinstance(self.connection, ssl.SSLSocket):
            return ""
        names = dict(pair for (pair,) in (self.connection.getpeercert() or {}).get("subject", ()))
        return str(names.get("commonName", ""))

    def _good(self, answer: Answer, *, sent: int | None = None) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[:sent])

    _slow = _good

    def _hang(self, _: object) -> None:
        self.ground.closing.wait(self.ground.hang_s)

    _late = _hang

    def _down(self, _: object) -> None:
        self._good(Answer(500, BROKEN_PAGE, "text/html; charset=utf-8"))

    _twice = _down

    def _page(self, _: object) -> None:
        self._good(Answer(200, BROKEN_PAGE, "text/html; charset=utf-8"))

    def _busy(self, _: object) -> None:
        self._good(Answer(429, b'{"message":"Too Many Requests"}', headers=(("Retry-After", "60"),)))

    def _moved(self, _: object) -> None:
        self._good(Answer(302, headers=(("Location", f"{self.ground.url}/elsewhere"),)))

    def _cut(self, answer: Answer) -> None:
        self._good(answer, sent=len(answer.body) // 2)

    def _refuse(self, _: object) -> None:
        """Nothing; the connection closes by itself."""

    def _reset(self, _: object) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with RST
        self.connection.close()

    def _drip(self, _: object) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        until = time.monotonic() + self.ground.hang_s
        while time.monotonic() < until and not self.ground.closing.wait(BYTE_EVERY_S):
            self.wfile.write(b"a")

    def _flood(self, _: object) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _part in range(FLOOD // 65536):
            self.wfile.write(b" " * 65536)

    def finish(self) -> None:
        """A connection that we broke, or that was given up, has nothing left to flush."""
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Silence."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        """Shake hands in the thread of the connection, so that a silent client holds up nobody else."""
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        if self.tls is not None:
            with suppress(OSError, ValueError):
                request.close()

    def handle_error(self, *_: object) -> None:
        """A client that gave up, or was refused in the handshake, is no fault of ours."""


@contextmanager
def standing(
    ground: Grounded, *, authority: Authority | None = None, client_certificate: bool = False, port: int = 0
) -> Iterator[Grounded]:
    """The server at `ground.url` for the length of the block, over TLS if an authority is given."""
    made = _Server(("127.0.0.1", port), type("Mine", (Handler,), {"ground": ground}))
    made.tls = authority.server_context(client_certificate=client_certificate) if authority else None
    ground.url = f"{'https' if authority else 'http'}://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield ground
    finally:
        ground.closing.set()
        made.shutdown()
        made.server_close()
        thread.join(5)
