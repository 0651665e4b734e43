"""What text messages cost: every part is charged before it goes out, and a day's total never passes its cap.

The total of a day is one row, moved by one conditional UPDATE, so any number of workers send exactly what the cap
allows and not one more (RELIABILITY 3, X15). A day is a day in Bangkok. The same message through the same gateway is
charged once, however often it is tried: the gateway sees by its key that it is the same.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import CheckConstraint, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain
from idp.contact import passages
from idp.db import Sessions
from idp.ports import SmsFailed

BANGKOK = ZoneInfo("Asia/Bangkok")
KEPT_FOR = timedelta(days=400)
WORKER = Actor.system("worker")
# 3GPP TS 23.038: the basic alphabet has seven bits a sign, signs of the extension take two places; all else is UCS-2.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")

logger = structlog.get_logger("yinyom.contact")


class MessageDay(Base):
    """What one day's messages have cost, in satang. `told_at`: when the log was told that the cap is reached."""

    __tablename__ = "message_day"
    __table_args__ = (CheckConstraint("spent >= 0", name="spent"),)

    day: Mapped[Plain] = mapped_column(primary_key=True)
    spent: Mapped[int]
    told_at: Mapped[datetime | None]


class Ledger:
    """Charges messages in transactions of its own, before they go out. `cap` None: no limit, but still counted."""

    def __init__(self, sessions: Sessions, clock: Callable[[], datetime], *, part_cost: int, cap: int | None) -> None:
        self._sessions, self._clock = sessions, clock
        self._part_cost, self._cap = part_cost, cap

    def charge(self, key: str, gateway: str, text: str) -> None:
        """Take this message's cost from today's budget, once. Raises: SmsFailed (`spend_cap`) when it is used up."""
        now, cost = self._clock(), parts(text) * self._part_cost
        with self._sessions.writing() as session:
            if not passages.begin(session, key, gateway, cost=cost, now=now):
                return
            taken = take(session, cost, cap=self._cap, now=now)
            if not taken:
                passages.undo(session, key, gateway)
                _tell(session, now=now)
        if not taken:
            raise SmsFailed("spend_cap")


def parts(text: str) -> int:
    """PURE: how many messages a network makes of this text: 160 or 70 signs in one, 153 or 67 in each of several."""
    if set(text) <= BASIC | EXTENSION:
        length, alone, each = len(text) + sum(sign in EXTENSION for sign in text), 160, 153
    else:
        length, alone, each = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // each)


def take(session: Session, cost: int, *, cap: int | None, now: datetime) -> bool:
    """Add a cost to today's total if the cap leaves room for it. One conditional statement decides."""
    day = day_of(now)
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(MessageDay).values(day=day, spent=0).on_conflict_do_nothing(index_elements=["day"]))
    room = () if cap is None else (MessageDay.spent + cost <= cap,)
    taken: Any = session.execute(
        update(MessageDay).where(MessageDay.day == day, *room).values(spent=MessageDay.spent + cost)
    )
    return bool(taken.rowcount)


def spent_on(session: Session, now: datetime) -> int:
    """Today's total in satang."""
    return session.scalar(select(MessageDay.spent).where(MessageDay.day == day_of(now))) or 0


def purge(session: Session, *, now: datetime) -> None:
    """Drop totals of more than a year ago."""
    session.execute(delete(MessageDay).where(MessageDay.day < day_of(now - KEPT_FOR)))


def day_of(now: datetime) -> str:
    """PURE: the date in Bangkok."""
    return now.astimezone(BANGKOK).date().isoformat()


def _tell(session: Session, *, now: datetime) -> None:
    """Write down once a day that nothing more goes out."""
    first: Any = session.execute(
        update(MessageDay).where(MessageDay.day == day_of(now), MessageDay.told_at.is_(None)).values(told_at=now)
    )
    if first.rowcount:
        log.append(session, "message.capped", now=now, actor=WORKER, outcome="failed", reason="spend_cap")
        logger.error("message.capped", day=day_of(now))
