"""The end of a consent by its subject. Only `idp.withdrawal` calls this: tokens and letters belong to the same act."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import records, standings
from consent.errors import NotAllowed
from consent.models import ConsentRecord

REASONS = frozenset({"", "not_needed", "no_trust", "by_mistake", "other"})


def withdraw(
    session: Session, record_id: UUID, *, subject_id: UUID, actor_id: UUID, reason: str | None, now: datetime
) -> ConsentRecord:
    """End what stands under the record's key, at once and without conditions (PDPA s.19); returns what was ended.

    If a newer record replaced this one, the newer is ended: the citizen's no is about the purpose. If nothing stands
    any more, nothing is written and the record comes back. `reason` is a code of REASONS; any other text is kept as
    `other`, because a withdrawal is never refused over its reason.

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
            )
            return ended
    raise standings.lost_the_race(key)
