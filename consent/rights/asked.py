"""PURE: what somebody asks, about what, by which way it came, and what makes two requests the same."""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.errors import NotAllowed
from consent.rights import clocks
from consent.rights.clocks import Kind

REVIEW = "review"  # opened by us, for the person: no limit on what they ask stands in its way
COUNTER, POST = "counter", "post"
CHANNELS = ("web", COUNTER, POST, REVIEW)  # the draft rules want more ways than the web
ON_PAPER = (COUNTER, POST)
EVIDENCE = ("card", "id_copy", "passport_copy", "power_of_attorney")  # what showed who asks, where no sign-in did


@dataclass(frozen=True)
class About:
    """What a request is about, where it is about one thing: a line of the log, a consent, an emergency access."""

    entry: UUID | None = None
    record: UUID | None = None
    emergency: UUID | None = None


NOTHING = About()


@dataclass(frozen=True)
class Paper:
    """How a request came that nobody made on a page: by which way, when it reached us, and what showed who asks."""

    channel: str
    received_at: datetime
    evidence: str
    entered_by: UUID
    letter_sha256: str | None = None


def key_of(kind: Kind, about: About = NOTHING, actor_id: UUID | None = None) -> str:
    """PURE: what two requests about one person have in common that ask for the same about the same, by one hand.

    What a parent asks and what the young person asks are two requests: neither reads the other's words.
    """
    named = (*astuple(about), *(() if actor_id is None else (actor_id,)))
    return " ".join((kind.value, *("-" if one is None else str(one) for one in named)))


def check(paper: Paper, *, now: datetime) -> None:
    """PURE. Raises: NotAllowed(code=…): `channel`, `evidence`, `received_at` when that lies ahead."""
    if paper.channel not in ON_PAPER:
        raise NotAllowed("Say how the request came.", code="channel")
    if paper.evidence not in EVIDENCE:
        raise NotAllowed("Say what showed who asks.", code="evidence")
    if paper.received_at > now:
        raise NotAllowed("The day when it came lies ahead.", code="received_at")


def columns(kind: Kind, about: About, paper: Paper | None, *, actor_id: UUID | None, now: datetime) -> dict[str, Any]:
    """PURE: what a new case says of all this: its clock runs from now, or from when the paper came."""
    asked_at = now if paper is None else paper.received_at
    row: dict[str, Any] = {
        "about_entry": about.entry,
        "about_record": about.record,
        "same": key_of(kind, about, actor_id),
    }
    row |= {"about_emergency": about.emergency, "state": "open"}
    row |= {"opened_at": asked_at, "due_at": clocks.due(kind, asked_at)}
    if paper is not None:
        row |= {"entered_at": now, "entered_by": paper.entered_by}
        row |= {"evidence": paper.evidence, "letter_sha256": paper.letter_sha256}
    return row
