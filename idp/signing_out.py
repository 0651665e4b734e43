"""The story of signing out from afar, in one transaction: sessions end, what hangs on them ends, services are told.

ASVS 7.4.3 and 7.4.5: after a change, or by the person's own wish, from one device or from all of them.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from idp import signals
from idp.keys import KeyRing
from idp.login import devices
from idp.login import sessions as sign_ins
from idp.oauth import grants
from idp.settings import Settings


def one(session: Session, ring: KeyRing, settings: Settings, id_hash: str, *, subject_id: UUID, now: datetime) -> None:
    """End one of the person's sessions. Raises: NotFound for an unknown one or another person's."""
    told = grants.clients_with(session, subject_id, id_hashes=[id_hash])
    sign_ins.end(session, id_hash, now=now, subject_id=subject_id)
    grants.end_for_session(session, id_hash, now=now)
    signals.sessions_revoked(session, ring, settings, subject_id=subject_id, client_ids=told, now=now)


def everywhere(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    *,
    subject_id: UUID,
    now: datetime,
    kind: str | None = None,
    except_id: str | None = None,
) -> int:
    """End every session of the person, or of one kind, or all but the one they sit at; how many.

    All means all: every device is a new one then, the known ones too.
    """
    ids = [
        row.id_hash
        for row in sign_ins.live(session, subject_id, now=now)
        if row.id_hash != except_id and kind in (None, row.kind)
    ]
    if except_id is None:
        devices.forget_all(session, subject_id)
    return _end(session, ring, settings, subject_id, ids, offline_too=False, now=now)


def since(
    session: Session, ring: KeyRing, settings: Settings, *, subject_id: UUID, since: datetime, now: datetime
) -> int:
    """End what began at `since` or later, with all that was granted in it: it was not the person; how many."""
    ids = sign_ins.made_since(session, subject_id, since=since)
    devices.forget_since(session, subject_id, since=since)
    return _end(session, ring, settings, subject_id, ids, offline_too=True, now=now)


def _end(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    subject_id: UUID,
    ids: Collection[str],
    *,
    offline_too: bool,
    now: datetime,
) -> int:
    told = grants.clients_with(session, subject_id, id_hashes=ids)
    for id_hash in ids:
        sign_ins.end(session, id_hash, now=now)
        grants.end_for_session(session, id_hash, now=now, offline_too=offline_too)
    signals.sessions_revoked(session, ring, settings, subject_id=subject_id, client_ids=told, now=now)
    return len(ids)
