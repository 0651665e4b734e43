"""The story of a request about one's data: words are sealed, a case is opened, the answer is told (PDPA s.30-36, s.73).

What a case is and how long it may take stands in `consent.rights`. Here it meets people: their keys, their phones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit.log import Actor
from consent.db import new_id
from consent.errors import NotAllowed
from consent.family import links
from consent.family.rules import Deed
from consent.receipts import grouped, spelt
from consent.rights import cases, clocks
from consent.rights.asked import NOTHING, REVIEW, About, Paper
from consent.rights.clocks import Clock, Kind
from consent.rights.models import RightsCase
from idp import alerts, subjects
from idp.keys import KeyRing
from idp.people import PersonSealer

LONGEST_WORDS = 2000
NUMBER_LETTERS, NUMBER_BITS = 8, 40
STRONG = frozenset({Kind.erasure})  # asked for only by who just used two factors
DEEDS: Mapping[Kind, Deed] = {Kind.access: Deed.open, Kind.portability: Deed.open, Kind.erasure: Deed.erase}


@dataclass(frozen=True)
class Seen:
    """A case for a page, with its clock; texts are opened only for who may read them."""

    case: RightsCase
    number: str
    clock: Clock
    days_left: int
    words: str = ""
    answer: str = ""


def deed_of(kind: Kind) -> Deed:
    """PURE: what a request of this kind does, where somebody asks for a ward (PDPA s.20)."""
    return DEEDS.get(kind, Deed.ask)


def ask(
    session: Session,
    ring: KeyRing,
    kind: Kind,
    *,
    subject_id: UUID,
    now: datetime,
    words: str = "",
    about: About = NOTHING,
    actor_id: UUID | None = None,
) -> RightsCase:
    """Open the person's request, or add the words to the same one that is open already. Appends dsar.opened.

    `actor_id`: who asks in the person's name (PDPA s.20); the caller has looked whether they may. Raises:
    NotAllowed(code=…): `too_long`, `too_many`, `about` for a line or a consent that is not this person's (the caller
    has looked); NotFound for an unknown person.
    """
    other = None if actor_id == subject_id else actor_id
    by = Actor.citizen(other or subject_id)
    case, new = open_or_add(
        session, ring, kind, words, subject_id=subject_id, by=by, about=about, actor_id=other, now=now
    )
    if new and kind is Kind.erasure:
        alerts.tell(session, ring, subject_id=subject_id, kind="erasure_asked", now=now)
    return case


def open_or_add(
    session: Session,
    ring: KeyRing,
    kind: Kind,
    words: str,
    *,
    subject_id: UUID,
    by: Actor,
    now: datetime,
    about: About = NOTHING,
    actor_id: UUID | None = None,
    paper: Paper | None = None,
) -> tuple[RightsCase, bool]:
    """The case with these words in it, and whether it is new. Who asks, and how they are known, the caller has looked.

    Raises: NotAllowed(code="too_long"), and as `cases.open_case`; NotFound for an unknown person.
    """
    if len(words) > LONGEST_WORDS:
        raise NotAllowed("Please say it shorter.", code="too_long")
    subjects.get(session, subject_id)
    case_id = new_id()
    case = cases.open_case(
        session,
        kind,
        subject_id=subject_id,
        by=by,
        words=_sealed(session, ring, words, owner=subject_id, field=field_of(case_id, "words")) if words else None,
        about=about,
        case_id=case_id,
        actor_id=actor_id,
        paper=paper,
        now=now,
    )
    if case.id == case_id:
        return case, True
    earlier = _opened(session, ring, case, case.words, "words")
    if not words or words in earlier:
        return case, False
    joined = f"{earlier}\n\n{words}".strip()[-LONGEST_WORDS:]
    return cases.add_words(session, case.id, _seal(session, ring, case, "words", joined)), False


def open_emergency_case(session: Session, *, patient_id: UUID, emergency_id: UUID, by: UUID, now: datetime) -> UUID:
    """A reviewer did not find an emergency access justified: a case of the patient's, opened by us. Its id."""
    about = About(emergency=emergency_id)
    case = cases.open_case(
        session, Kind.emergency, subject_id=patient_id, by=Actor.staff(by), about=about, channel=REVIEW, now=now
    )
    return case.id


def extend(session: Session, ring: KeyRing, case_id: UUID, *, reason: str, by: UUID, now: datetime) -> RightsCase:
    """Put a case off, and tell the person. Raises: as `cases.extend`, and as `handled`."""
    handled(session, case_id, by=by)
    case = cases.extend(session, case_id, reason=reason, by=Actor.staff(by), now=now)
    _tell(session, ring, case, "rights_extended", now=now)
    return case


def hold(session: Session, case_id: UUID, *, reason: str, by: UUID, now: datetime) -> RightsCase:
    """Write down what keeps the data for now.

    Raises: as `cases.hold`, and as `handled`; NotAllowed(code="colleague") to who entered the letter of somebody whom
    nothing reaches: another officer says that they were found.
    """
    case = handled(session, case_id, by=by)
    if case.hold == "unreachable" and reason != case.hold and case.entered_by == by:
        raise NotAllowed("Another officer says that the person was found.", code="colleague")
    return cases.hold(session, case_id, reason=reason, by=Actor.staff(by), now=now)


def answer(session: Session, ring: KeyRing, case_id: UUID, *, words: str, by: UUID, now: datetime) -> RightsCase:
    """Answer a case with words to the person, and tell them. An erasure is not answered, it is done (`idp.erasure`).

    Raises: NotAllowed(code=…): `words` without any, `too_long`, `erasure`; as `handled`; Conflict when answered.
    """
    case = handled(session, case_id, by=by)
    if case.kind == Kind.erasure.value:
        raise NotAllowed("An erasure is done, or refused with a reason.", code="erasure")
    if not words.strip():
        raise NotAllowed("Write what was done.", code="words")
    sealed = _sealed_answer(session, ring, case, words)
    case = cases.answer(session, case_id, words=sealed, by=Actor.staff(by), now=now)
    _tell(session, ring, case, "rights_answered", now=now)
    return case


def refuse(
    session: Session, ring: KeyRing, case_id: UUID, *, reason: str, words: str, by: UUID, now: datetime
) -> RightsCase:
    """Refuse a case with a reason of the closed list; the reason is recorded and told (s.30, s.39(7)).

    Raises: NotAllowed(code=…): `reason`, `too_long`; as `handled`; Conflict when answered.
    """
    case = handled(session, case_id, by=by)
    sealed = _sealed_answer(session, ring, case, words) if words.strip() else None
    case = cases.refuse(session, case_id, reason=reason, words=sealed, by=Actor.staff(by), now=now)
    _tell(session, ring, case, "rights_answered", now=now)
    return case


def handled(session: Session, case_id: UUID, *, by: UUID) -> RightsCase:
    """The case, if this officer may handle it. Raises: NotFound; NotAllowed(code="own_case") for one's own."""
    case = cases.get(session, case_id)
    if by in (case.subject_id, case.actor_id):
        raise NotAllowed("Nobody handles a request of their own.", code="own_case")
    return case


def read(session: Session, ring: KeyRing, case_id: UUID, *, by: UUID, now: datetime) -> Seen:
    """A case with the words of its person, for the officer who handles it: the look is an entry (dsar.read)."""
    handled(session, case_id, by=by)
    case = cases.looked(session, case_id, by=Actor.staff(by), now=now)
    return _opened_case(session, ring, case, now=now)


def own(session: Session, ring: KeyRing, case_id: UUID, *, subject_id: UUID, now: datetime) -> Seen:
    """The person's own case, with their words and our answer. Raises: NotFound."""
    return _opened_case(session, ring, cases.own(session, case_id, subject_id=subject_id), now=now)


def seen(found: Sequence[RightsCase], *, now: datetime) -> list[Seen]:
    """Cases for a list: nobody's words are opened."""
    return [_seen(case, now=now) for case in found]


def number(case_id: UUID) -> str:
    """PURE: a case's number, to say and to type; it is no secret and no name."""
    return grouped(spelt(case_id.int & ((1 << NUMBER_BITS) - 1), NUMBER_LETTERS))


def _seen(case: RightsCase, *, now: datetime) -> Seen:
    clock = clocks.stands(case.due_at, answered_at=case.closed_at, now=now)
    return Seen(case, number(case.id), clock, max(0, (case.due_at - now).days))


def _opened_case(session: Session, ring: KeyRing, case: RightsCase, *, now: datetime) -> Seen:
    flat = _seen(case, now=now)
    words = _opened(session, ring, case, case.words, "words")
    return replace(flat, words=words, answer=_opened(session, ring, case, case.answer, "answer"))


def _sealed_answer(session: Session, ring: KeyRing, case: RightsCase, words: str) -> bytes:
    if len(words) > LONGEST_WORDS:
        raise NotAllowed("Please say it shorter.", code="too_long")
    return _seal(session, ring, case, "answer", words.strip())


def _seal(session: Session, ring: KeyRing, case: RightsCase, part: str, words: str) -> bytes:
    return _sealed(session, ring, words, owner=case.subject_id, field=field_of(case.id, part))


def _sealed(session: Session, ring: KeyRing, words: str, *, owner: UUID, field: str) -> bytes:
    return PersonSealer(ring, session).seal(words, owner=owner, field=field)


def _opened(session: Session, ring: KeyRing, case: RightsCase, sealed: bytes | None, part: str) -> str:
    """The text; "" where there is none any more, or the person was erased."""
    if not sealed:
        return ""
    try:
        return PersonSealer(ring, session).open(sealed, owner=case.subject_id, field=field_of(case.id, part))
    except KeyError:
        return ""


def field_of(case_id: UUID, part: str) -> str:
    """Where a text of a case is bound to; `part` is `words` or `answer`."""
    return f"rights:{case_id}:{part}"


def tell_actor(session: Session, ring: KeyRing, case: RightsCase, *, now: datetime) -> None:
    """Who asked in the person's name hears that there is an answer; who acts no longer hears nothing any more."""
    acting = {link.guardian_id for link in links.of_ward(session, case.subject_id, now=now)}
    if case.actor_id in acting:
        alerts.tell(session, ring, subject_id=case.actor_id, kind="ward_answered", now=now)


def _tell(session: Session, ring: KeyRing, case: RightsCase, kind: str, *, now: datetime) -> None:
    """By every way that reaches them; of somebody whose account is shut there may be none left."""
    tell_actor(session, ring, case, now=now)
    if subjects.get(session, case.subject_id).data_key is not None:
        alerts.tell(session, ring, subject_id=case.subject_id, kind=kind, now=now)
