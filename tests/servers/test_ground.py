import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from tests.servers.authority import Authority
from tests.servers.ground import MOODS, Answer, Call, Ground, standing


@dataclass(kw_only=True)
class Bell(Ground):
    """A server that does one thing."""

    rung: list[str] = field(default_factory=list)

    def answer(self, call: Call) -> Answer:
        """Ring."""
        self.rung.append(call.mood)
        return Answer(200, b'{"rung":true}')


@pytest.fixture
def bell():
    with standing(Bell(hang_s=5.0, slow_s=0.05)) as made:
        yield made


@pytest.mark.parametrize(
    ("mood", "status", "works"),
    [
        ("good", 200, True),
        ("slow", 200, True),
        ("down", 500, False),
        ("twice", 500, True),
        ("page", 200, False),
        ("busy", 429, False),
        ("moved", 302, False),
    ],
)
def test_a_mood_says_what_is_answered_and_whether_the_work_was_done(bell, mood, status, works):
    bell.mood = mood

    answer = httpx.get(bell.url)

    assert answer.status_code == status
    assert bool(bell.rung) is works


@pytest.mark.parametrize(("mood", "works"), [("refuse", False), ("reset", True), ("cut", True)])
def test_a_broken_connection_is_an_error_whether_or_not_the_work_was_done(bell, mood, works):
    bell.mood = mood

    with pytest.raises(httpx.TransportError):
        httpx.get(bell.url)

    assert bool(bell.rung) is works


@pytest.mark.parametrize(("mood", "works"), [("hang", False), ("late", True), ("drip", False)])
def test_a_server_that_does_not_come_to_an_end_outlasts_a_patient_client(bell, mood, works):
    """`drip` sends a byte now and then, so that only a client with a deadline of its own gives up."""
    bell.mood = mood
    host, port = bell.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=0.3) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        heard, until = b"", time.monotonic() + 0.3
        with suppress(TimeoutError):
            while time.monotonic() < until and (part := line.recv(1024)):
                heard += part

    assert b"\r\n\r\n" not in heard
    assert heard.startswith(b"HTTP/1.1 200 OK\r\nX-Slow: a") is (mood == "drip")
    assert bool(bell.rung) is works


def test_a_flood_has_no_announced_end(bell):
    bell.mood = "flood"

    with httpx.stream("GET", bell.url) as answer:
        first = next(answer.iter_raw(200_000))

    assert "content-length" not in answer.headers
    assert len(first) == 200_000


def test_moods_are_taken_in_line_then_by_path_then_the_general_one(bell):
    bell.mood, bell.moods, bell.moods_at = "busy", ["down", "good"], {"/jwks": "page"}

    statuses = [httpx.get(f"{bell.url}/{path}").status_code for path in ("a", "b", "jwks/", "c")]

    assert statuses == [500, 200, 200, 429]
    assert bell.rung == ["good"]
    assert bell.paths() == ["GET /a", "GET /b", "GET /jwks/", "GET /c"]


def test_a_mood_that_does_not_exist_is_no_mood(bell):
    bell.mood = "sunny"

    with pytest.raises(ValueError, match="sunny"):
        bell.mood_of("/")

    assert "sunny" not in MOODS


def test_over_tls_only_who_trusts_the_authority_comes_in(tmp_path):
    authority = Authority(tmp_path)

    with standing(Bell(), authority=authority) as bell:
        trusting = httpx.get(bell.url, verify=authority.client_context())
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(bell.url)

    assert trusting.json() == {"rung": True}
    assert bell.calls[0].presented == ""


def test_with_client_certificates_only_clients_of_the_authority_come_in(tmp_path):
    authority, other = Authority(tmp_path), Authority(_folder(tmp_path, "other"))
    ours, expired, theirs = authority.issue("yinyom"), authority.issue("old", expired=True), other.issue("stranger")

    with standing(Bell(), authority=authority, client_certificate=True) as bell:
        answer = httpx.get(bell.url, verify=authority.client_context(ours))
        for nobody in (None, expired, theirs):
            with pytest.raises(httpx.TransportError):
                httpx.get(bell.url, verify=authority.client_context(nobody))

    assert answer.status_code == 200
    assert [call.presented for call in bell.calls] == ["yinyom"]


def test_a_client_that_never_shakes_hands_holds_up_nobody(tmp_path):
    authority = Authority(tmp_path)

    with standing(Bell(), authority=authority) as bell:
        host, port = bell.url.removeprefix("https://").split(":")
        with socket.create_connection((host, int(port))):
            answer = httpx.get(bell.url, verify=authority.client_context(), timeout=3)

    assert answer.status_code == 200


def _folder(parent, name):
    made = parent / name
    made.mkdir()
    return made
