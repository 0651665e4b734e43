"""E-mail by SMTP with STARTTLS (RFC 5321, RFC 3207), never in the clear, never with a link.

A message has one recipient, a subject in its first line, plain text, and a Message-ID made of its key, by which a
mailbox sees that a message that came twice is one. The time limit holds for the whole conversation: a server that sends
one byte at a time is cut off.
"""

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from threading import Timer

from idp.breaker import Breaker
from idp.ports import MailFailed

TIMEOUT_S = 10.0
LONGEST_SUBJECT = 120
REFUSED_FOR_EVER = 500
MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")  # HTML's own


class SmtpMail:
    """`idp.ports.Mail` over one submission server."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        clock: Callable[[], datetime],
        user: str = "",
        password: str = "",
        trust: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._host, self._port, self._sender, self._clock = host, port, sender, clock
        self._user, self._password = user, password
        self._trust = trust or ssl.create_default_context()
        self._timeout_s, self._breaker = timeout_s, Breaker("mail")

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message over. Raises: MailFailed, with `temporary` telling whether to try again."""
        if MAILBOX.fullmatch(to) is None:
            raise MailFailed("address", temporary=False)
        if not self._breaker.admits():
            raise MailFailed("away")
        message = written(self._sender, to, text, key=key, at=self._clock())
        try:
            self._hand_over(message)
        except MailFailed as failure:
            if failure.temporary:
                self._breaker.failed(timed_out=failure.code == "timeout")
            else:
                self._breaker.worked()  # it answered: this message alone is refused
            raise
        self._breaker.worked()

    def greet(self) -> None:
        """Only say hello, start TLS and sign in, for whoever looks whether all is well. Raises: MailFailed."""
        with self._conversation():
            pass

    def _hand_over(self, message: EmailMessage) -> None:
        with self._conversation() as smtp:
            smtp.send_message(message)

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        smtp = smtplib.SMTP(timeout=self._timeout_s)
        limit = Limit(smtp)
        try:
            with limit.after(self._timeout_s):
                smtp.connect(self._host, self._port)
                limit.hold()
                smtp._host = self._host  # type: ignore[attr-defined]  # noqa: SLF001 -- the name that TLS must prove
                smtp.starttls(context=self._trust)
                if self._user:
                    smtp.login(self._user, self._password)
                yield smtp
        except (smtplib.SMTPException, OSError) as error:
            raise fault(error, over=limit.over) from error
        else:
            with suppress(smtplib.SMTPException, OSError):  # it has the message: a farewell that fails changes nothing
                smtp.quit()
        finally:
            smtp.close()
            limit.let_go()


class Limit:
    """The one time limit of a conversation. What it cuts is a second handle of the connection, which TLS leaves be."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self.over = False
        self._smtp = smtp
        self._held: socket.socket | None = None

    def hold(self) -> None:
        """The connection stands; take a handle of it before TLS takes the first one."""
        self._held = self._smtp.sock.dup() if self._smtp.sock else None

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Cut what the block waits for when the time is over."""
        timer = Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def let_go(self) -> None:
        """Give the handle back."""
        if self._held is not None:
            self._held.close()

    def _end(self) -> None:
        self.over = True
        connection = self._held or self._smtp.sock  # neither: it is being made, which has a limit of its own
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def written(sender: str, to: str, text: str, *, key: str, at: datetime) -> EmailMessage:
    """PURE: the message: the first line of `text` is its subject."""
    subject, _, body = text.partition("\n")
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"], message["To"] = sender, to
    message["Subject"] = " ".join(subject.split())[:LONGEST_SUBJECT]
    message["Date"] = format_datetime(at)
    host = parseaddr(sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notices need not answer
    message.set_content(body.strip("\n") + "\n", cte="base64")
    return message


def fault(error: Exception, *, over: bool) -> MailFailed:
    """PURE: what went wrong, as a code, and whether trying again can help."""
    if over or isinstance(error, TimeoutError):
        return MailFailed("timeout")
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError):
        return MailFailed("no_tls")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailFailed("login")  # ours to mend: the letters wait meanwhile
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max(status for status, _ in error.recipients.values())
        return MailFailed(f"recipient_{code}", temporary=code < REFUSED_FOR_EVER)
    if isinstance(error, smtplib.SMTPResponseException):
        return MailFailed(f"smtp_{error.smtp_code}", temporary=error.smtp_code < REFUSED_FOR_EVER)
    return MailFailed("no_answer")
