"""Requests that come on paper: at a counter with the card in the reader, or by post (PDPA s.30; the draft rules).

Nobody needs a telephone to use a right. The clock runs from the day when the paper came, what showed who asks is noted,
the person is told, reads it all on their own page, and the answer leaves by the way that the request came.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.choices import SELF
from consent.errors import NotAllowed
from consent.family import links, rules
from consent.family.links import Link
from consent.family.rules import Kind as Relation
from consent.family.rules import Needed, Say
from consent.rights import cases
from consent.rights.asked import COUNTER, POST, Paper
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase
from idp import alerts, family, rights, subjects
from idp.keys import KeyRing
from idp.readings import Desk
from idp.visits import Visit

OLDEST_PAPER = timedelta(days=365)
TITLES = frozenset({"นาย", "นาง", "นางสาว", "น.ส.", "ด.ช.", "ด.ญ.", "mr.", "mrs.", "ms.", "miss", "mr", "mrs", "ms"})
GLUED = ("นางสาว", "นาย", "นาง", "ด.ช.", "ด.ญ.")  # in Thai a title stands at the name without a blank


def enter(
    session: Session,
    ring: KeyRing,
    kind: Kind,
    *,
    subject_id: UUID,
    words: str,
    paper: Paper,
    now: datetime,
    actor_id: UUID | None = None,
) -> RightsCase:
    """Write down what an identified person asked at a counter or by post; its clock runs from when it came.

    The person is told by every way, so whoever was not meant can say so; an erasure by post of somebody whom nothing
    reaches is held until another officer has found them. Appends dsar.opened, dsar.held. Raises: NotAllowed with a
    code of `cases.open_case`, or `own_case`, `words`, `too_long`, and `received_at` for a letter of more than a
    year ago.
    """
    if paper.entered_by == subject_id:
        raise NotAllowed("Nobody handles a request of their own.", code="own_case")
    if not words.strip():
        raise NotAllowed("Write what they ask for.", code="words")
    if not now - OLDEST_PAPER <= paper.received_at:
        raise NotAllowed("That is too long ago.", code="received_at")
    by = Actor.staff(paper.entered_by)
    case, new = rights.open_or_add(
        session, ring, kind, words.strip(), subject_id=subject_id, by=by, actor_id=actor_id, paper=paper, now=now
    )
    if new:
        told = "erasure_asked" if kind is Kind.erasure else "rights_entered"
        alerts.tell(session, ring, subject_id=subject_id, kind=told, now=now)
    if new and kind is Kind.erasure:
        _tell_guardians(session, ring, subject_id, now=now)
        if paper.channel == POST and not alerts.reaches(session, ring, subject_id):
            cases.hold(session, case.id, reason="unreachable", by=by, now=now)
    return case


def beside(session: Session, ring: KeyRing, visit: Visit, *, now: datetime) -> tuple[Needed, tuple[Link, ...]]:
    """Whose word counts at a counter (PDPA s.20), and who may stand beside the person."""
    needed = family.who(session, ring, visit.subject_id, now=now)
    found = links.of_ward(session, visit.subject_id, now=now) if needed is not Needed.self_alone else []
    return needed, tuple(one for one in found if one.kind != Relation.helper)


def at_counter(
    session: Session,
    ring: KeyRing,
    visit: Visit,
    kind: Kind,
    *,
    words: str,
    signer: str,
    desk: Desk,
    now: datetime,
) -> RightsCase:
    """Write down what somebody asks whose card opened this visit. `signer`: `self`, or who stands beside a ward.

    From ten years on a ward asks alone for a right: it opens nothing and ends nothing by itself. What a guardian cannot
    ask for on their own pages (a copy or an erasure for who is ten or older) they cannot here. Appends dsar.opened.
    Raises: NotAllowed with a code of `enter`, or `visit_over`, `signer`, `ward_alone`.
    """
    needed, found = beside(session, ring, visit, now=now)
    link = next((one for one in found if str(one.id) == signer), None)
    if not visit.runs_at(now):
        raise NotAllowed("This visit is over.", code="visit_over")
    if link is None and (signer != SELF or needed is Needed.guardian_alone):
        raise NotAllowed("Say who asks.", code="signer")
    if link is not None and link.guardian_id == desk.person_id:
        raise NotAllowed("Nobody handles a request of their own.", code="own_case")
    if link is not None and rules.say(needed, link.kind, rights.deed_of(kind)) is Say.never:
        raise NotAllowed("The person asks for this alone.", code="ward_alone")
    paper = Paper(COUNTER, now, "card", desk.person_id)
    actor = None if link is None else link.guardian_id
    whose = visit.subject_id
    return enter(session, ring, kind, subject_id=whose, words=words, paper=paper, actor_id=actor, now=now)


def sent(session: Session, case_id: UUID, *, way: str, by: UUID, now: datetime) -> RightsCase:
    """The answer left on paper. Raises: as `cases.sent`, and as `rights.handled`."""
    rights.handled(session, case_id, by=by)
    return cases.sent(session, case_id, way=way, by=Actor.staff(by), now=now)


def find_person(session: Session, ring: KeyRing, number: str, name: str, *, by: UUID, now: datetime) -> UUID | None:
    """Whose letter it is, by the number and the name that it states; both must be those of one living account.

    For who opens letters: an officer learns nothing by trying, because a wrong name sounds like a wrong number, and
    each try is an entry of theirs (dsar.looked_up).
    """
    found = subjects.find_by_national_id(session, ring, number)
    profile = None if found is None or found.data_key is None else subjects.profile(session, ring, found.id)
    known = profile is not None and spoken_name(name) in {spoken_name(profile.name(locale)) for locale in ("th", "en")}
    outcome = "ok" if known else "denied"
    person = found.id if known and found is not None else None
    log.append(session, "dsar.looked_up", now=now, actor=Actor.staff(by), subject_id=person, outcome=outcome)
    return person


def spoken_name(name: str) -> str:
    """PURE: a name as it is compared: no title, no matter how it is spaced or spelt in capitals."""
    words = name.casefold().replace(".", ". ").split()
    bare = " ".join(word for word in words if word not in TITLES)
    return next((bare.removeprefix(title).strip() for title in GLUED if bare.startswith(title)), bare)


def _tell_guardians(session: Session, ring: KeyRing, ward_id: UUID, *, now: datetime) -> None:
    """Everybody who decides alone for this person: any of them stops an erasure, with the code too."""
    needed = family.who(session, ring, ward_id, now=now)
    for link in links.of_ward(session, ward_id, now=now):
        if rules.sees_all(needed, link.kind):
            alerts.tell(session, ring, subject_id=link.guardian_id, kind="ward_erasure", now=now)
