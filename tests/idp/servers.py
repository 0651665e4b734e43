"""A small HTTP server on loopback that keeps what it was sent and answers as it was told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

SLOW_S = 5.0


@dataclass
class Received:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """`answers` are given in line, then `default`; the status 0 means: no answer until the client has gone."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    default: int = 202
    location: str | None = None
    body: bytes = b""
    received: list[Received] = field(default_factory=list)
    closing: Event = field(default_factory=Event)


@contextmanager
def serving(**told: object) -> Iterator[Server]:
    """A server for the length of the block."""
    server = Server(**told)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}/hook"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.received.append(Received(self.command, self.path, dict(self.headers), body))
            status = server.answers.pop(0) if server.answers else server.default
            if status == 0:
                server.closing.wait(SLOW_S)
                return
            self.send_response(status)
            if server.location:
                self.send_header("Location", server.location)
            self.send_header("Content-Length", str(len(server.body)))
            self.end_headers()
            self.wfile.write(server.body)

        do_GET = do_POST  # noqa: N815 -- the name that http.server looks for

        def log_message(self, *_):
            """Silence."""

    return Handler
