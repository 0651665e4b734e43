"""A guardianship at a counter (THAI.md 3b, R7): both people proved, the paper seen, signed by two officers.

The guardian stands at the counter, their face compared with their card in a case of the counter. The ward is found by
their number: in our accounts, or in the register, which must attest who they are. What a first officer writes down lets
nobody do anything; a second one signs with their own passkey, and then it begins.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from uuid import UUID

from sqlalchemy.orm import Session

from consent.errors import NotAllowed
from consent.family import links, rules
from consent.family.links import Evidence, Link, Officer
from consent.family.models import Guardianship
from consent.family.rules import Kind, Needed, Term
from idp import alerts, family, four_eyes, representatives, subjects
from idp.assurance import Ial
from idp.desk_cases import Case
from idp.keys import KeyRing
from idp.ports import RegistryPerson
from idp.readings import Desk
from idp.settings import Settings
from idp.subjects import PersonSealer, Subject

ACT = "guardianship"
LEAST = Ial.IAL1_3  # of both: card data checked
AT_COUNTERS = ("parent", "guardian", "curator")
PAPERS: dict[str, tuple[str, ...]] = {
    "parent": ("house_register", "birth_certificate", "court_order"),
    "guardian": ("court_order",),
    "curator": ("court_order",),
}


@dataclass(frozen=True)
class Ward:
    """For whom: the number and the name in Thai as the paper has them, and the register's entry where we hold none."""

    number: str
    name: str
    person: RegistryPerson | None = None

    def is_called(self, given: str, family_name: str) -> bool:
        """PURE: whether somebody of this name is meant, however it is spaced."""
        return "".join(self.name.split()) == "".join(f"{given}{family_name}".split())


@dataclass(frozen=True)
class Seen:
    """What the first officer wrote down."""

    kind: str
    paper: str
    reference: str
    order_until: date | None
    sha256: str | None = None


def refusal(
    *,
    guardian: UUID,
    ward: UUID,
    officer: UUID,
    guardian_ial: Ial,
    guardian_age: int | None,
    guardian_decides: bool,
    ward_ial: Ial,
    ward_age: int | None,
    ward_active: bool,
    seen: Seen,
    term: Term | None,
) -> str | None:
    """PURE: why nobody may act for this ward on what was seen, as a code, or None."""
    against = (
        ("same_person", guardian == ward),
        ("own_case", officer in (guardian, ward)),
        ("kind", seen.kind not in AT_COUNTERS),
        ("paper", seen.paper not in PAPERS.get(seen.kind, ())),
        ("reference", not seen.reference.strip()),
        ("guardian_level", guardian_ial < LEAST),
        ("guardian_age", guardian_age is None or guardian_age < rules.OF_AGE),
        ("guardian_ward", not guardian_decides),
        ("ward_closed", not ward_active),
        ("ward_level", ward_ial < LEAST),
        ("age_unknown", seen.kind == Kind.parent and ward_age is None),
        ("of_age", seen.kind == Kind.parent and ward_age is not None and ward_age >= rules.OF_AGE),
        ("order_over", term is None),
    )
    return next((code for code, true in against if true), None)


def draw_up(
    session: Session,
    ring: KeyRing,
    case: Case,
    *,
    ward: Ward,
    seen: Seen,
    desk: Desk,
    now: datetime,
) -> UUID:
    """Write down what the first officer saw, about the person of this case and the ward of this number and name.

    A ward without an account gets one, without a way to sign in. Raises: NotAllowed with a code of `refusal`, "order"
    before the face was compared, or "unknown": the same for a number that nobody knows and for another name, so that
    a number alone tells an officer nothing.
    """
    if case.subject_id is None or not case.ial:
        raise NotAllowed("Compare the face first.", code="order")
    subject = _ward(session, ring, ward, now=now)
    born = subjects.profile(session, ring, subject.id).birth_date
    years = rules.age(born, now)
    term = rules.term(seen.kind, born, order_until=seen.order_until, now=now)
    why = refusal(
        guardian=case.subject_id,
        ward=subject.id,
        officer=desk.person_id,
        guardian_ial=Ial(case.ial),
        guardian_age=rules.age(case.shown.birth_date, now),
        guardian_decides=family.who(session, ring, case.subject_id, now=now) is Needed.self_alone,
        ward_ial=subjects.level(subject.ial, subject.ial_expires_at, now),
        ward_age=years,
        ward_active=subject.status == "active",
        seen=seen,
        term=term,
    )
    if why is not None or term is None:
        raise NotAllowed("Nobody may act for this person on this.", detail=f"{why=}", code=why or "order_over")
    kinds = frozenset({seen.kind, *(link.kind for link in links.of_ward(session, subject.id, now=now))})
    return links.draw_up(
        session,
        ward_id=subject.id,
        guardian_id=case.subject_id,
        kind=seen.kind,
        needed=rules.needed(years, kinds),
        term=term,
        evidence=Evidence(seen.paper, seen.reference, seen.sha256),
        officer=Officer(desk.person_id, desk.place.hcode, case.id),
        sealer=PersonSealer(ring, session),
        now=now,
    )


def waiting(session: Session, case: Case, *, desk: Desk, now: datetime) -> Guardianship | None:
    """What this officer wrote down in this case and nobody has confirmed."""
    return links.drawn_up(session, case.id, given_by=desk.person_id, now=now)


def signed(session: Session, case: Case, drawn: Guardianship, *, now: datetime) -> bool:
    """Whether a colleague's signature for exactly this lies ready: one for what was written before does not count."""
    return four_eyes.signed(session, case.id, ACT, now=now, since=drawn.drawn_up_at)


def confirm(session: Session, ring: KeyRing, settings: Settings, case: Case, *, desk: Desk, now: datetime) -> Link:
    """Let it begin: what was written down last, with the signature of a second officer. Both people are told.

    An older guardianship of the same two ends by it, with the tokens that hang on it; what was agreed under it goes
    on to its own end, as long as one of the two runs. Whom a court protects has chosen helpers no longer, and is
    nobody's. Raises: NotAllowed("second_person") without a signature for what stands here now, or by one of the two
    people; "order" when there is nothing to confirm.
    """
    drawn = waiting(session, case, desk=desk, now=now)
    if drawn is None:
        raise NotAllowed("There is nothing to confirm.", code="order")
    second = four_eyes.take(session, case.id, ACT, asked_by=desk.person_id, now=now, since=drawn.drawn_up_at)
    if second is None or second in (drawn.ward_id, drawn.guardian_id):
        raise NotAllowed("A colleague has to sign this.", code="second_person")
    if drawn.kind in (Kind.guardian, Kind.curator):
        representatives.end_all(session, ring, settings, drawn.ward_id, now=now)
    older = [one for one in links.of_ward(session, drawn.ward_id, now=now) if one.guardian_id == drawn.guardian_id]
    link = links.confirm(session, drawn.id, second_by=second, codes=desk.codes, now=now)
    if link is None:
        raise NotAllowed("There is nothing to confirm.", code="order")
    for one in older:
        family.renewed(session, one, now=now)
    for person_id in (link.ward_id, link.guardian_id):
        alerts.tell(session, ring, subject_id=person_id, kind="guardian_added", now=now)
    return link


def _ward(session: Session, ring: KeyRing, ward: Ward, *, now: datetime) -> Subject:
    known = subjects.find_by_national_id(session, ring, ward.number)
    person = ward.person if known is None else subjects.profile(session, ring, known.id)
    if person is None or not ward.is_called(person.given_name_th, person.family_name_th):
        raise NotAllowed("Nobody is known by this number and name.", code="unknown")
    if known is not None:
        return known
    return subjects.create(session, ring, ward.number, cast("RegistryPerson", ward.person), now=now)
