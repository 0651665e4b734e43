"""A paused request: begun at /authorize, continued by pages, finished once. And what it needs and what is there.

The request is kept sealed under a random id of which only the hash is stored; another browser cannot find it.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, Plain, Sealed
from consent.errors import NotAllowed, NotFound
from idp import authorizing, treating
from idp.assurance import Aal, Ial
from idp.keys import KeyRing
from idp.login.sessions import SignedIn
from idp.oauth import provider
from idp.oauth.pipeline import AuthorizeRequest, Context
from idp.prompts import Facts, Prompt, Requirement, next_prompt, silent_error
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


@dataclass(frozen=True)
class Conclusion:
    """Where the browser goes in the end. `reason` is a code: granted, or why not."""

    location: str
    granted: bool
    reason: str


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


def finish(session: Session, ring: KeyRing, interaction: Interaction, *, answer: str, now: datetime) -> str:
    """Finish once with this answer, or give the answer of whoever was first. Raises: NotFound when expired."""
    first = _claim(session, interaction, now=now)
    return _keep(session, ring, interaction, answer) if first else _first_answer(session, ring, interaction)


def _claim(session: Session, interaction: Interaction, *, now: datetime) -> bool:
    claimed = session.execute(_FINISH, {"hash": _hash(interaction.id), "now": now})
    return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]


def _keep(session: Session, ring: KeyRing, interaction: Interaction, answer: str, denied: str | None = None) -> str:
    hashed = _hash(interaction.id)
    sealed = ring.seal(answer, place=f"interaction:{hashed}:answer")
    session.execute(update(InteractionRow).where(InteractionRow.id_hash == hashed).values(answer=sealed, denied=denied))
    return answer


def _first_answer(session: Session, ring: KeyRing, interaction: Interaction) -> str:
    hashed = _hash(interaction.id)
    row = session.execute(_FIND, {"hash": hashed}).one_or_none()
    if row is None or row.answer is None:
        raise NotFound("This page has expired. Please start again.", detail="interaction")
    return ring.open(row.answer, place=f"interaction:{hashed}:answer")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def requirement(context: Context, interaction: Interaction, signed_in: SignedIn | None = None) -> Requirement:
    """What this paused request needs, measured from its beginning, so that no re-prompt can loop."""
    if interaction.request is None:
        since = interaction.created_at if interaction.fresh else None
        return Requirement(aal=interaction.aal or Aal.AAL1, ial=interaction.ial, login_after=since)
    need: Requirement = _of(interaction.request).requirement(
        context, interaction.request, signed_in, since=interaction.created_at
    )
    return need


def facts(context: Context, interaction: Interaction, signed_in: SignedIn | None) -> Facts:
    """What is there."""
    there: Facts = _of(interaction.request).facts(context, interaction.request, signed_in, since=interaction.created_at)
    return there


def _of(request: AuthorizeRequest | None) -> Any:
    """The verbs of a clinician's launch, or of a citizen's request: two rooms that never stand for one another."""
    return treating if request is not None and request.launch is not None else authorizing


def undecided(context: Context, interaction: Interaction, signed_in: SignedIn) -> tuple[str, ...]:
    """The purposes that wait for this person's answer, in the order asked."""
    return facts(context, interaction, signed_in).missing


def at_once(context: Context, request: AuthorizeRequest, signed_in: SignedIn | None) -> Conclusion | None:
    """Answer a request that needs nobody: all is there, or prompt=none forbids asking. None: begin an interaction."""
    of, seen = _of(request), {}
    if of is authorizing and signed_in is not None:  # nothing is written before the grant, so one look is enough
        seen = {"found": authorizing.looked_up(context, request, signed_in)}
    need = of.requirement(context, request, signed_in, since=context.now, **seen)
    prompt = next_prompt(need, of.facts(context, request, signed_in, since=context.now, **seen))
    if prompt is None and signed_in is not None:
        return _grant(context, request, signed_in, **seen)
    if "none" in request.prompt:
        return _refuse(context, request, signed_in, silent_error(prompt or Prompt.LOGIN), "prompt_none")
    return None


def conclude(context: Context, interaction: Interaction, signed_in: SignedIn) -> Conclusion:
    """Finish: start the grant on what stands and issue the code, once; a second tap gets the first one's answer.

    Raises: NotAllowed(code="unfinished") when something is still to be asked; NotFound when expired.
    """
    request = interaction.request
    if request is None:
        raise NotAllowed("Nothing waits for this.", code="unfinished")
    if not _claim(context.session, interaction, now=context.now):
        return Conclusion(_first_answer(context.session, context.ring, interaction), granted=True, reason="repeated")
    need = requirement(context, interaction, signed_in)
    if next_prompt(need, facts(context, interaction, signed_in)) is not None:
        raise NotAllowed("Something is still to be answered.", code="unfinished")
    end = _grant(context, request, signed_in)
    _keep(context.session, context.ring, interaction, end.location, None if end.granted else end.reason)
    return end


def deny(
    context: Context, interaction: Interaction, signed_in: SignedIn | None, *, reason: str = "cancelled"
) -> Conclusion:
    """Finish with access_denied, or its sibling where a level was essential: they turned back, or cannot go on."""
    request = interaction.request
    if request is None:
        raise NotAllowed("Nothing waits for this.", code="unfinished")
    if not _claim(context.session, interaction, now=context.now):
        return Conclusion(_first_answer(context.session, context.ring, interaction), granted=False, reason="repeated")
    end = _refuse(context, request, signed_in, authorizing.given_up(context, request, signed_in), reason)
    _keep(context.session, context.ring, interaction, end.location, reason)
    return end


def _grant(context: Context, request: AuthorizeRequest, signed_in: SignedIn, **seen: Any) -> Conclusion:
    of = _of(request)
    if of.is_wrong_person(context, request, signed_in):
        return _refuse(context, request, signed_in, "login_required", "wrong_person")
    code, reason = of.grant(context, request, signed_in, **seen)
    if code is None:
        return _refuse(context, request, signed_in, "access_denied", reason)
    return Conclusion(provider.success_redirect(context, request, code=code), granted=True, reason=reason)


def _refuse(
    context: Context, request: AuthorizeRequest, signed_in: SignedIn | None, error: str, reason: str
) -> Conclusion:
    log.append(
        context.session,
        "authz.denied",
        now=context.now,
        actor=log.Actor.client(request.client_id),
        subject_id=None if signed_in is None else signed_in.subject_id,
        client_id=request.client_id,
        codes=[error],
        outcome="denied",
        reason=reason,
    )
    return Conclusion(provider.error_redirect(context, request, error, reason), granted=False, reason=reason)


def purge(session: Session, *, now: datetime) -> int:
    """Delete what has expired; how many."""
    gone = session.execute(delete(InteractionRow).where(InteractionRow.expires_at < now))
    return int(gone.rowcount)  # type: ignore[attr-defined]
