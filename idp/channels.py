"""The ways out: which port carries which kind of letter, and what a letter to a person must not hold.

sms   to an E.164 number      mail  to an e-mail address; the first line of the body is the subject
line  to a LINE user id       set   a signed event to a service's https endpoint (RFC 8935)
"""

import re
from typing import Protocol

from idp.ports import Fetcher, LinePush, Mail, PortFailed, Sms

TO_PEOPLE = ("sms", "mail", "line")
KINDS = (*TO_PEOPLE, "set")
NO_CHANNEL = "no_channel"
SET_TYPE = "application/secevent+jwt"  # RFC 8417 section 2.3
ACKNOWLEDGED = (200, 202)  # RFC 8935 section 2.2 says 202; receivers in the field say 200 too
RETRIED_STATUS = (408, 425, 429)
SERVER_ERROR = 500
LINK = re.compile(r"://|\bwww\.|[a-z0-9-]\.[a-z]{2,}", re.IGNORECASE)
ORIGIN_BOUND = re.compile(r"\n@\S+ #\d{6,8}\Z")  # how a browser learns which site a code is for; no link to press


class LetterPorts(Protocol):
    """The four ways out."""

    @property
    def sms(self) -> Sms:
        """To a phone."""
        ...

    @property
    def mail(self) -> Mail:
        """To a mailbox."""
        ...

    @property
    def line_push(self) -> LinePush:
        """To a LINE account."""
        ...

    @property
    def fetcher(self) -> Fetcher:
        """To an https endpoint."""
        ...


def send(ports: LetterPorts, kind: str, to: str, body: str, *, key: str) -> None:
    """Hand one letter to its port. Raises: PortFailed."""
    if kind == "sms":
        ports.sms.send(to, body, key=key)
    elif kind == "mail":
        ports.mail.send(to, body, key=key)
    elif kind == "line":
        ports.line_push.send(to, body, key=key)
    else:
        _push(ports.fetcher, to, body)


def carries_link(text: str) -> bool:
    """PURE: whether a phone would make something in this text pressable, or a person take it for an address.

    Whoever learns that our messages never hold a link cannot be phished by one that does (THAI.md 3b).
    """
    return LINK.search(ORIGIN_BOUND.sub("", text)) is not None


def _push(fetcher: Fetcher, url: str, token: str) -> None:
    reply = fetcher.post(url, body=token.encode(), headers={"Content-Type": SET_TYPE, "Accept": "application/json"})
    if reply.status not in ACKNOWLEDGED:
        temporary = reply.status >= SERVER_ERROR or reply.status in RETRIED_STATUS
        raise PortFailed(f"status_{reply.status}", temporary=temporary)
