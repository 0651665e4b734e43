"""Which message went through which gateway, and what the gateway told of it later.

A receipt names the key under which we sent. It may come twice, late, out of order, or for a message that we have
forgotten: the first final word stands, except that "delivered" corrects "failed", because the message did arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Index, and_, delete, false, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain
from idp.outbox import Letter

KEPT_FOR = timedelta(days=30)
COUNTED = timedelta(hours=24)


class MessagePassage(Base):
    """One message handed, or about to be handed, to one gateway. `cost` is in satang."""

    __tablename__ = "message_passage"
    __table_args__ = (
        CheckConstraint("receipt IN ('delivered', 'failed')", name="receipt"),
        CheckConstraint("(receipt IS NULL) = (receipt_at IS NULL)", name="received"),
        Index("ix_message_passage_began_at", "began_at"),
    )

    key: Mapped[Plain] = mapped_column(primary_key=True)
    gateway: Mapped[Plain] = mapped_column(primary_key=True)
    cost: Mapped[int]
    began_at: Mapped[datetime]
    receipt: Mapped[Plain | None]
    receipt_code: Mapped[Plain | None]
    receipt_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Tally:
    """How many messages of the last 24 h one gateway answered for. receipt: delivered, failed, or none yet."""

    gateway: str
    receipt: str
    count: int


def begin(session: Session, key: str, gateway: str, *, cost: int, now: datetime) -> bool:
    """Note that a message is about to go out; False when it was noted before. One statement on the primary key."""
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"key": key, "gateway": gateway, "cost": cost, "began_at": now}
    noted = insert(MessagePassage).values(row).on_conflict_do_nothing().returning(MessagePassage.key)
    return session.scalar(noted) is not None


def undo(session: Session, key: str, gateway: str) -> None:
    """It will not go out after all."""
    session.execute(delete(MessagePassage).where(MessagePassage.key == key, MessagePassage.gateway == gateway))


def receive(session: Session, *, gateway: str, key: str, delivered: bool, code: str, now: datetime) -> bool:
    """Keep a receipt; False when it says nothing new, or is about no message of this gateway.

    A message that did not arrive is one entry of the log, about its person; `code` is the gateway's own word for why.
    """
    mended = MessagePassage.receipt == "failed" if delivered else false()
    news = or_(MessagePassage.receipt.is_(None), mended)
    kept: Any = session.execute(
        update(MessagePassage)
        .where(and_(MessagePassage.key == key, MessagePassage.gateway == gateway, news))
        .values(receipt="delivered" if delivered else "failed", receipt_code=code or None, receipt_at=now)
    )
    if kept.rowcount and not delivered:
        _tell(session, gateway, key, code, now=now)
    return bool(kept.rowcount)


def tallies(session: Session, *, now: datetime) -> Sequence[Tally]:
    """What became of the last day's messages, for the operator."""
    receipt = func.coalesce(MessagePassage.receipt, "none")
    rows = session.execute(
        select(MessagePassage.gateway, receipt, func.count())
        .where(MessagePassage.began_at > now - COUNTED)
        .group_by(MessagePassage.gateway, receipt)
        .order_by(MessagePassage.gateway, receipt)
    )
    return [Tally(*row) for row in rows]


def purge(session: Session, *, now: datetime) -> None:
    """Drop what is older than a month; a receipt that comes later than that is about nothing."""
    session.execute(delete(MessagePassage).where(MessagePassage.began_at < now - KEPT_FOR))


def _tell(session: Session, gateway: str, key: str, code: str, *, now: datetime) -> None:
    log.append(
        session,
        "message.undelivered",
        now=now,
        actor=Actor.system(f"sms-{gateway}"),
        subject_id=session.scalar(select(Letter.subject_id).where(Letter.key == key)),
        codes=("channel:sms",),
        outcome="failed",
        reason=code or "undelivered",
    )
