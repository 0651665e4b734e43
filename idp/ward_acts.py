"""What a guardian does in a ward's name, besides saying yes to a service (PDPA s.20, with s.19 and s.30 to 36).

Each asks anew whose word it is (`wards.need`). Who has a say is told of each act, and may stop it on their own pages.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent import records
from consent.errors import NotAllowed, NotFound
from consent.family import links, rules
from consent.family.rules import Deed, Say, Way, What
from consent.models import ConsentRecord
from consent.refusing import No
from consent.rights import cases
from consent.rights.asked import NOTHING, About
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase
from idp import alerts, complaint_pack, copying, rights, standing_refusals, wards, withdrawal
from idp.keys import KeyRing
from idp.settings import Settings
from idp.wards import Ward, need


def withdraw(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    ward: Ward,
    record_id: UUID,
    *,
    reason: str | None = None,
    now: datetime,
) -> ConsentRecord:
    """End a consent of the ward, and what rests on it. Twice writes nothing the second time. Raises: NotFound."""
    need(ward, Deed.withdraw)
    view = wards.consent(session, ward, record_id, now=now)
    ended = withdrawal.withdraw(
        *(session, ring, settings, record_id),
        subject_id=ward.id,
        actor_id=ward.actor_id,
        reason=reason,
        now=now,
    )
    if view.state == "active":
        _tell_ward(session, ring, ward, Deed.withdraw, now=now)
    return ended


def why_no_undo(session: Session, ward: Ward, record: ConsentRecord, *, now: datetime) -> str | None:
    """Why this guardian cannot agree again with one press, as a code: what two signed, two sign anew."""
    if rules.way(ward.who, ward.link.kind, What.consent) is not Way.alone:
        return "of_others"
    return withdrawal.may_undo(session, record, now=now, actor_id=ward.actor_id)


def undo(session: Session, ward: Ward, record_id: UUID, *, aal: str, ial: str, now: datetime) -> ConsentRecord | None:
    """It was a slip: a new consent of the ward's by this guardian, in the same words, while their power lasts.

    None: another tap was faster. Raises: NotFound; NotAllowed(code=…) as `consent.withdrawal.undo`.
    """
    record = records.get(session, record_id, subject_id=ward.id)
    why = why_no_undo(session, ward, record, now=now)
    if why is not None:
        raise NotAllowed("This can no longer be taken back here.", detail=f"{why=}", code=why)
    return withdrawal.undo(
        *(session, record_id),
        subject_id=ward.id,
        actor_id=ward.actor_id,
        not_after=ward.link.ends_at,
        aal=aal,
        ial=ial,
        now=now,
    )


def refuse(session: Session, ring: KeyRing, ward: Ward, no: No, *, aal: str, now: datetime) -> UUID:
    """Refuse something in general for the ward; its id.

    Raises: NotFound for a level that is not theirs to name; NotAllowed as `consent.refusing.object_to`.
    """
    need(ward, Deed.refuse)
    if no.level not in ward.levels:
        raise NotFound("We could not find that.", detail=f"{no.level=}")
    made = standing_refusals.make(session, ring, no, subject_id=ward.id, actor_id=ward.actor_id, aal=aal, now=now)
    _tell_ward(session, ring, ward, Deed.refuse, now=now)
    return made


def lift(session: Session, ring: KeyRing, ward: Ward, refusal_id: UUID, *, now: datetime) -> bool:
    """End one, so that what was agreed to counts again. False: it was over.

    Raises: NotFound for one that this guardian does not see; NotAllowed(code="of_others") for one that they do not end.
    """
    need(ward, Deed.refuse)
    found = next(
        (one for one in wards.refusals(session, ring, ward, now=now) if one.view.refusal.id == refusal_id), None
    )
    if found is None:
        raise NotFound("We could not find that refusal.", detail="refusal")
    if not wards.may_lift(session, ward, found.view.actor_id, now=now):
        raise NotAllowed("Whoever made this refusal lifts it.", code="of_others")
    lifted = standing_refusals.lift(session, refusal_id, subject_id=ward.id, actor_id=ward.actor_id, now=now)
    if lifted:
        _tell_ward(session, ring, ward, Deed.refuse, now=now)
    return lifted


def ask(
    session: Session,
    ring: KeyRing,
    ward: Ward,
    kind: Kind,
    *,
    words: str,
    about: About = NOTHING,
    now: datetime,
) -> RightsCase:
    """Ask for something about the ward's data; its clock runs. An erasure is told to everybody who acts for the ward.

    Raises: NotFound for what is the ward's own to ask, or about what is not to be seen; NotAllowed as `rights.ask`.
    """
    need(ward, rights.deed_of(kind))
    if about.entry is not None:
        wards.line(session, ward, about.entry)
    if about.record is not None:
        wards.consent(session, ward, about.record, now=now)
    case = rights.ask(
        *(session, ring, kind), subject_id=ward.id, actor_id=ward.actor_id, words=words, about=about, now=now
    )
    if case.opened_at == now and kind is Kind.erasure:
        _tell_guardians(session, ring, ward, "ward_erasure", now=now)
    _tell_ward(session, ring, ward, rights.deed_of(kind), now=now)
    return case


def take_back(session: Session, ward: Ward, case_id: UUID, *, now: datetime) -> None:
    """No answer is needed any more. Twice changes nothing. Raises: NotFound."""
    case = cases.own(session, case_id, subject_id=ward.id)
    if wards.may_stop(ward, case):
        cases.take_back(session, case_id, subject_id=ward.id, actor_id=ward.actor_id, now=now)
    elif case.actor_id != ward.actor_id and not ward.sees_all:
        raise NotFound("We could not find that request.", detail="rights_case of a ward")


def copy(session: Session, ring: KeyRing, ward: Ward, *, now: datetime) -> dict[str, Any]:
    """Everything that we hold about the ward (s.30), but for what others wrote in their name. All guardians are told.

    Raises: NotFound for a ward who asks for it alone.
    """
    need(ward, Deed.open)
    document = copying.make(session, ring, ward.id, actor_id=ward.actor_id, now=now)
    own = {str(one.id) for one in cases.of_subject(session, ward.id) if one.actor_id == ward.actor_id}
    for row in document["held"].get("rights_case", ()):
        if str(row["id"]) not in own:
            row.pop("words", None)
            row.pop("answer", None)
    _tell_guardians(session, ring, ward, "ward_copy", now=now)
    return document


def papers(session: Session, ring: KeyRing, settings: Settings, ward: Ward, case_id: UUID, *, now: datetime) -> bytes:
    """What a guardian needs for a complaint about a request that they made (s.73), as a ZIP. All guardians are told.

    Raises: NotFound for another's request, and for a ward who asks for such papers alone.
    """
    need(ward, Deed.open)
    if cases.own(session, case_id, subject_id=ward.id).actor_id != ward.actor_id:
        raise NotFound("We could not find that request.", detail="rights_case of a ward")
    content = complaint_pack.make(
        *(session, ring, settings, case_id), subject_id=ward.id, actor_id=ward.actor_id, now=now
    )
    _tell_guardians(session, ring, ward, "ward_copy", now=now)
    return content


def _tell_ward(session: Session, ring: KeyRing, ward: Ward, deed: Deed, *, now: datetime) -> None:
    if ward.say(deed) is Say.seen:
        alerts.tell(session, ring, subject_id=ward.id, kind="ward_acted", now=now)


def _tell_guardians(session: Session, ring: KeyRing, ward: Ward, kind: str, *, now: datetime) -> None:
    """Everybody who decides alone for this ward, the one who acts too: their phone may be in other hands."""
    for link in links.of_ward(session, ward.id, now=now):
        if rules.sees_all(ward.who, link.kind):
            alerts.tell(session, ring, subject_id=link.guardian_id, kind=kind, now=now)
