"""One active affiliation a staff session: whoever works in several places says where they work now (THAI 1b, row 10).

Only the choice is kept. Whether the role still runs is asked of the directory at each request.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.errors import NotFound
from idp import directory
from idp.directory import Affiliation
from idp.login.sessions import STAFF, SignedIn, SignInSession

_CHOOSE = (
    update(SignInSession)
    .where(
        SignInSession.id_hash == bindparam("of"),
        SignInSession.kind == STAFF,
        SignInSession.ended_at.is_(None),
    )
    .values(assignment_id=bindparam("chosen"))
    .execution_options(synchronize_session=False)
)


def active(session: Session, signed_in: SignedIn, *, now: datetime) -> Affiliation | None:
    """Where this member of staff works in this session, if the role still runs; None: nothing chosen, or it ended."""
    if signed_in.kind != STAFF or signed_in.assignment_id is None:
        return None
    return _named(directory.affiliations_of(session, signed_in.subject_id, now=now), signed_in.assignment_id)


def choose(session: Session, id_hash: str, subject_id: UUID, assignment_id: UUID, *, now: datetime) -> Affiliation:
    """Make one of the person's own running affiliations the active one of this session. Appends affiliation.chosen.

    Raises: NotFound when it is not theirs, is over, or the session is.
    """
    chosen = _named(directory.affiliations_of(session, subject_id, now=now), assignment_id)
    told = {"of": id_hash, "chosen": assignment_id}
    if chosen is None or session.execute(_CHOOSE, told).rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound("We could not find that workplace.", detail="assignment")
    log.append(
        session,
        "affiliation.chosen",
        now=now,
        actor=log.Actor.staff(subject_id),
        subject_id=subject_id,
        recipient_id=chosen.legal_entity_id,
        codes=(f"hcode:{chosen.hcode}", f"role:{chosen.role}"),
    )
    return chosen


def _named(affiliations: Sequence[Affiliation], assignment_id: UUID) -> Affiliation | None:
    return next((one for one in affiliations if one.id == assignment_id), None)
