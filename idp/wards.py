"""For whom a guardian acts now, and what of their ward's they see (PDPA s.20); `ward_acts` has what they do.

Whose word each deed is stands in `consent.family.rules.say`; here it meets people. Nothing is remembered: the power is
read anew at each look, and what it does not cover is not found.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from consent import records, refusing
from consent.audit import log
from consent.audit.entry import Entry
from consent.db import table_of
from consent.errors import NotFound
from consent.family import links, rules
from consent.family.links import Link
from consent.family.rules import Deed, Kind, Needed, Say
from consent.models import ConsentRecord
from consent.records import ConsentView
from consent.rights import cases
from consent.rights import clocks as requests
from consent.rights.models import RightsCase
from consent.specificity import Level
from idp import family, proxies, rights, standing_refusals
from idp.keys import KeyRing
from idp.people import PersonSealer
from idp.standing_refusals import Line

BLIND = (Level.facility, Level.unit, Level.period, Level.topic)  # named without looking into anybody's history
_R = table_of(ConsentRecord).c
_SIGNED = select(_R.id).where(
    _R.subject_id == bindparam("ward"), or_(_R.actor_id == bindparam("hand"), _R.co_actor_id == bindparam("hand"))
)


@dataclass(frozen=True)
class Ward:
    """For whom somebody acts now. `who`: whose signature the ward's consents need."""

    link: Link
    who: Needed

    @property
    def id(self) -> UUID:
        """The ward."""
        return self.link.ward_id

    @property
    def actor_id(self) -> UUID:
        """The one who acts."""
        return self.link.guardian_id

    @property
    def sees_all(self) -> bool:
        """Whether everything about the ward is shown, or only what this guardian signed or did."""
        return rules.sees_all(self.who, self.link.kind)

    @property
    def levels(self) -> tuple[Level, ...]:
        """What a refusal in general may name: of somebody with a say, nothing that shows where they have been."""
        return tuple(Level) if self.sees_all else BLIND

    def say(self, deed: Deed) -> Say:
        """Whose word this is."""
        return rules.say(self.who, self.link.kind, deed)

    def may(self, deed: Deed) -> bool:
        """Whether this guardian does it at all."""
        return self.say(deed) is not Say.never


def find(session: Session, ring: KeyRing, link_id: UUID, *, guardian_id: UUID, now: datetime) -> Ward:
    """For whom this person acts under this link now.

    Raises: NotFound, the same for an unknown link, another's, one that is over, a closed account and a chosen helper's
    (what a helper may do is the person's choice, and stands elsewhere).
    """
    proxy = proxies.running(session, link_id, guardian_id=guardian_id, now=now)
    if proxy is None or proxy.kind == Kind.helper:
        raise NotFound("We could not find that.", detail="ward")
    return Ward(proxy.link, family.who(session, ring, proxy.patient_id, now=now))


def need(ward: Ward, deed: Deed) -> Say:
    """That this guardian does this; whose word it is. Raises: NotFound for what is the ward's own."""
    if not ward.may(deed):
        raise NotFound("We could not find that.", detail=f"{ward.who=} {deed=}")
    return ward.say(deed)


def signed(session: Session, ward: Ward) -> frozenset[UUID]:
    """The ward's records that this guardian signed, running and over."""
    return frozenset(session.scalars(_SIGNED, {"ward": ward.id, "hand": ward.actor_id}))


def consents(session: Session, ward: Ward, *, now: datetime) -> list[ConsentView]:
    """The ward's answers that are this guardian's to see, latest first."""
    views = [view for view in records.for_subject(session, ward.id, now=now) if view.record is not None]
    if ward.sees_all:
        return views
    mine = signed(session, ward)
    return [view for view in views if view.record_id in mine]


def consent(session: Session, ward: Ward, record_id: UUID, *, now: datetime) -> ConsentView:
    """One of them; of one that was replaced what stands in its place. Raises: NotFound."""
    views = {view.record_id: view for view in consents(session, ward, now=now)}
    if record_id in views:
        return views[record_id]
    record = records.get(session, record_id, subject_id=ward.id)
    newer = [one.id for one in records.of_key(session, records.key_of(record)) if one.id in views]
    if not newer:
        raise NotFound("We could not find that.", detail="consent of a ward")
    return views[newer[-1]]


def line(session: Session, ward: Ward, entry_id: UUID) -> Entry:
    """A line of the ward's log that is this guardian's to see. Raises: NotFound."""
    found = log.about(session, entry_id, subject_id=ward.id)
    if found is None or not (ward.sees_all or found.consent_id in signed(session, ward)):
        raise NotFound("We could not find that.", detail="line of a ward")
    return found


def requests_of(session: Session, ward: Ward) -> list[RightsCase]:
    """What was asked for about the ward, newest first: all of it, or what this guardian asked for."""
    return [one for one in cases.of_subject(session, ward.id) if ward.sees_all or one.actor_id == ward.actor_id]


def request(session: Session, ring: KeyRing, ward: Ward, case_id: UUID, *, now: datetime) -> rights.Seen:
    """One of them; what was written and answered is read by who wrote it. Raises: NotFound."""
    found = rights.own(session, ring, case_id, subject_id=ward.id, now=now)
    if found.case.actor_id == ward.actor_id:
        return found
    if not ward.sees_all:
        raise NotFound("We could not find that request.", detail="rights_case of a ward")
    return replace(found, words="", answer="")


def refusals(session: Session, ring: KeyRing, ward: Ward, *, now: datetime) -> list[Line]:
    """What is refused in general for the ward: all of it, or what this guardian refused, without what it stopped."""
    found = standing_refusals.of_person(session, ring, ward.id, now=now)
    if ward.sees_all:
        return found
    mine = signed(session, ward)
    return [
        replace(one, beats=tuple(view for view in one.beats if view.record_id in mine), stopped=0, last_stopped_at=None)
        for one in found
        if one.view.actor_id == ward.actor_id
    ]


def refused_by(session: Session, ring: KeyRing, link: Link) -> bool:
    """Whether this guardian refuses something in general in the ward's name now."""
    views = refusing.of_subject(session, PersonSealer(ring, session), link.ward_id)
    return any(one.actor_id == link.guardian_id and one.lifted_at is None for one in views)


def may_lift(session: Session, ward: Ward, made_by: UUID, *, now: datetime) -> bool:
    """Whether this guardian ends a refusal in general that somebody made for this ward."""
    acting = frozenset(link.guardian_id for link in links.of_ward(session, ward.id, now=now))
    return rules.may_lift(made_by, actor=ward.actor_id, ward=ward.id, acting=acting, alone=ward.sees_all)


def may_stop(ward: Ward, case: RightsCase) -> bool:
    """PURE: whether this guardian ends a request: their own, and any erasure of a ward for whom they decide alone."""
    if case.state != "open":
        return False
    return case.actor_id == ward.actor_id or (ward.sees_all and case.kind == requests.Kind.erasure)
