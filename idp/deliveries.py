"""What became of the events that services were sent: for the citizen's page, and for whoever runs the server."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from idp.outbox import GIVE_UP_AFTER, Letter

OVERDUE_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Delivery:
    """What became of the letter to one client, for the citizen's page. state: queued, sent or dead."""

    client_id: str
    queued_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    state: str

    def word(self, now: datetime) -> str:
        """PURE: `acknowledged`, `sent`, `queued`, `overdue` (it should know by now) or `dead` (given up)."""
        if self.acknowledged_at is not None:
            return "acknowledged"
        late = self.state == "queued" and now - self.queued_at > OVERDUE_AFTER
        return "overdue" if late else self.state


@dataclass(frozen=True)
class Backlog:
    """What one service has not taken: events given up, events that wait, and since when the oldest waits."""

    client_id: str
    dead: int
    waiting: int
    since: datetime


_ABOUT_PEOPLE = and_(Letter.kind == "set", Letter.subject_id.is_not(None))  # no trial of an endpoint
_DELIVERIES = (
    select(Letter.client_id, Letter.queued_at, Letter.sent_at, Letter.acknowledged_at, Letter.state)
    .where(Letter.consent_id == bindparam("consent"), Letter.kind == "set")
    .order_by(Letter.queued_at, Letter.id)
)
_BACKLOGS = (
    select(
        Letter.client_id,
        func.count().filter(Letter.state == "dead"),
        func.count().filter(Letter.state == "queued"),
        func.min(Letter.queued_at).label("since"),
    )
    .where(Letter.state != "sent", _ABOUT_PEOPLE)
    .group_by(Letter.client_id)
    .order_by("since")
)


def deliveries(session: Session, consent_id: UUID) -> list[Delivery]:
    """What became of the letters about one consent, oldest first."""
    rows = session.execute(_DELIVERIES, {"consent": consent_id})
    return [Delivery(row.client_id or "", *row[1:]) for row in rows]


def backlogs(session: Session) -> list[Backlog]:
    """Services that did not take what they were sent, the longest waiting first."""
    rows = session.execute(_BACKLOGS)
    return [Backlog(row[0] or "", row[1], row[2], row.since) for row in rows]


def redeliver(session: Session, client_id: str, *, now: datetime) -> int:
    """Queue again, in their old order, what was given up for one service; how many events."""
    again: Any = session.execute(
        update(Letter)
        .where(Letter.client_id == client_id, Letter.state == "dead", _ABOUT_PEOPLE)
        .values(state="queued", attempts=0, next_at=now, until=now + GIVE_UP_AFTER, last_error=None)
        .execution_options(synchronize_session=False)
    )
    return int(again.rowcount)
