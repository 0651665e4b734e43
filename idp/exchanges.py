"""What the sandbox shows developers of the protocol: the last flows of each client, sealed and few.

Only the sandbox writes here, and what comes in is masked already: no secret, no code, no signature of a token, no
value that describes a person. A flow is what one authorization request led to; its later requests are recognised by
`threads`, hashes of what they bring along (the code, the grant, the refresh token).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed, new_id
from idp.keys import KeyRing

MOST_OF_A_FLOW = 40
LONGEST_VALUE = 300


class DeveloperExchange(Base):
    """One request and its answer."""

    __tablename__ = "developer_exchange"
    __table_args__ = (
        Index("ix_developer_exchange_client_id_id", "client_id", "id"),
        Index("ix_developer_exchange_flow_id_id", "flow_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    flow_id: Mapped[UUID]
    at: Mapped[datetime]
    kind: Mapped[Plain]
    client_id: Mapped[Plain]
    threads: Mapped[Plain]  # space list
    body_sealed: Mapped[Sealed]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, opened."""

    at: datetime
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Flow:
    """What one authorization request of a client led to, without its exchanges."""

    id: UUID
    client_id: str
    began_at: datetime
    last_at: datetime


_ROW = DeveloperExchange.__table__
_KNOWN = select(_ROW.c.id, _ROW.c.flow_id, _ROW.c.client_id, _ROW.c.threads, _ROW.c.at).order_by(_ROW.c.id.desc())
_OF_FLOW = select(_ROW).where(_ROW.c.flow_id == bindparam("flow")).order_by(_ROW.c.id)


def keep(
    session: Session,
    ring: KeyRing,
    *,
    kind: str,
    client_id: str,
    body: Mapping[str, Any],
    continues: Iterable[str],
    carries: Iterable[str],
    begins: bool,
    now: datetime,
    flows: int,
) -> UUID:
    """Write one exchange and let go of the oldest; the flow that it belongs to.

    `continues` are the things that it brought along and `carries` those that later requests will bring. What continues
    nothing belongs to the client's newest flow, unless it `begins` one; a flow keeps its client.
    """
    known = session.execute(_KNOWN).all()
    wanted = {_thread(one) for one in continues}
    found = next((row for row in known if wanted & set(row.threads.split())), None)
    if found is None and not begins and client_id:
        found = next((row for row in known if row.client_id == client_id), None)
    exchange_id = new_id()
    flow_id = exchange_id if found is None else found.flow_id
    session.add(
        DeveloperExchange(
            id=exchange_id,
            flow_id=flow_id,
            at=now,
            kind=kind,
            client_id=client_id if found is None else found.client_id,
            threads=" ".join(sorted(_thread(one) for one in carries)),
            body_sealed=ring.seal(json.dumps(body), place=f"exchange:{exchange_id}"),
        )
    )
    session.flush()
    _let_go(session, [(exchange_id, flow_id), *((row.id, row.flow_id) for row in known)], flows=flows)
    return flow_id


def last_flows(session: Session) -> list[Flow]:
    """Every flow that is kept, the one with the newest exchange first."""
    found: dict[UUID, Flow] = {}
    for row in session.execute(_KNOWN):
        newer = found.get(row.flow_id)
        found[row.flow_id] = Flow(row.flow_id, row.client_id, row.at, newer.last_at if newer else row.at)
    return list(found.values())


def of_flow(session: Session, ring: KeyRing, flow_id: UUID) -> list[Exchange]:
    """The exchanges of one flow, oldest first."""
    return [
        Exchange(row.at, row.kind, json.loads(ring.open(row.body_sealed, place=f"exchange:{row.id}")))
        for row in session.execute(_OF_FLOW, {"flow": flow_id})
    ]


def _let_go(session: Session, newest_first: Sequence[tuple[UUID, UUID]], *, flows: int) -> None:
    kept: dict[UUID, int] = {}
    gone = []
    for exchange_id, flow_id in newest_first:
        if flow_id in kept or len(kept) < flows:
            kept[flow_id] = kept.get(flow_id, 0) + 1
        if kept.get(flow_id, MOST_OF_A_FLOW + 1) > MOST_OF_A_FLOW:
            gone.append(exchange_id)
    if gone:
        session.execute(delete(DeveloperExchange).where(DeveloperExchange.id.in_(gone)))


def _thread(brought: str) -> str:
    return hashlib.sha256(brought.encode("utf-8", "surrogatepass")).hexdigest()[:32]
