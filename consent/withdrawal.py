"""The end of a consent by its subject. Only `idp.withdrawal` calls this: tokens and letters belong to the same act."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from consent import notices, purposes, reach, records, standings
from consent.db import InsertOnce
from consent.errors import NotAllowed
from consent.models import ConsentNotice, ConsentRecord, ConsentUndo, ConsentUse, ConsentWithdrawal
from consent.notices import Notice
from consent.records import Choice

REASONS = frozenset({"", "not_needed", "no_trust", "by_mistake", "other", "kind", "guardian_ended", "counter"})
HELPER = "PROXY"
UNDO_WITHIN = timedelta(seconds=60)
REST = "rest"  # the channel of what is left after one kind of data was taken back
UNDO = "undo"
_undo_once = InsertOnce(ConsentUndo)


@dataclass(frozen=True)
class Shrunk:
    """One kind of data was taken back: what ended, what runs on in its place, and the scopes that are gone."""

    ended: ConsentRecord
    rest: ConsentRecord | None
    removed: tuple[str, ...]


def withdraw(
    session: Session,
    record_id: UUID,
    *,
    subject_id: UUID,
    actor_id: UUID,
    reason: str | None,
    now: datetime,
    office: Sequence[str] = (),
) -> ConsentRecord:
    """End what stands under the record's key, at once and without conditions (PDPA s.19); returns what was ended.

    If a newer record replaced this one, the newer is ended: the citizen's no is about the purpose. If nothing stands
    any more, nothing is written and the record comes back. `reason` is a code of REASONS; any other text is kept as
    `other`, because a withdrawal is never refused over its reason. `office`: as `records.end`.

    Raises: NotFound if unknown or another's; NotAllowed(code="not_withdrawable") for what rests on no consent;
    Conflict if others kept moving the key.
    """
    record = records.get(session, record_id, subject_id=subject_id)
    if record.kind == "notice":
        raise NotAllowed(
            "This use does not rest on your consent.", detail=f"{record.purpose=}", code="not_withdrawable"
        )
    key = records.key_of(record)
    for _ in range(standings.ATTEMPTS):
        here = standings.look(session, key)
        if here is None or here.state != "given" or here.record_id is None:
            return record
        if standings.move(session, key, here, state="withdrawn", basis=here.basis, record_id=here.record_id, now=now):
            ended = records.get(session, here.record_id, subject_id=subject_id)
            code = reason or ""
            records.end(
                session,
                ended,
                actor_id=actor_id,
                reason=code if code in REASONS else "other",
                move=standings.number(here),
                now=now,
                office=office,
            )
            return ended
    raise standings.lost_the_race(key)


def take_back_kind(
    session: Session, record_id: UUID, kind: str, *, subject_id: UUID, actor_id: UUID, now: datetime
) -> Shrunk | None:
    """End one kind of data under a running consent; the rest runs on to the same day, at the levels it was given at.

    A scope that may open the kind goes with it. None: nothing ran, or it never had this kind. Raises: as `withdraw`.
    """
    held = _standing_record(session, records.get(session, record_id, subject_id=subject_id))
    if held is None or kind not in held.categories.split():
        return None
    purpose = purposes.get(held.purpose)
    ended = withdraw(session, held.id, subject_id=subject_id, actor_id=actor_id, reason="kind", now=now)
    left = reach.without(purpose, ended.scopes.split(), kind)
    kinds = tuple(one for one in reach.of_scopes(purpose, left) if one in ended.categories.split() and one != kind)
    removed = tuple(scope for scope in ended.scopes.split() if scope not in left)
    if not left or not kinds or ended.expires_at <= now:
        return Shrunk(ended, None, tuple(ended.scopes.split()))
    choice = _again(session, ended, channel=REST, aal=ended.aal, ial=ended.ial, scopes=left, categories=kinds, now=now)
    return Shrunk(ended, records.give(session, choice, now=now), removed)


def may_undo(session: Session, record: ConsentRecord, *, now: datetime, actor_id: UUID | None = None) -> str | None:
    """Why a withdrawal can no longer be taken back, as a code; None while it can. `actor_id`: who, if not the subject.

    `too_late`, `replaced` (something newer stands), `of_others` (it took more than this one's own yes, or another took
    it back), `uses` (some were spent), `notice_changed`.
    """
    by, withdrawal = actor_id or record.subject_id, session.get(ConsentWithdrawal, record.id)
    here = standings.look(session, records.key_of(record))
    uses = select(func.count()).where(ConsentUse.record_id == record.id)
    newest = select(func.max(ConsentNotice.version)).where(
        ConsentNotice.purpose == record.purpose, ConsentNotice.locale == record.locale
    )
    late = withdrawal is None or now - withdrawal.withdrawn_at > UNDO_WITHIN or record.expires_at <= now
    against = (
        ("too_late", late),
        ("replaced", here is None or here.state != "withdrawn" or here.record_id != record.id),
        ("replaced", session.get(ConsentUndo, record.id) is not None),
        ("of_others", record.actor_id != by or record.co_actor_id is not None),
        ("of_others", record.purpose == HELPER),  # a helper said yes as well, and their part has ended with it
        ("of_others", actor_id is not None and withdrawal is not None and withdrawal.actor_id != actor_id),
        ("uses", record.max_uses is not None and bool(session.scalar(uses))),
        ("notice_changed", session.scalar(newest) != record.notice_version),
    )
    return next((code for code, true in against if true), None)


def undo(
    session: Session,
    record_id: UUID,
    *,
    subject_id: UUID,
    aal: str,
    ial: str,
    now: datetime,
    actor_id: UUID | None = None,
    not_after: datetime | None = None,
) -> ConsentRecord | None:
    """Agree again to what was just withdrawn, in the words answered before: a new consent to the same day.

    `actor_id`: who answered for the subject and withdrew (PDPA s.20), whose power ends at `not_after`.
    None: another tap was faster. Raises: NotFound; NotAllowed(code=…) with a code of `may_undo`, or as `records.give`
    when this sign-in is too weak to agree.
    """
    ended = records.get(session, record_id, subject_id=subject_id)
    why = may_undo(session, ended, now=now, actor_id=actor_id)
    if why is not None:
        raise NotAllowed("This can no longer be taken back here.", detail=f"{why=}", code=why)
    if not _undo_once(session, {"record_id": ended.id, "undone_at": now}):
        return None
    again = _again(session, ended, now=now, channel=UNDO, aal=aal, ial=ial, not_after=not_after)
    return records.give(session, again, now=now)


def _standing_record(session: Session, record: ConsentRecord) -> ConsentRecord | None:
    """The consent that runs under the same key, if one does."""
    here = standings.look(session, records.key_of(record))
    if here is None or here.state != "given" or here.record_id is None:
        return None
    return records.get(session, here.record_id, subject_id=record.subject_id)


def _again(session: Session, ended: ConsentRecord, *, now: datetime, **changed: Any) -> Choice:
    """The same answer, but for what changed; to the same day, in the words that were answered."""
    words = notices.shown(session, ended.notice_sha256)
    notice = Notice(ended.notice_id, ended.purpose, ended.notice_version, ended.locale, words, ended.notice_sha256)
    same = {one.name: getattr(ended, one.name) for one in fields(Choice) if getattr(ended, one.name, None) is not None}
    lists = {"scopes": tuple(ended.scopes.split()), "categories": tuple(ended.categories.split())}
    own = {"key": records.key_of(ended), "notice": notice, "lives_for": ended.expires_at - now}
    return Choice(**{**same, **lists, **own, **changed})
