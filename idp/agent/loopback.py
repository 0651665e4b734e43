"""The one address that a page may ask: POST /read on loopback, by the issuer's pages alone.

Any page in the counter's browser can reach loopback, so: only the issuer's Origin, only a Host that is loopback (a name
that somebody points here is refused), only JSON (so that the browser asks before it sends), one card at a time. What is
answered is signed over the page's own number, so that nobody can keep it for later.
"""

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import urlsplit

from idp.agent.apdu import CardFault
from idp.agent.chip import Record
from idp.agent.signing import Signer

NONCE = re.compile(r"[A-Za-z0-9_-]{32,128}")
LARGEST = 1024
PATIENCE_S = 5.0
STATUS = {"busy": 409, "no_card": 409, "removed": 409, "no_reader": 503, "not_an_id_card": 422, "garbled": 422}


class Loopback(ThreadingHTTPServer):
    """Listens on 127.0.0.1 only; `issuer` is whom it signs for, and whose pages it answers."""

    daemon_threads = True
    request_queue_size = 4

    def __init__(self, port: int, *, issuer: str, read: Callable[[], Record], signer: Signer) -> None:
        self.issuer = issuer
        self.origin = origin_of(issuer)
        self.read = read
        self.signer = signer
        self.at_work = Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def hosts(self) -> frozenset[str]:
        """The names that this computer has for itself."""
        return frozenset({f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"})

    def handle_error(self, *_: object) -> None:
        """A browser that went away is no fault; and a trace would name a person."""

    def card(self, nonce: str) -> str:
        """The card in the reader, signed. Raises: CardFault."""
        if not self.at_work.acquire(blocking=False):
            raise CardFault("busy")
        try:
            return self.signer.sign(self.read().claims(), nonce=nonce, audience=self.issuer)
        finally:
            self.at_work.release()


def origin_of(issuer: str) -> str:
    """As a browser writes it. Raises: ValueError."""
    parts = urlsplit(issuer)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{issuer} is no address of a server.")
    return f"{parts.scheme}://{parts.netloc}"


class Handler(BaseHTTPRequestHandler):
    """One question of a page."""

    server: Loopback
    timeout = PATIENCE_S
    server_version = "yinyom-agent"
    sys_version = ""

    def do_OPTIONS(self) -> None:
        """The browser's question before the page's: yes to the issuer, nothing to anybody else."""
        if self._is_welcome():
            self._answer(204, None)

    def do_POST(self) -> None:
        """The card, signed."""
        if not self._is_welcome():
            return
        if self.path != "/read":
            self._answer(404, {"error": "not_found"})
            return
        nonce = self._nonce()
        if nonce is None:
            self._answer(400, {"error": "bad_request"})
            return
        try:
            self._answer(200, {"card": self.server.card(nonce)})
        except CardFault as fault:
            self._answer(STATUS[fault.code], {"error": fault.code})

    def _is_welcome(self) -> bool:
        """Whether it is the issuer's page, asking this computer by its own name; answers 403 where not."""
        right = self.headers.get("Host") in self.server.hosts() and self.headers.get("Origin") == self.server.origin
        if not right:
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return right

    def _nonce(self) -> str | None:
        size = self.headers.get("Content-Length", "")
        is_json = self.headers.get_content_type() == "application/json"
        if not is_json or not (size.isascii() and size.isdigit()) or not 0 < int(size) <= LARGEST:
            return None
        try:
            asked = json.loads(self.rfile.read(int(size)))
        except (ValueError, RecursionError):
            return None
        nonce = asked.get("nonce") if isinstance(asked, dict) else None
        return nonce if isinstance(nonce, str) and NONCE.fullmatch(nonce) else None

    def _answer(self, status: int, told: dict[str, str] | None) -> None:
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in (
            ("Access-Control-Allow-Origin", self.server.origin),
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Allow-Headers", "content-type"),
            ("Access-Control-Allow-Private-Network", "true"),  # Chromium asks before a public page reaches loopback
            ("Access-Control-Max-Age", "600"),
            ("Vary", "Origin"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: there is nothing to tell that is not about a person."""
