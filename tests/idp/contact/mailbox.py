"""A mail server on loopback that speaks real SMTP with STARTTLS, and one that never finishes a sentence."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from idp.demo.folder import free_port
from tests.servers.authority import Authority

USER, PASSWORD = "yinyom", "a-password-of-the-tests"
BYTE_EVERY_S = 0.05
BYTES = 100


@dataclass
class Mailbox:
    """`answers` are given in line to RCPT, `ends` to DATA; "" takes it."""

    port: int = 0
    trust: ssl.SSLContext | None = None
    answers: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    received: list[EmailMessage] = field(default_factory=list)
    sealed: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 -- aiosmtpd's name
        """One recipient."""
        refusal = self.answers.pop(0) if self.answers else ""
        if not refusal:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802
        """One message."""
        self.sealed.append(session.ssl is not None)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        return (self.ends.pop(0) if self.ends else "") or "250 taken"


@dataclass
class Drip:
    """`was_heard_out`: somebody listened to all that it had to say."""

    turns: tuple[bytes, ...]
    port: int = 0
    was_heard_out: bool = False
    closing: threading.Event = field(default_factory=threading.Event)


def authenticate(_server, _session, _envelope, _mechanism, told):
    """One user."""
    right = isinstance(told, LoginPassword) and (told.login, told.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@contextmanager
def open_mailbox(authority: Authority, *, tls: bool = True, sign_in: bool = False) -> Iterator[Mailbox]:
    """For the length of the block."""
    mailbox = Mailbox(port=free_port(), trust=authority.client_context())
    wants = {"authenticator": authenticate, "auth_required": True} if sign_in else {}
    if tls:
        wants |= {"tls_context": authority.server_context(client_certificate=False), "require_starttls": True}
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **wants)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@contextmanager
def open_drip(*turns: bytes) -> Iterator["Drip"]:
    """A port that greets with the first turn, answers with the others, and then drips."""
    drip = Drip(turns)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        drip.port = server.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(server, drip), daemon=True)
        thread.start()
        try:
            yield drip
        finally:
            drip.closing.set()
            thread.join()


def _serve(server: socket.socket, drip: Drip) -> None:
    """One client after another."""
    while not drip.closing.is_set():
        with suppress(OSError):
            client, _ = server.accept()
            _speak(client, drip)


def _speak(client: socket.socket, drip: Drip) -> None:
    """The turns, then one byte at a time for five seconds, or until the client has gone."""
    with client:
        client.sendall(drip.turns[0])
        for turn in drip.turns[1:]:
            client.recv(4096)
            client.sendall(turn)
        for _ in range(BYTES):
            if drip.closing.wait(BYTE_EVERY_S):
                return
            client.sendall(b"2")
        drip.was_heard_out = True
