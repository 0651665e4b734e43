"""A paused request as it is kept: sealed, under a random id of which only the hash is stored; one browser finds it.

Exactly one answer wins, by a conditional UPDATE; whoever is second is given the first one's.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, Plain, Sealed
from consent.errors import NotFound
from idp.assurance import Aal, Ial
from idp.keys import KeyRing
from idp.oauth.pipeline import AuthorizeRequest
from idp.settings import Settings

ID_BYTES = 32
AUTHORIZE, CONSOLE, STAFF = "authorize", "console", "staff"


class InteractionRow(Base):
    """One paused request. `finished_at` is set by the conditional UPDATE that lets exactly one answer win."""

    __tablename__ = "interaction"
    __table_args__ = (CheckConstraint("kind IN ('authorize', 'console', 'staff')", name="kind"),)

    id_hash: Mapped[Plain] = mapped_column(primary_key=True)
    browser_hash: Mapped[Plain]
    kind: Mapped[Plain]
    request: Mapped[Sealed]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    challenge_id: Mapped[UUID | None]
    denied: Mapped[Plain | None]
    answer: Mapped[Sealed | None]
    acting_for: Mapped[UUID | None]  # a guardianship: the person in front of the page acts for its ward
    chosen_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Interaction:
    """A paused request as its own browser sees it. `answer` is the final address, once there is one."""

    id: str
    kind: str
    request: AuthorizeRequest | None
    return_to: str | None
    aal: Aal | None
    fresh: bool
    ial: Ial
    created_at: datetime
    expires_at: datetime
    challenge_id: UUID | None
    denied: str | None
    answer: str | None
    acting_for: UUID | None = None  # the guardianship that was chosen
    chosen_at: datetime | None = None


def begin(
    session: Session,
    ring: KeyRing,
    *,
    kind: str,
    request: AuthorizeRequest | None,
    return_to: str | None,
    browser: str,
    now: datetime,
    settings: Settings,
    aal: Aal | None = None,
    fresh: bool = False,
    ial: Ial = Ial.IAL1_1,
) -> str:
    """Pause a request for this browser; the id for the address bar. `aal`, `ial`, `fresh`: what a console page asks."""
    interaction_id = secrets.token_urlsafe(ID_BYTES)
    hashed = _hash(interaction_id)
    kept = {
        "request": None if request is None else request.to_json(),
        "return_to": return_to,
        "aal": None if aal is None else aal.value,
        "fresh": fresh,
        "ial": ial.value,
    }
    session.add(
        InteractionRow(
            id_hash=hashed,
            browser_hash=_hash(browser),
            kind=kind,
            request=ring.seal(json.dumps(kept), place=f"interaction:{hashed}"),
            created_at=now,
            expires_at=now + settings.interaction_lifetime,
        )
    )
    session.flush()
    if request is not None:
        client = log.Actor.client(request.client_id)
        purposes = list(request.resolution.purposes)
        log.append(session, "authz.requested", now=now, actor=client, client_id=request.client_id, codes=purposes)
    return interaction_id


_ROW = InteractionRow.__table__
_FIND = select(_ROW).where(_ROW.c.id_hash == bindparam("hash"))
_FINISH = (
    update(InteractionRow)
    .where(_ROW.c.id_hash == bindparam("hash"), _ROW.c.finished_at.is_(None), _ROW.c.expires_at > bindparam("now"))
    .values(finished_at=bindparam("now"))
)


def resume(session: Session, ring: KeyRing, interaction_id: str, *, browser: str, now: datetime) -> Interaction:
    """The paused request, finished or not. Raises: NotFound if unknown, expired, or another browser's."""
    hashed = _hash(interaction_id)
    row = session.execute(_FIND, {"hash": hashed}).one_or_none()
    if row is None or now >= row.expires_at or not hmac.compare_digest(row.browser_hash, _hash(browser)):
        raise NotFound("This page has expired. Please start again.", detail="interaction")
    kept = json.loads(ring.open(row.request, place=f"interaction:{hashed}"))
    return Interaction(
        id=interaction_id,
        kind=row.kind,
        request=None if kept["request"] is None else AuthorizeRequest.from_json(kept["request"]),
        return_to=kept["return_to"],
        aal=None if kept["aal"] is None else Aal(kept["aal"]),
        fresh=kept.get("fresh", False),
        ial=Ial(kept.get("ial", Ial.IAL1_1.value)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        challenge_id=row.challenge_id,
        denied=row.denied,
        answer=None if row.answer is None else ring.open(row.answer, place=f"interaction:{hashed}:answer"),
        acting_for=row.acting_for,
        chosen_at=row.chosen_at,
    )


def hold(session: Session, interaction_id: str) -> None:
    """Nobody else answers this request until our transaction is over: what is read from here on is what they left."""
    session.execute(_FIND.with_for_update(), {"hash": _hash(interaction_id)})


def attach_challenge(session: Session, interaction: Interaction, challenge_id: UUID) -> None:
    """Remember which one-time code this request waits for."""
    session.execute(
        update(InteractionRow)
        .where(InteractionRow.id_hash == _hash(interaction.id), InteractionRow.finished_at.is_(None))
        .values(challenge_id=challenge_id)
    )


def choose(session: Session, interaction: Interaction, guardianship_id: UUID | None, *, now: datetime) -> None:
    """For whom this request goes on: a ward (by guardianship), or None: for whoever is signed in."""
    session.execute(
        update(InteractionRow)
        .where(InteractionRow.id_hash == _hash(interaction.id), InteractionRow.finished_at.is_(None))
        .values(acting_for=guardianship_id, chosen_at=now)
    )


def finish(session: Session, ring: KeyRing, interaction: Interaction, *, answer: str, now: datetime) -> str:
    """Finish once with this answer, or give the answer of whoever was first. Raises: NotFound when expired."""
    first = claim(session, interaction, now=now)
    return keep(session, ring, interaction, answer) if first else first_answer(session, ring, interaction)


def claim(session: Session, interaction: Interaction, *, now: datetime) -> bool:
    """Whether this answer is the first one: exactly one is."""
    claimed = session.execute(_FINISH, {"hash": _hash(interaction.id), "now": now})
    return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]


def keep(session: Session, ring: KeyRing, interaction: Interaction, answer: str, denied: str | None = None) -> str:
    """Keep the final address, sealed, for whoever taps twice; `denied` is the code of a refusal."""
    hashed = _hash(interaction.id)
    sealed = ring.seal(answer, place=f"interaction:{hashed}:answer")
    session.execute(update(InteractionRow).where(InteractionRow.id_hash == hashed).values(answer=sealed, denied=denied))
    return answer


def first_answer(session: Session, ring: KeyRing, interaction: Interaction) -> str:
    """The answer of whoever was first. Raises: NotFound."""
    hashed = _hash(interaction.id)
    row = session.execute(_FIND, {"hash": hashed}).one_or_none()
    if row is None or row.answer is None:
        raise NotFound("This page has expired. Please start again.", detail="interaction")
    return ring.open(row.answer, place=f"interaction:{hashed}:answer")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def purge(session: Session, *, now: datetime) -> int:
    """Delete what has expired; how many."""
    gone = session.execute(delete(InteractionRow).where(InteractionRow.expires_at < now))
    return int(gone.rowcount)  # type: ignore[attr-defined]
