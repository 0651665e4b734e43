"""Agents: programs beside the card readers of counters, each with a key of its own; and what a page asks them once.

An agent belongs to one facility and signs what a chip said, together with a number that this server gave to one staff
session for one minute. So a card that is on a page was in a reader of this facility, now, and not before or elsewhere.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import ForeignKey, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, new_id
from consent.errors import NotAllowed, NotFound
from idp.directory import Facility

ASKED_FOR = timedelta(seconds=60)
NONCE_BYTES = 32
LONGEST_LABEL = 60
LONGEST_KEY = 1000


class CardAgent(Base):
    """One agent: `kid` is the RFC 7638 thumbprint of its public key (P-256). A removed one is never used again."""

    __tablename__ = "card_agent"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    hcode: Mapped[Plain] = mapped_column(ForeignKey("facility.hcode"), index=True)
    label: Mapped[Plain]
    kid: Mapped[Plain] = mapped_column(unique=True)
    public_jwk: Mapped[Plain]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class CardAsk(Base):
    """A number that one staff session of one facility may have signed, once, within a minute. Only its hash is kept."""

    __tablename__ = "card_ask"

    nonce_hash: Mapped[Plain] = mapped_column(primary_key=True)
    session_hash: Mapped[Plain]
    hcode: Mapped[Plain]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


def add(session: Session, *, hcode: str, label: str, public_jwk: str, now: datetime) -> CardAgent:
    """Register the key that an agent made. Appends agent.added.

    Raises: NotFound for a facility that we do not know; NotAllowed with code bad_label, bad_key (no public P-256 key)
    or taken (a key is one agent's, for ever).
    """
    if session.get(Facility, hcode) is None:
        raise NotFound(f"There is no facility {hcode}.", detail="facility")
    if not 0 < len(label.strip()) <= LONGEST_LABEL or not label.isprintable():
        raise NotAllowed("The label is empty or too long.", code="bad_label")
    key = _public(public_jwk)
    kid = key.thumbprint()
    if session.scalar(select(CardAgent.id).where(CardAgent.kid == kid)) is not None:
        raise NotAllowed("This key belongs to an agent already.", code="taken")
    known = json.dumps(key.as_dict(private=False), sort_keys=True)
    agent = CardAgent(hcode=hcode, label=label.strip(), kid=kid, public_jwk=known, added_at=now)
    session.add(agent)
    session.flush()
    codes = (f"hcode:{hcode}", f"agent:{agent.id}")
    log.append(session, "agent.added", now=now, actor=Actor.system("idp"), codes=codes)
    return agent


def _public(jwk: str) -> ECKey:
    try:
        facts = json.loads(jwk) if len(jwk) <= LONGEST_KEY else {}
        public = (facts["kty"], facts["crv"]) == ("EC", "P-256") and "d" not in facts
        key = ECKey.import_key({name: facts[name] for name in ("kty", "crv", "x", "y")}) if public else None
    except (ValueError, TypeError, KeyError, RecursionError, JoseError):
        key = None
    if key is None:
        raise NotAllowed("This is no public key of an agent (EC, P-256, as JSON).", code="bad_key")
    return key


def remove(session: Session, agent_id: UUID, *, now: datetime) -> None:
    """From now on nothing that it signs is believed. Again changes nothing. Appends agent.removed. Raises: NotFound."""
    agent = session.get(CardAgent, agent_id)
    if agent is None:
        raise NotFound("There is no such agent.", detail="agent")
    gone: Any = session.execute(
        update(CardAgent)
        .where(CardAgent.id == agent_id, CardAgent.removed_at.is_(None))
        .values(removed_at=now)
        .execution_options(synchronize_session=False)
    )
    if gone.rowcount == 1:
        codes = (f"hcode:{agent.hcode}", f"agent:{agent.id}")
        log.append(session, "agent.removed", now=now, actor=Actor.system("idp"), codes=codes)


def all_of(session: Session, hcode: str | None = None) -> Sequence[CardAgent]:
    """Those in use, of one facility or of all, oldest first."""
    wanted = select(CardAgent).where(CardAgent.removed_at.is_(None)).order_by(CardAgent.added_at, CardAgent.id)
    return session.scalars(wanted if hcode is None else wanted.where(CardAgent.hcode == hcode)).all()


_KEY = select(CardAgent.public_jwk).where(
    CardAgent.kid == bindparam("kid"), CardAgent.hcode == bindparam("at"), CardAgent.removed_at.is_(None)
)


def key_of(session: Session, kid: str, *, hcode: str) -> ECKey | None:
    """The public key of an agent in use at that facility, or None: unknown, removed and another's look alike."""
    known = session.scalar(_KEY, {"kid": kid, "at": hcode})
    return None if known is None else ECKey.import_key(json.loads(known))


def ask(session: Session, *, session_hash: str, hcode: str, now: datetime) -> str:
    """A new number of 256 bits for one staff session at its facility, good once within 60 s."""
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    session.add(CardAsk(nonce_hash=_hash(nonce), session_hash=session_hash, hcode=hcode, expires_at=now + ASKED_FOR))
    session.flush()
    return nonce


_SPEND = (
    update(CardAsk)
    .where(
        CardAsk.nonce_hash == bindparam("known"),
        CardAsk.session_hash == bindparam("of"),
        CardAsk.hcode == bindparam("at"),
        CardAsk.used_at.is_(None),
        CardAsk.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def spend(session: Session, nonce: str, *, session_hash: str, hcode: str, now: datetime) -> bool:
    """Use the number up. True for exactly one caller, of the session and facility that it was given to, in time."""
    known = {"known": _hash(nonce), "of": session_hash, "at": hcode, "now": now}
    spent: Any = session.execute(_SPEND, known)
    return bool(spent.rowcount == 1)


def purge(session: Session, *, now: datetime) -> int:
    """Forget numbers that are past their minute; how many."""
    gone: Any = session.execute(delete(CardAsk).where(CardAsk.expires_at < now))
    return int(gone.rowcount)


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest()
