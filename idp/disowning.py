"""The story of "this was not me": the code of a notice is typed → what was done since is undone, SMS rests a day.

Whoever holds the code read a message to the person; it proves no more than that. So it opens nothing, and what it takes
away cannot be replaced by a code alone either: until a card, ThaID or a counter has shown who it is, nobody adds a way
in to an account that was left without one (RELIABILITY 3: lock the path, never the person).
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from consent.audit import log
from consent.family import links
from consent.rights import cases, transferring
from consent.rights.clocks import Kind
from idp import alerts, recovery, signing_out
from idp.alerts import Notice
from idp.keys import KeyRing
from idp.login import removal
from idp.settings import Settings

SMS_RESTS = timedelta(hours=24)
HARMLESS = frozenset(
    {
        "erasure_asked",
        "export_made",
        "level_changed",
        "phone_changed",
        "phone_change_started",
        "recovery_done",
        "recovery_started",
        "rights_entered",
        "transfer_asked",
        "ward_acted",
        "ward_copy",
        "ward_erasure",
    }
)


def disown(session: Session, ring: KeyRing, settings: Settings, typed: str, *, now: datetime) -> Notice | None:
    """Take the change of a notice back by its code, once; the notice, or None for a code that opens nothing.

    Ends what was signed in since the change, with all that was granted there; takes away the ways in that were added
    since; stops a recovery that waits, if codes still may (`recovery.cancel`); no code by SMS for 24 hours. Appends
    alert.disowned.
    """
    code = alerts.typed(typed)
    notice = alerts.take_back(session, ring, code, now=now) if code else None
    if notice is None:
        return None
    person = notice.subject_id
    signing_out.since(session, ring, settings, subject_id=person, since=notice.at, now=now)
    gone: frozenset[str] = frozenset()
    if notice.kind not in HARMLESS:
        gone = removal.added_since(session, person, since=notice.at, now=now)
    recovery.cancel(session, person, now=now, reason="disowned", by_code=True)
    _keep_the_data(session, notice, now=now)
    alerts.freeze_sms(session, person, until=now + SMS_RESTS, adding_since=now if gone else None)
    log.append(
        session,
        "alert.disowned",
        now=now,
        actor=log.Actor.citizen(person),
        subject_id=person,
        codes=(f"change:{notice.kind}", *(f"removed:{one}" for one in sorted(gone))),
    )
    return notice


def _keep_the_data(session: Session, notice: Notice, *, now: datetime) -> None:
    """Nobody asked for an erasure, or for their data to be sent away, after all."""
    if notice.kind == "transfer_asked":
        transferring.take_back_all(session, notice.subject_id, now=now)
    people = [notice.subject_id] if notice.kind == "erasure_asked" else []
    if notice.kind == "ward_erasure":
        people = [link.ward_id for link in links.of_guardian(session, notice.subject_id, now=now)]
    for person in people:
        for one in cases.of_subject(session, person):
            if one.state == "open" and one.kind == Kind.erasure:
                cases.take_back(session, one.id, subject_id=person, actor_id=notice.subject_id, now=now)
