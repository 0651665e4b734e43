"""The sandbox's phones and mailboxes: messages land in a table, and the inbox page shows them. Nothing leaves here."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, new_id
from idp.db import Sessions

KEPT_FOR = timedelta(days=7)


class SandboxMessage(Base):
    """One message to a made-up person; `key` makes sending it twice one message, as a good gateway does."""

    __tablename__ = "sandbox_message"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Plain] = mapped_column(server_default="sms")  # sms, mail or line
    key: Mapped[Plain] = mapped_column(unique=True)
    at: Mapped[datetime]
    to_masked: Mapped[Plain]
    text: Mapped[Plain]


class _Channel:
    """A channel that keeps its messages here, in transactions of its own."""

    kind = ""
    mask: Callable[[str], str]

    def __init__(self, sessions: Sessions, clock: Callable[[], datetime]) -> None:
        self._sessions, self._clock = sessions, clock

    def send(self, to: str, text: str, *, key: str) -> None:
        """Put the message into the inbox, once for each key."""
        insert: Any = sqlite.insert if self._sessions.engine.dialect.name == "sqlite" else postgresql.insert
        facts = {"kind": self.kind, "key": key, "at": self._clock(), "to_masked": type(self).mask(to), "text": text}
        with self._sessions.writing() as session:
            row = {"id": new_id(), **facts}
            session.execute(insert(SandboxMessage).values(row).on_conflict_do_nothing(index_elements=["key"]))


def inbox(session: Session, *, limit: int = 20) -> Sequence[SandboxMessage]:
    """The newest messages first."""
    return session.scalars(select(SandboxMessage).order_by(SandboxMessage.id.desc()).limit(limit)).all()


def purge(session: Session, *, now: datetime) -> None:
    """Drop messages older than a week."""
    session.execute(delete(SandboxMessage).where(SandboxMessage.at < now - KEPT_FOR))


def mask_phone(phone: str) -> str:
    """`xxx-xxx-0035`: the last four digits."""
    return f"xxx-xxx-{phone[-4:]}"


def mask_mail(mailbox: str) -> str:
    """`s…@example.test`: the first letter and the host."""
    name, _, host = mailbox.rpartition("@")
    return f"{name[:1]}…@{host}"


def mask_line(user: str) -> str:
    """`LINE …4f2a`: the last four signs."""
    return f"LINE …{user[-4:]}"


class SandboxSms(_Channel):
    """`idp.ports.Sms` of the sandbox."""

    kind, mask = "sms", staticmethod(mask_phone)


class SandboxMail(_Channel):
    """`idp.ports.Mail` of the sandbox."""

    kind, mask = "mail", staticmethod(mask_mail)


class SandboxLinePush(_Channel):
    """`idp.ports.LinePush` of the sandbox."""

    kind, mask = "line", staticmethod(mask_line)
