"""The sandbox's phone: messages land in a table, and the inbox page shows them. Nothing leaves this machine."""

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
    """One message to a made-up phone; `key` makes sending it twice one message, as a good gateway does."""

    __tablename__ = "sandbox_message"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[Plain] = mapped_column(unique=True)
    at: Mapped[datetime]
    to_masked: Mapped[Plain]
    text: Mapped[Plain]


class SandboxSms:
    """`idp.ports.Sms` that keeps the message here, in a transaction of its own."""

    def __init__(self, sessions: Sessions, clock: Callable[[], datetime]) -> None:
        self._sessions, self._clock = sessions, clock

    def send(self, to: str, text: str, *, key: str) -> None:
        """Put the message into the inbox, once for each key."""
        insert: Any = sqlite.insert if self._sessions.engine.dialect.name == "sqlite" else postgresql.insert
        row = {"id": new_id(), "key": key, "at": self._clock(), "to_masked": mask_phone(to), "text": text}
        with self._sessions.writing() as session:
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
