"""The story of who acts for whom: what their yes is worth, the second signature, and the end of it all (PDPA s.20).

The rules are `consent.family.rules`; here they meet people: ages from sealed birth dates, tokens, letters and messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import notices, purposes, records
from consent.audit.log import Actor
from consent.errors import NotAllowed, NotFound
from consent.family import cosigning, links, rules
from consent.family.cosigning import Proposal
from consent.family.links import Link
from consent.family.rules import Kind, Needed, Way, What
from consent.models import ConsentRecord
from consent.purposes import Purpose
from consent.records import Choice
from idp import alerts, hands, signing_out, subjects, withdrawal
from idp.assurance import Aal
from idp.hands import SELF
from idp.keys import KeyRing
from idp.oauth import grants
from idp.settings import Settings

BESIDE = (Kind.parent, Kind.curator)  # whose signature stands beside a ward's own
BY_THE_CLOCK = Actor.system("idp")
CHANNEL = "web"


@dataclass(frozen=True)
class Signature:
    """Who signs now, and how surely we know it."""

    person_id: UUID
    aal: Aal


def who(session: Session, ring: KeyRing, person_id: UUID, *, now: datetime) -> Needed:
    """Whose signature a consent of this person needs now: by their age in Bangkok, and who a court put beside them."""
    born = subjects.profile(session, ring, person_id).birth_date
    return rules.needed(
        rules.age(born, now), frozenset(link.kind for link in links.of_ward(session, person_id, now=now))
    )


def may_sign_in(session: Session, person_id: UUID, birth_date: str, *, now: datetime) -> bool:
    """Whether somebody under 20 may have a sign-in of their own: from 10 on, while a parent stands beside them."""
    years = rules.age(birth_date, now)
    if years is None or years < rules.OWN_SAY:
        return False
    return any(link.kind == Kind.parent for link in links.of_ward(session, person_id, now=now))


def is_shut_out(session: Session, ring: KeyRing, person_id: UUID, *, now: datetime) -> bool:
    """Whether this person is under 20 with no parent beside them: they sign in to nothing until there is one."""
    born = subjects.profile(session, ring, person_id).birth_date
    years = rules.age(born, now)
    return years is not None and years < rules.OF_AGE and not may_sign_in(session, person_id, born, now=now)


def ways(
    session: Session,
    ring: KeyRing,
    ward_id: UUID,
    *,
    link: Link | None,
    codes: Sequence[tuple[Purpose, str]],
    now: datetime,
) -> dict[str, Way]:
    """What a yes is worth, of the person or of who acts under this link, for each purpose with its basis."""
    needed = who(session, ring, ward_id, now=now)
    return {purpose.code: hands.way(needed, link, purpose, basis) for purpose, basis in codes}


def stand_beside(session: Session, ward_id: UUID, *, now: datetime) -> list[Link]:
    """Those whose signature counts beside this person's own."""
    return [link for link in links.of_ward(session, ward_id, now=now) if link.kind in BESIDE]


def answer(session: Session, ring: KeyRing, choice: Choice, *, now: datetime) -> ConsentRecord | Proposal:
    """One yes: the consent, or the proposal that waits for the second signature; whoever is waited for is told.

    Raises: NotAllowed(code="capacity") for a yes that is not theirs to give; else as `records.give`.
    """
    purpose = purposes.get(choice.key.purpose)
    link = hands.of_choice(session, choice, now=now)
    needed = who(session, ring, choice.key.subject_id, now=now)
    worth = hands.way(needed, link, purpose, choice.basis)
    if worth is Way.never:
        raise NotAllowed("This is not yours to agree to.", detail=f"{purpose.code=} {needed=}", code="capacity")
    if worth is Way.alone:
        return records.give(session, choice if link is None else replace(choice, not_after=link.ends_at), now=now)
    waiting = cosigning.open_at(session, choice.key, now=now)
    beside = link or hands.running(session, waiting.guardianship_id if waiting else None, now=now)
    others = stand_beside(session, choice.key.subject_id, now=now)
    if not others:
        raise NotAllowed("Nobody stands beside this person.", detail=f"{purpose.code=}", code="capacity")
    until = beside.ends_at if beside else max(one.ends_at for one in others)
    signed = cosigning.sign(session, replace(choice, not_after=until), until=until, now=now)
    if isinstance(signed, Proposal):
        asked = [choice.key.subject_id] if link else [one.guardian_id for one in others]
        for person_id in asked:
            alerts.tell(session, ring, subject_id=person_id, kind="cosign_wanted", now=now)
    return signed


def inbox(session: Session, person_id: UUID, *, now: datetime) -> list[Proposal]:
    """What waits for this person's signature: as the ward, or as one who stands beside a ward."""
    own = [one for one in cosigning.of_ward(session, person_id, now=now) if one.signed_by != person_id]
    beside = [link.ward_id for link in links.of_guardian(session, person_id, now=now) if link.kind in BESIDE]
    theirs = [one for ward in beside for one in cosigning.of_ward(session, ward, now=now) if one.capacity == SELF]
    return [*own, *theirs]


def signed_by(session: Session, person_id: UUID, *, now: datetime) -> list[Proposal]:
    """What this person has signed and another has not."""
    wards = {person_id, *(link.ward_id for link in links.of_guardian(session, person_id, now=now))}
    found = [one for ward in wards for one in cosigning.of_ward(session, ward, now=now)]
    return [one for one in found if one.signed_by == person_id]


def cosign(session: Session, ring: KeyRing, proposal_id: UUID, *, by: Signature, now: datetime) -> ConsentRecord:
    """The second signature, from the inbox. Older and wider answers under the same key end as with any new answer.

    Raises: NotFound for what does not wait for this person; NotAllowed(code="notice") when the words have changed
    since (call `outdated`), `capacity`, or a level's code.
    """
    waiting = _for_me(session, proposal_id, by.person_id, now=now)
    notice = cosigning.words(session, waiting)
    if notice is None:
        raise NotAllowed("The words have changed. Please begin again at the service.", code="notice")
    choice = _choice(session, waiting, notice, by=by, now=now)
    if rules.way(who(session, ring, waiting.ward_id, now=now), choice.capacity, What.consent) is Way.never:
        raise NotAllowed("This is not yours to agree to.", code="capacity")
    record = cosigning.complete(session, waiting, choice, now=now)
    withdrawal.narrow(session, record, now=now)
    return record


def outdated(session: Session, proposal_id: UUID, *, by: Signature, now: datetime) -> bool:
    """Whether nobody can sign this any more because its words have changed; then it waits no longer."""
    waiting = _for_me(session, proposal_id, by.person_id, now=now)
    if cosigning.words(session, waiting) is not None:
        return False
    cosigning.outdate(session, waiting, by=by.person_id, now=now)
    return True


def decline(
    session: Session, ring: KeyRing, settings: Settings, proposal_id: UUID, *, by: Signature, now: datetime
) -> None:
    """The other says no: that no is remembered, and stands whoever says yes later (PDPA s.20)."""
    waiting = _for_me(session, proposal_id, by.person_id, now=now)
    words = waiting.notice(notices.shown(session, waiting.notice_sha256))
    refuse(session, ring, settings, _choice(session, waiting, words, by=by, now=now), now=now)


def refuse(session: Session, ring: KeyRing, settings: Settings, choice: Choice, *, now: datetime) -> None:
    """A no of either: it is remembered, what one of two had signed waits no longer, and a consent that ran ends."""
    hands.check_helper(session, choice, now=now)
    waiting = cosigning.open_at(session, choice.key, now=now)
    if waiting is not None:
        cosigning.decline(session, waiting, by=choice.actor_id, now=now)
    refusal = records.refuse(session, choice, now=now)
    if refusal.ended_record_id is not None:
        ended = records.get(session, refusal.ended_record_id, subject_id=choice.key.subject_id)
        withdrawal.tell(session, ring, settings, ended, now=now)


def take_back(session: Session, proposal_id: UUID, *, person_id: UUID, now: datetime) -> None:
    """Whoever signed first does not want it any more. Raises: NotFound."""
    waiting = cosigning.find(session, proposal_id, now=now)
    if waiting.signed_by != person_id:
        raise NotFound("We could not find that.", detail="proposal")
    cosigning.decline(session, waiting, by=person_id, taken_back=True, now=now)


def end(session: Session, ring: KeyRing, settings: Settings, link_id: UUID, *, person_id: UUID, now: datetime) -> None:
    """Either of the two ends it: tokens end at the next request, what was agreed under it is withdrawn, both are told.

    Twice changes nothing. A ward under 10 cannot sign in, and a court's guardian is ended by the court's word at a
    counter, or by the guardian. Raises: NotFound; NotAllowed(code="court") for a ward under a court's order.
    """
    link = links.own(session, link_id, person_id)
    if person_id == link.ward_id and link.kind in (Kind.guardian, Kind.curator):
        raise NotAllowed("What a court has ordered ends by a court.", code="court")
    ended = links.end(session, link_id, by=Actor.citizen(person_id), reason="ended", now=now)
    if ended is not None:
        over(session, ring, settings, ended, by=person_id, now=now)


def over(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    link: Link,
    *,
    by: UUID,
    now: datetime,
    office: Sequence[str] = (),
) -> None:
    """What hung on a guardianship that somebody ended just now: grants, consents with their letters, proposals.

    `by`: one of the two, or an officer, with the codes of their `office`.
    """
    _let_go(session, ring, settings, link, reason="guardian_ended", by=by, now=now)
    for record_id in links.answers_under(session, link):
        withdrawal.withdraw(
            *(session, ring, settings, record_id),
            subject_id=link.ward_id,
            actor_id=by,
            reason="guardian_ended",
            now=now,
            office=office,
        )
    for person_id in (link.ward_id, link.guardian_id):
        alerts.tell(session, ring, subject_id=person_id, kind="guardian_ended", now=now)


def renewed(session: Session, older: Link, *, now: datetime) -> None:
    """A newer guardianship of the same two has begun: what was granted under the older one is asked for anew."""
    grants.end_for_guardianship(session, older.id, reason="guardian_ended", now=now)


def sweep(session: Session, ring: KeyRing, settings: Settings, *, now: datetime) -> int:
    """Write down the ends that the clock has made, and tell both; how many.

    Nothing waits for this: whoever asks meanwhile is refused by the clock itself.
    """
    count = 0
    for link in links.over_by_the_clock(session, now=now):
        if links.end(session, link.id, by=BY_THE_CLOCK, reason=link.ends_by, now=now) is None:
            continue
        reason = "of_age" if link.ends_by == "of_age" else "guardian_ended"
        _let_go(session, ring, settings, link, reason=reason, by=None, now=now)
        ward_hears = "turned_twenty" if link.ends_by == "of_age" else "guardian_ended"
        alerts.tell(session, ring, subject_id=link.ward_id, kind=ward_hears, now=now)
        alerts.tell(session, ring, subject_id=link.guardian_id, kind="guardian_ended", now=now)
        count += 1
    return count


def _let_go(
    session: Session, ring: KeyRing, settings: Settings, link: Link, *, reason: str, by: UUID | None, now: datetime
) -> None:
    grants.end_for_guardianship(session, link.id, reason=reason, now=now)
    if stand_beside(session, link.ward_id, now=now):
        return
    cosigning.end_of_power(session, link.ward_id, by=by, now=now)
    if is_shut_out(session, ring, link.ward_id, now=now):
        signing_out.everywhere(session, ring, settings, subject_id=link.ward_id, now=now)


def _for_me(session: Session, proposal_id: UUID, person_id: UUID, *, now: datetime) -> Proposal:
    found = next((one for one in inbox(session, person_id, now=now) if one.id == proposal_id), None)
    if found is None:
        raise NotFound("We could not find that.", detail="proposal")
    return found


def _choice(session: Session, waiting: Proposal, notice: notices.Notice, *, by: Signature, now: datetime) -> Choice:
    """The second one's answer to what waits, in the capacity in which they may give it."""
    mine = None
    if by.person_id != waiting.ward_id:
        beside = links.of_guardian(session, by.person_id, now=now)
        mine = next(one for one in beside if one.ward_id == waiting.ward_id and one.kind in BESIDE)
    first = hands.running(session, waiting.guardianship_id, now=now)
    link = mine or first
    if link is None:
        raise NotAllowed("You may not act for this person any more.", code="capacity")
    subject = subjects.get(session, by.person_id)
    return Choice(
        key=waiting.key,
        client_id=waiting.client_id,
        actor_id=by.person_id,
        notice=notice,
        scopes=waiting.scopes,
        categories=waiting.categories,
        basis=waiting.basis,
        explicit=True,
        aal=by.aal.value,
        ial=subjects.level(subject.ial, subject.ial_expires_at, now).value,
        channel=CHANNEL,
        lives_for=waiting.lives_for,
        capacity=SELF if mine is None else mine.kind,
        guardianship_id=None if mine is None else mine.id,
        not_after=link.ends_at,
    )
