"""An SMS gateway on loopback as the field has them: it honours keys, and it can hang, fail, break off, or do both."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANGS_S = 30.0


@dataclass
class Gateway:
    """`mood` is for everybody. A number's own stand in `moods`, taken in line, and in `special`, which lasts.

    good     takes the message             down    500, not taken           refuse  closes without an answer
    hang     30 s, then takes it           twice   takes it, answers 500    reset   takes it, breaks the connection
    """

    mood: str = "good"
    moods: dict[str, list[str]] = field(default_factory=dict)
    special: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # key, number, mood
    sent: dict[str, list[str]] = field(default_factory=dict)  # key -> texts that went out
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def take(self, key: str, text: str) -> None:
        """One message for each key, whatever comes."""
        with self.lock:
            self.sent.setdefault(key, [text])

    def keys_to(self, number: str) -> list[str]:
        """The keys under which codes for this number were tried, in order; notices of a sign-in come besides."""
        return [key for key, to, _ in list(self.asked) if to == number and key.startswith("otp-")]

    def texts_to(self, number: str) -> list[str]:
        """What that phone received."""
        return [text for key in dict.fromkeys(self.keys_to(number)) for text in self.sent.get(key, [])]


class Handler(BaseHTTPRequestHandler):
    """The protocol of idp.contact.sms."""

    gateway: Gateway

    def do_POST(self) -> None:
        """One message, in the mood of the moment."""
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key, number = self.headers["Idempotency-Key"], told["to"]
        with self.gateway.lock:
            line = self.gateway.moods.get(number) if key.startswith("otp-") else None
            mood = self.gateway.special.get(number) or (line.pop(0) if line else self.gateway.mood)
            self.gateway.asked.append((key, number, mood))
        if mood == "hang":
            self.gateway.closing.wait(HANGS_S)
        if mood in ("good", "twice", "reset", "hang"):
            self.gateway.take(key, told["text"])
        if mood in ("refuse", "reset"):
            linger = struct.pack("ii", 1, 0)  # close with RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(200 if mood in ("good", "hang") else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def finish(self) -> None:
        """A connection that we broke, or that was given up, has nothing left to flush."""
        try:
            super().finish()
        except (OSError, ValueError):
            return

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def open_gateway() -> Iterator[Gateway]:
    """For the length of the block."""
    gateway = Gateway()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Handler,), {"gateway": gateway}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that gave up is no fault of ours
    gateway.url = f"http://127.0.0.1:{server.server_port}/sms"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
