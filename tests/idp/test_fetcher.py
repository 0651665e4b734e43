import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread

import pytest

from idp.fetcher import MOST_BYTES, GuardedFetcher
from idp.ports import FetchFailed
from tests.idp.servers import serving


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.test/", "bad_url"),
        ("ftp://example.test/", "bad_url"),
        ("https://user:secret@example.test/", "bad_url"),
        ("https://example.test:99999/", "bad_url"),
        ("https:///nowhere", "bad_url"),
        ("not a url", "bad_url"),
        ("https://127.0.0.1/", "private_address"),
        ("https://localhost/", "private_address"),
        ("https://[::1]/", "private_address"),
        ("https://[::ffff:127.0.0.1]/", "private_address"),
        ("https://10.0.0.1/", "private_address"),
        ("https://192.168.1.1/", "private_address"),
        ("https://169.254.169.254/latest/meta-data", "private_address"),
        ("https://0.0.0.0/", "private_address"),
        ("https://224.0.0.1/", "private_address"),
        ("https://100.64.0.1/", "private_address"),
        ("https://[64:ff9b::a00:1]/", "private_address"),
        ("https://[2002:a00:1::1]/", "private_address"),
    ],
)
def test_an_address_given_by_others_never_leads_inside(url, code):
    """ASVS 5 v5.0 1.3.6: no request to a private network, in production."""
    with closing(GuardedFetcher()) as fetcher, pytest.raises(FetchFailed) as failed:
        fetcher.get(url)

    assert (failed.value.code, failed.value.temporary) == (code, False)


def test_a_sandbox_may_speak_to_this_machine_but_to_no_other():
    """DECISIONS 26: the demo services live on 127.0.0.1."""
    with serving(body=b"ok") as server, closing(GuardedFetcher(allow_loopback=True)) as fetcher:
        reply = fetcher.get(server.url.replace("127.0.0.1", "localhost"))
        with pytest.raises(FetchFailed, match="private_address"):
            fetcher.get("https://10.0.0.1/")

    assert (reply.status, reply.body) == (202, b"ok")
    assert server.received[0].headers["Host"].startswith("localhost:")


def test_a_redirect_is_an_answer_and_not_followed():
    """A redirect could lead inside."""
    with (
        serving(default=302, location="http://127.0.0.1:1/") as server,
        closing(GuardedFetcher(allow_loopback=True)) as fetcher,
    ):
        assert fetcher.post(server.url, body=b"x").status == 302


def test_an_endless_answer_is_cut():
    """A size limit for what others send."""
    with (
        serving(body=b"x" * (MOST_BYTES + 1)) as server,
        closing(GuardedFetcher(allow_loopback=True)) as fetcher,
        pytest.raises(FetchFailed, match="too_long"),
    ):
        fetcher.get(server.url)


def test_a_silent_server_is_given_up_in_time():
    """A time limit for everybody outside."""
    with (
        serving(default=0) as server,
        closing(GuardedFetcher(allow_loopback=True, timeout_s=0.2)) as fetcher,
        pytest.raises(FetchFailed, match="timeout"),
    ):
        fetcher.get(server.url)


@contextmanager
def dripping(beginning: bytes) -> Iterator[str]:
    """A server that says this, and then one byte at a time for as long as it is listened to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with suppress(OSError), listening.accept()[0] as peer:
                peer.recv(4096)
                peer.sendall(beginning)
                while True:
                    peer.sendall(b"a")
                    time.sleep(0.02)

        server = Thread(target=drip, daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.join(5)
        assert not server.is_alive()


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 202 Accepted\r\nX-Long: ", b"HTTP/1.1 202 Accepted\r\n\r\n", b"HTTP/1.1 202 Accepted\r\nContent-"],
    ids=["status", "header", "body", "header name"],
)
def test_a_server_that_never_comes_to_an_end_is_given_up_in_time(beginning):
    """Letters wait for one another: one hostile endpoint must not keep a withdrawal from every other service."""
    outcome = []

    def ask() -> None:
        with closing(GuardedFetcher(allow_loopback=True, timeout_s=0.2)) as fetcher:
            try:
                outcome.append(fetcher.post(url, body=b"x").status)
            except FetchFailed as failed:
                outcome.append((failed.code, failed.temporary))

    with dripping(beginning) as url:
        asking = Thread(target=ask, daemon=True)
        asking.start()
        asking.join(5)
        assert outcome == [("timeout", True)]
