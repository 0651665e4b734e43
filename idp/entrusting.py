"""A chosen helper at a counter (THAI.md 3b, R7): for somebody who has no phone of their own, before two officers.

The person's face was compared with their card in a case of the counter. The officer makes the code, the helper types it
on their own phone and says yes, the person hears the words and agrees, and a second officer signs that they did.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit.log import Actor
from consent.errors import NotAllowed
from consent.family import invitations, links
from consent.family.helping import Wanted
from consent.family.invitations import Invitation, Officers
from consent.family.links import Link
from consent.family.rules import Kind
from consent.notices import Notice
from idp import family, four_eyes, representatives, subjects
from idp.desk_cases import Case
from idp.keys import KeyRing
from idp.readings import Desk
from idp.representatives import Hand
from idp.settings import Settings

ACT, CHANNEL = "helper", "counter"


def invite(session: Session, ring: KeyRing, case: Case, wanted: Wanted, *, desk: Desk, now: datetime) -> str:
    """The code, for the person of this case. Raises: NotAllowed as `representatives.invite`, or "own_case", "order"."""
    return representatives.invite(session, ring, wanted, person_id=_person(case, desk), officer=desk.person_id, now=now)


def waiting(session: Session, case: Case, *, desk: Desk, now: datetime) -> Invitation | None:
    """What waits for the yes of the person of this case."""
    return invitations.of_ward(session, _person(case, desk), now=now)


def ready(session: Session, case: Case, asked: Invitation, *, now: datetime) -> bool:
    """Whether a colleague has signed since the helper said yes: a signature of before does not count."""
    return asked.accepted_at is not None and four_eyes.signed(session, case.id, ACT, now=now, since=asked.accepted_at)


def agree(
    session: Session, ring: KeyRing, case: Case, asked: Invitation, *, notice: Notice, desk: Desk, now: datetime
) -> Link:
    """The person agreed before both officers: the consent, with its witness, and the link.

    Raises: NotAllowed("second_person") without a colleague's signature, or by one of the two people; "own_case" where
    the officer is one of them; else as `representatives.agree`.
    """
    person_id = _person(case, desk)
    if asked.guardian_id == desk.person_id:
        raise NotAllowed("Nobody enters themselves.", code="own_case")
    since = asked.accepted_at
    second = four_eyes.take(session, case.id, ACT, asked_by=desk.person_id, now=now, since=since) if since else None
    if second is None or second in (asked.ward_id, asked.guardian_id):
        raise NotAllowed("A colleague has to sign this.", code="second_person")
    level = subjects.level_now(session, desk.person_id, now=now).value
    told: dict[str, Any] = {"hand": Hand("", CHANNEL, (desk.aal.value, level)), "notice": notice, "now": now}
    told["officers"] = Officers(desk.person_id, second, desk.place.hcode, case.id, desk.codes)
    return representatives.agree(session, ring, asked.id, person_id=person_id, **told)


def helpers(session: Session, case: Case, *, desk: Desk, now: datetime) -> list[Link]:
    """Who helps the person of this case now."""
    return [one for one in links.of_ward(session, _person(case, desk), now=now) if one.kind == Kind.helper]


def end(
    session: Session, ring: KeyRing, settings: Settings, case: Case, link_id: UUID, *, desk: Desk, now: datetime
) -> None:
    """The person says that somebody shall help them no longer. One officer is enough: a no is as easy as anything.

    The log says that it was an officer, and where. Raises: NotFound for what is no helper of theirs.
    """
    link = representatives.own(session, link_id, _person(case, desk))
    ended = links.end(session, link.id, by=Actor.staff(desk.person_id), reason="ended", now=now)
    if ended is not None:
        family.over(session, ring, settings, ended, by=desk.person_id, office=desk.codes, now=now)


def turn_down(session: Session, case: Case, *, desk: Desk, now: datetime) -> None:
    """The person wants no helper, or begins anew; nothing where nothing waits. Appends helper.turned_down."""
    asked = waiting(session, case, desk=desk, now=now)
    if asked is not None:
        invitations.turn_down(session, asked, by=asked.ward_id, officer=desk.person_id, now=now)


def _person(case: Case, desk: Desk) -> UUID:
    if case.subject_id is None or not case.ial:
        raise NotAllowed("Compare the face first.", code="order")
    if case.subject_id == desk.person_id:
        raise NotAllowed("Nobody enters themselves.", code="own_case")
    return case.subject_id
