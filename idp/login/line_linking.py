"""LINE as a linked channel: linked by somebody who was proved here before, good for AAL1, and taken off again.

Linking is no proof: LINE says who holds an account of LINE, not who the person is. So it comes after our own proofing
(THAI.md 1a row 13), and whoever links, links their own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import Conflict
from idp import alerts, subjects
from idp.assurance import Ial
from idp.contact import line_links
from idp.keys import KeyRing
from idp.ports import UpstreamRefused, UpstreamUnavailable
from idp.providers import LineLogin
from idp.subjects import age_on

LEAST_IAL = Ial.IAL1_2  # above what a typed number alone gives
OF_AGE = 20  # Civil and Commercial Code s.19, as everywhere somebody signs in
CHANNEL = ("channel:line",)
Linked = Literal["linked", "taken", "too_low"]
Entered = Literal["unlinked", "closed"]


@dataclass(frozen=True)
class Unknown:
    """LINE said nothing that can be believed: why, for the person; and the check that failed, for the log."""

    problem: Literal["unavailable", "failed"]
    code: str


def ask(line: LineLogin, code: str, *, nonce: str, verifier: str, redirect_uri: str, now: datetime) -> str | Unknown:
    """The LINE user id that the code stands for. Outside any transaction."""
    try:
        return line.redeem(code, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri, now=now)
    except UpstreamUnavailable as failure:
        return Unknown("unavailable", failure.code)
    except UpstreamRefused as refusal:
        return Unknown("failed", refusal.code)


def link(session: Session, ring: KeyRing, *, subject_id: UUID, ial: Ial, user_id: str, now: datetime) -> Linked:
    """Link a LINE account that its holder has just shown. Appends link.created; tells the person where they are known.

    `ial` is the level that stands now. "taken": this LINE account, or this person, is linked already. Raises: Conflict
    when another request linked either at the same moment; nothing was written then.
    """
    if ial < LEAST_IAL:
        return "too_low"
    if line_links.of(session, subject_id) is not None or line_links.is_linked(session, ring, user_id):
        return "taken"
    # Told before: the LINE account that comes in must not be among those that hear the code of "this was not me".
    alerts.tell(session, ring, subject_id=subject_id, kind="line_linked", now=now)
    if not line_links.add(session, ring, subject_id=subject_id, user_id=user_id, now=now):
        raise Conflict("This LINE account was linked a moment ago.", detail=f"{subject_id=}")
    _note(session, "link.created", subject_id, now=now)
    return "linked"


def unlink(session: Session, ring: KeyRing, *, subject_id: UUID, now: datetime) -> bool:
    """Take it off, once; whether there was one. Appends link.removed; the last message there says so."""
    if line_links.of(session, subject_id) is None:
        return False
    alerts.tell(session, ring, subject_id=subject_id, kind="line_removed", now=now)  # before: LINE hears it, too
    if not line_links.remove(session, subject_id, now=now):
        return False
    _note(session, "link.removed", subject_id, now=now)
    return True


def entered(session: Session, ring: KeyRing, user_id: str, *, now: datetime) -> UUID | Entered:
    """Who signs in with this LINE account. Only its holder hears that it is not linked."""
    owner = line_links.owner_of(session, ring, user_id, now=now)
    if owner is None:
        return "unlinked"
    subject = subjects.get(session, owner)
    if subject.status != "active":
        return "closed"
    age = age_on(subjects.profile(session, ring, owner).birth_date, now)
    return owner if age is not None and age >= OF_AGE else "closed"


def _note(session: Session, event: str, subject_id: UUID, *, now: datetime) -> None:
    log.append(session, event, now=now, actor=Actor.citizen(subject_id), subject_id=subject_id, codes=CHANNEL)
