"""Grants that open nothing for a while, because their person refuses it in general: written for the status lists.

Whoever asks us is answered by the live decision; this is for those who do not ask (`idp.suspending` weighs it).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from consent.db import table_of
from idp.oauth.grants import Grant

OWN_SCOPES = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})

_GRANT = table_of(Grant)
_G = _GRANT.c
_WHOSE = bindparam("subject", type_=_G.subject_id.type)
_ABOUT = (
    select(_G.id, _G.subject_id, _G.recipient_id, _G.scopes, _G.visit_id, _G.suspended_at)
    .where(
        or_(_G.patient_id == _WHOSE, and_(_G.patient_id.is_(None), _G.subject_id == _WHOSE)),
        _G.ended_at.is_(None),
    )
    .order_by(_G.id)
    .with_for_update()
)
_SUSPEND = (
    update(_GRANT).where(_G.id == bindparam("of"), _G.suspended_at.is_(None)).values(suspended_at=bindparam("at"))
)
_RESUME = update(_GRANT).where(_G.id == bindparam("of")).values(suspended_at=None)


def about(session: Session, subject_id: UUID) -> Sequence[Row[*tuple[Any, ...]]]:
    """The running grants that open this person's data, locked: two acts of theirs are weighed one after the other."""
    return session.execute(_ABOUT, {"subject": subject_id}).all()


def suspend(session: Session, grant_id: UUID, *, now: datetime) -> None:
    """Nothing that it opens may be opened now. Its moment stays that of the first time."""
    session.execute(_SUSPEND, {"of": grant_id, "at": now})


def resume(session: Session, grant_id: UUID) -> None:
    """Something of it may be opened again."""
    session.execute(_RESUME, {"of": grant_id})


def for_holders(scopes: Mapping[str, Sequence[str]]) -> list[str]:
    """PURE: the purposes that open data at a holder; the others open UserInfo alone, where we are asked each time."""
    return [code for code, of in scopes.items() if set(of) - OWN_SCOPES]
