"""An adult chooses a helper (catalogue row PROXY): a code, a yes of who typed it, and last the person's own consent.

The consent comes last because it must say to whom: a code that a stranger talked out of somebody shows them a name
they do not know. It is a record like every other, tied to the link by its id: withdrawn anywhere, it ends the link,
and the end of the link withdraws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from consent import history, notices, purposes, records
from consent.audit import log
from consent.audit.entry import Entry
from consent.db import new_id
from consent.errors import NotAllowed, NotFound
from consent.family import helping, invitations, links, rules
from consent.family.helping import PURPOSE, Wanted
from consent.family.invitations import Invitation, Officers
from consent.family.links import Link
from consent.family.rules import Kind, Needed
from consent.history import ConsentView
from consent.notices import Notice
from consent.records import Choice, ConsentRecord, Key
from idp import alerts, directory, family, subjects, withdrawal
from idp.assurance import Ial
from idp.keys import KeyRing
from idp.settings import Settings

WEB, HOLDER = "web", "helper:{link}"
MOST_ENTRIES = 200
EVER = datetime(2000, 1, 1, tzinfo=UTC)
SEEN = frozenset({"token.issued", "introspect", "userinfo.read", "data.opened", "data.refused", "introspect.denied"})


@dataclass(frozen=True)
class Standpoint:
    """What must be known of either of the two: how old, whether they decide alone, and how surely who they are."""

    years: int | None
    decides: bool
    ial: Ial


@dataclass(frozen=True)
class Hand:
    """How the person said yes: signed in at a level, or at a counter before an officer (`witness`: AAL and IAL)."""

    aal: str
    channel: str = WEB
    witness: tuple[str, str] | None = None


def refusal(of: Standpoint) -> str | None:
    """PURE: why somebody can neither choose a helper nor be one, as a code, or None."""
    against = (
        ("under_age", of.years is not None and of.years < rules.OF_AGE),
        ("decides", not of.decides),
        ("level", not purposes.reaches(of.ial.value, purposes.get(PURPOSE).citizen_ial)),
    )
    return next((code for code, true in against if true), None)


def against(session: Session, ring: KeyRing, person_id: UUID, *, now: datetime) -> str | None:
    """The same about a person as they stand now."""
    born = subjects.profile(session, ring, person_id).birth_date
    decides = family.who(session, ring, person_id, now=now) is Needed.self_alone
    ial = subjects.level_now(session, person_id, now=now)
    return refusal(Standpoint(rules.age(born, now), decides, ial))


def invite(
    session: Session, ring: KeyRing, wanted: Wanted, *, person_id: UUID, now: datetime, officer: UUID | None = None
) -> str:
    """A code to hand to the helper, shown this once; an older one stops working. `officer`: who made it at a counter.

    Raises: NotAllowed with a code of `refusal`.
    """
    _check(session, ring, person_id, now=now)
    code = alerts.new_code()
    told: dict[str, Any] = {"code_hash": code_hash(ring, code), "officer": officer, "now": now}
    invitations.invite(session, wanted, ward_id=person_id, **told)
    return alerts.shown(code)


def take(session: Session, ring: KeyRing, text: str, *, person_id: UUID, now: datetime) -> UUID | None:
    """Use the code that somebody typed, once; the invitation. None: no code, used, too old, or one's own."""
    code = alerts.typed(text)
    return invitations.take(session, code_hash(ring, code), by=person_id, now=now) if code else None


def accept(session: Session, ring: KeyRing, invitation_id: UUID, *, person_id: UUID, now: datetime) -> None:
    """Who typed the code is ready to help; the person is told, and has the last word. Twice changes nothing.

    Raises: NotFound; NotAllowed with a code of `refusal`, or "already" while they act for this person.
    """
    asked = _mine(session, invitation_id, helper_id=person_id, now=now)
    _check(session, ring, person_id, now=now)
    if acts_already(session, asked, now=now):
        raise NotAllowed("You act for this person already.", code="already")
    if invitations.accept(session, asked, by=person_id, now=now):
        alerts.tell(session, ring, subject_id=asked.ward_id, kind="helper_waits", now=now)


def acts_already(session: Session, asked: Invitation, *, now: datetime) -> bool:
    """Whether who typed the code acts for this person already."""
    return any(link.guardian_id == asked.guardian_id for link in links.of_ward(session, asked.ward_id, now=now))


def agree(
    session: Session,
    ring: KeyRing,
    invitation_id: UUID,
    *,
    person_id: UUID,
    hand: Hand,
    notice: Notice,
    now: datetime,
    officers: Officers | None = None,
) -> Link:
    """The person's own yes: the consent to PROXY, and from this moment the helper may act. Both are told.

    Raises: NotFound; NotAllowed with a code of `refusal` (of either of the two), "already", "waits" before the helper
    has said yes, or as `records.give`; Conflict on a second tap.
    """
    asked = invitations.own(session, invitation_id, person_id, now=now)
    if asked.ward_id != person_id:
        raise NotFound("We could not find that.", detail="invitation")
    if asked.guardian_id is None or asked.accepted_at is None:
        raise NotAllowed("Your helper has not said yes yet.", code="waits")
    for one in (person_id, asked.guardian_id):
        _check(session, ring, one, now=now)
    if acts_already(session, asked, now=now):
        raise NotAllowed("They act for you already.", code="already")
    answer = _choice(session, asked, new_id(), hand=hand, notice=notice, now=now)
    record = records.give(session, answer, now=now)
    told: dict[str, Any] = {"ends_at": record.expires_at, "officers": officers, "now": now}
    link = invitations.begin(session, asked, link_id=answer.guardianship_id or new_id(), **told)
    for one in (link.ward_id, link.guardian_id):
        alerts.tell(session, ring, subject_id=one, kind="guardian_added", now=now)
    return link


def turn_down(session: Session, invitation_id: UUID, *, person_id: UUID, now: datetime) -> None:
    """Either of the two does not want it. Twice changes nothing. Raises: NotFound."""
    invitations.turn_down(session, invitations.own(session, invitation_id, person_id, now=now), by=person_id, now=now)


def notice(session: Session, *, locale: str, details: Sequence[str], now: datetime) -> Notice:
    """The words of the consent: the published ones of PROXY, and `details` of what is entrusted. They name nobody.

    Raises: NotAllowed(code="operator") before who runs this server is registered.
    """
    recipient = directory.recipient_of(session, _operator(session), now=now)
    return notices.current(
        session,
        PURPOSE,
        locale=locale,
        recipient_name=recipient.name(locale),
        categories=purposes.get(PURPOSE).data_categories,
        details=details,
        asked=True,
    )


def own(session: Session, link_id: UUID, person_id: UUID) -> Link:
    """A helper's link of one of the two, running or over. Raises: NotFound."""
    link = links.own(session, link_id, person_id)
    if link.kind != Kind.helper:
        raise NotFound("We could not find that.", detail="helper")
    return link


def consents(session: Session, link: Link, *, now: datetime) -> list[ConsentView]:
    """The person's running consents, as far as the helper may know of them."""
    views = history.for_subject(session, link.ward_id, now=now)
    return [one for one in views if one.state == "active" and one.record_id and helping.lists(link, one.purpose)]


def seen(session: Session, link: Link) -> list[Entry]:
    """Who opened what of the person's, newest first, as far as the helper may see it."""
    entries = log.of_subject(session, link.ward_id, limit=MOST_ENTRIES)
    return [one for one in entries if one.event in SEEN and helping.opens(link, one.purpose)]


def acts(session: Session, link: Link) -> list[Entry]:
    """What was done by this helper's hand while the link ran, newest first: their own acts, and uses of grants.

    Of a use the log names the service alone: it is told where this helper may see the purpose. What another helper
    agreed to or took back is not this one's to know.
    """
    over, hand = link.ended_at or link.ends_at, log.names_of(session, link.guardian_id)
    entries = log.of_subject(session, link.ward_id, limit=MOST_ENTRIES)
    return [one for one in entries if link.starts_at <= one.at <= over and _is_by(one, hand, link)]


def withdraw(
    session: Session, ring: KeyRing, settings: Settings, link: Link, record_id: UUID, *, now: datetime
) -> ConsentRecord:
    """The helper takes back what the person had agreed to; the entry says by whose hand.

    Raises: NotFound for what is not theirs to end, whatever it is.
    """
    if not link.runs_at(now) or record_id not in [
        one.record_id for one in consents(session, link, now=now) if helping.ends(link, one.purpose)
    ]:
        raise NotFound("We could not find that consent.", detail=f"{record_id=}")
    return withdrawal.withdraw(
        session, ring, settings, record_id, subject_id=link.ward_id, actor_id=link.guardian_id, now=now
    )


def end_all(
    session: Session, ring: KeyRing, settings: Settings, person_id: UUID, *, now: datetime, since: datetime = EVER
) -> int:
    """End the helpers of this person, and their help to others, that began at `since` or later; how many.

    A court that puts somebody in a person's place ends them all: they choose nobody any more (CCC s.826).
    """
    both = (*links.of_ward(session, person_id, now=now), *links.of_guardian(session, person_id, now=now))
    found = [link for link in both if link.kind == Kind.helper and link.starts_at >= since]
    for link in found:
        family.end(session, ring, settings, link.id, person_id=person_id, now=now)
    return len(found)


def disown(
    session: Session, ring: KeyRing, settings: Settings, person_id: UUID, *, since: datetime, now: datetime
) -> int:
    """It was not the person: no helper that was chosen at `since` or later stays, on either side; how many ended.

    Whoever was in there may have typed a code or made one before it: what waits, waits no longer.
    """
    invitations.end_of_person(session, person_id, now=now)
    return end_all(session, ring, settings, person_id, since=since, now=now)


def code_hash(ring: KeyRing, code: str) -> str:
    """What is stored of a code; a copied database guesses nothing."""
    return ring.mac("one-time-code", "helper", code).hex()


def _is_by(entry: Entry, hand: frozenset[str], link: Link) -> bool:
    used = f"proxy:{Kind.helper}" in entry.codes
    if entry.actor_kind == "citizen":
        return entry.actor in hand and (used or entry.event.startswith("consent."))
    return used and helping.opens(link, entry.purpose)


def _choice(session: Session, asked: Invitation, link_id: UUID, *, hand: Hand, notice: Notice, now: datetime) -> Choice:
    """The person's answer. Its key has the link in it: somebody may have two helpers."""
    row = purposes.get(PURPOSE)
    return Choice(
        key=Key(asked.ward_id, _operator(session), HOLDER.format(link=link_id), PURPOSE),
        client_id="",
        actor_id=asked.ward_id,
        notice=notice,
        scopes=row.scopes,
        categories=row.data_categories,
        basis=row.basis,
        explicit=True,
        aal=hand.aal,
        ial=subjects.level_now(session, asked.ward_id, now=now).value,
        channel=hand.channel,
        lives_for=asked.wanted.lasts,
        guardianship_id=link_id,
        witness=hand.witness,
    )


def _mine(session: Session, invitation_id: UUID, *, helper_id: UUID, now: datetime) -> Invitation:
    asked = invitations.own(session, invitation_id, helper_id, now=now)
    if asked.guardian_id != helper_id:
        raise NotFound("We could not find that.", detail="invitation")
    return asked


def _check(session: Session, ring: KeyRing, person_id: UUID, *, now: datetime) -> None:
    why = against(session, ring, person_id, now=now)
    if why is not None:
        raise NotAllowed("A helper is chosen by adults who are known well enough.", detail=f"{why=}", code=why)


def _operator(session: Session) -> UUID:
    found = directory.operator(session)
    if found is None:
        raise NotAllowed("Who runs this server is not registered yet.", code="operator")
    return found
