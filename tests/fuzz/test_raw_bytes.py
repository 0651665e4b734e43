"""Bytes on the wire that no library would send, against the server that is shipped (granian); small on purpose."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.conftest import looked_for
from tests.stories import world
from tests.stories.world import World

pytestmark = pytest.mark.story
HANG_S = 10.0
EVIL = b"evil.example"
LINES = [
    b"GET / HTTP/1.1", b"GET //evil.example HTTP/1.1", b"GET http://evil.example/ HTTP/1.1",
    b"POST /oauth/token HTTP/1.1",
    b"GET /\xff\xfe HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /a\x00b HTTP/1.1", b"GET / HTTP/9.9", b"get / http/1.1",
    b"CONNECT evil.example:443 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"",
    b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00", b"GET /staff HTTP/1.1", b"POST /login HTTP/1.0",
]  # fmt: skip
FIELDS = [
    b"Host: evil.example", b"Host:", b"Content-Length: 5", b"Content-Length: 500", b"Content-Length: -1",
    b"Content-Length: 5, 6", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked, identity",
    b"Connection: close", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"Expect: 100-continue",
    b"Content-Type: application/x-www-form-urlencoded", b"Content-Type: application/json",
    b"X-Forwarded-Host: evil.example",
    b"Cookie: yinyom=\xff\x00; yinyom-browser=" + b"a" * 9000, b"Authorization: Basic \xff", b" folded: line",
    b"no colon",
    b"A: " + b"b" * 70_000, b"Accept-Language: \xe0\xb8\x81", b"X: \x0b\x0c",
]  # fmt: skip
BODIES = [
    b"", b"a=1", b"grant_type=authorization_code", b"5\r\na=1&b\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx\r\n",
    b"-1\r\nx\r\n",
    b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"\x00" * 2000,
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The web process alone."""
    path = tmp_path_factory.mktemp("raw")
    made = world.prepare(path, f"sqlite:///{path / 'yinyom.db'}")
    try:
        with made.children:
            made.start("web")
            yield made
    finally:
        made.sessions.engine.dispose()


def test_whatever_bytes_arrive_the_server_answers_or_closes_and_goes_on(server):
    """No 5xx, no way to another host, and the next innocent request is served."""

    @looked_for(120)
    @given(st.sampled_from(LINES), st.lists(st.sampled_from(FIELDS), max_size=4), st.sampled_from(BODIES))
    def sent(line, fields, body):
        answer = talk(server.ports.port, b"\r\n".join([line, *fields, b"", body]))
        status = answer.split(b" ", 2)[1:2]
        assert not status or status[0] in (b"100", b"101") or int(status[0]) < 500, answer[:300]
        assert EVIL not in answer, answer[:300]
        assert b"Traceback" not in answer

    sent()

    assert httpx.get(f"{server.settings.issuer}/livez").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 6\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 6",
        b"Content-Length: 6\r\nContent-Length: 60",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: xchunked",
    ],
)
def test_a_request_in_the_body_of_another_is_never_answered(server, fields):
    """RFC 9112 sections 6.1 and 11.2: two lengths are refused, or the connection ends with the first answer."""
    hidden = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n\r\n"

    answer = talk(server.ports.port, head + hidden)

    assert answer.count(b"HTTP/1.1 ") <= 1, answer


def talk(port: int, data: bytes) -> bytes:
    """Send, end our half, and read until the server has nothing more to say. A server that hangs fails here."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as wire:
        said = b""
        try:
            wire.sendall(data)
            wire.shutdown(socket.SHUT_WR)
            while part := wire.recv(65_536):
                said += part
        except TimeoutError:
            raise
        except OSError:  # it closed while we were still talking
            pass
        return said
