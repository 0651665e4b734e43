"""A question with all that decides it, as it is at this moment: standings, standing refusals, visits and guardians.

One statement for who refuses nothing in general and answers for themselves; what else is needed is read only then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import purposes as catalogue
from consent import refusing, standings
from consent.decision import (
    EVERYTHING,
    NOBODY,
    About,
    Asker,
    Capacity,
    Emergency,
    Question,
    Recipient,
    RollOut,
    Standing,
    Verdict,
    decide,
)
from consent.purposes import Kind
from consent.specificity import StandingRefusal, topics_of


@dataclass(frozen=True)
class Rooms:
    """What other rooms know. Without them an answer tied to a visit, or one in other hands, permits nothing."""

    visit_runs: Callable[[Session, UUID, datetime], bool] | None = None
    capacity: Callable[[Session, UUID, datetime], Capacity | None] | None = None
    place_open: Callable[[Session, UUID, str, datetime], bool] | None = None


NO_ROOMS = Rooms()


@dataclass(frozen=True)
class Looked:
    """Where the purposes of one person stand, and the question about each."""

    subject_id: UUID
    standings: dict[str, Standing]
    questions: dict[str, Question]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The decision on each purpose."""
        return {code: self.verdict(code) for code in self.questions}

    def verdict(self, code: str, *, notice_changed: bool = False, values_changed: bool = False) -> Verdict:
        """The decision on one purpose, for somebody who is being asked now."""
        question = replace(self.questions[code], notice_changed=notice_changed, values_changed=values_changed)
        return decide(question, self.standings.get(code))


def look(
    session: Session,
    *,
    subject_id: UUID,
    recipient: Recipient,
    purposes: Sequence[str],
    aal: str | None,
    ial: str | None,
    now: datetime,
    holder: str = standings.ANY_HOLDER,
    scopes: Mapping[str, Sequence[str]] | None = None,
    asker: Asker = NOBODY,
    about: About = EVERYTHING,
    emergency: Emergency | None = None,
    rooms: Rooms = NO_ROOMS,
) -> Looked:
    """Everything that `decide` needs about these purposes. Nothing is written.

    `scopes` are what would be used under each purpose: they name the sensitive topics that it is about (rule 10).
    Raises: NotFound for a purpose outside the catalogue.
    """
    codes = tuple(dict.fromkeys(purposes))
    stand = standings.standings(
        session, subject_id=subject_id, recipient_id=recipient.id, purposes=codes, holder=holder
    )
    refusals = _refusals(session, subject_id, codes, stand)
    is_open = _roll_out_open(session, recipient, asker, rooms, now=now)
    questions = {}
    for code in codes:
        own = stand.get(code)
        questions[code] = Question(
            catalogue.get(code),
            recipient,
            aal,
            ial,
            now,
            refusals=refusals,
            asker=asker,
            about=_topical(about, (scopes or {}).get(code, ())),
            capacity=_capacity(session, own, rooms, now=now),
            emergency=emergency,
            visit_runs=_visit_runs(session, own, rooms, now=now),
            roll_out_open=is_open,
        )
    return Looked(subject_id, stand, questions)


def _refusals(
    session: Session, subject_id: UUID, codes: Sequence[str], stand: Mapping[str, Standing]
) -> tuple[StandingRefusal, ...]:
    """Every purpose of a person needs a standing but those of systems; so a standing says whether there are any."""
    unknown = any(catalogue.get(code).kind is Kind.SYSTEM for code in codes)
    if not unknown and not any(one.refuses for one in stand.values()):
        return ()
    return refusing.running(session, subject_id)


def _roll_out_open(session: Session, recipient: Recipient, asker: Asker, rooms: Rooms, *, now: datetime) -> bool:
    """Of a recipient that takes part in some places only, the place counts where it is known, like its licence."""
    if recipient.roll_out is not RollOut.partly or not asker.hcode or rooms.place_open is None:
        return recipient.roll_out is not RollOut.closed
    return rooms.place_open(session, recipient.id, asker.hcode, now)


def _visit_runs(session: Session, standing: Standing | None, rooms: Rooms, *, now: datetime) -> bool | None:
    if standing is None or standing.visit_id is None or rooms.visit_runs is None:
        return None
    return rooms.visit_runs(session, standing.visit_id, now)


def _capacity(session: Session, standing: Standing | None, rooms: Rooms, *, now: datetime) -> Capacity | None:
    if standing is None or standing.guardianship_id is None or rooms.capacity is None:
        return None
    return rooms.capacity(session, standing.guardianship_id, now)


def _topical(about: About, scopes: Sequence[str]) -> About:
    topics = topics_of(scopes)
    return replace(about, topics=tuple(dict.fromkeys((*about.topics, *topics)))) if topics else about
