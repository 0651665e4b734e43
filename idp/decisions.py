"""A machine's question: may this recipient use this purpose, or read this kind of data, of this patient now?

Asked by the recipient's own systems, and by holders of data about patients whom they know. The answer is the live
decision, one entry is written for each question, and of somebody unknown it says what it says where nothing is there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from consent import access, questions
from consent import purposes as catalogue
from consent.audit import log
from consent.decision import Reason, Recipient, Standing, outward
from consent.errors import NotFound
from consent.purposes import Kind
from consent.questions import Looked
from consent.specificity import TOPIC_PREFIX
from idp import directory, subjects
from idp.circumstances import ROOMS
from idp.machine_question import Asked, Unclear, read, unclear
from idp.national_id import parse_national_id
from idp.oauth import known_as, resources
from idp.oauth.client_facts import ClientFacts
from idp.oauth.pipeline import Context
from idp.oauth.resources import ResourceFacts
from idp.subjects import Subject

ASKED, DENIED = "decision.asked", "decision.denied"
NUMBERS = "PID"  # whoever is registered to receive the national ID may name a patient by it
NOBODY_ID = UUID(int=0)
OF_A_PATIENT = (Kind.CITIZEN_CONSENT, Kind.LAWFUL_NOTICE)


@dataclass(frozen=True)
class Answer:
    """`expires_at`: seconds since 1970. `obligations` bind whoever acts on a yes."""

    permit: bool
    reason: str
    purpose: str = ""
    basis: str = ""
    expires_at: int | None = None
    obligations: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """What goes out. A no is a no: it has a reason and nothing else that could differ."""
        if not self.permit:
            return {"permit": False, "reason": self.reason}
        told = {"purpose": self.purpose, "basis": self.basis, "expires_at": self.expires_at}
        return {"permit": True, "reason": self.reason, **told, "obligations": dict(self.obligations or {})}


def ask(context: Context, client: ClientFacts, body: Mapping[str, Any]) -> Answer:
    """Decide and write the one entry. Raises: Unclear, the same whatever patient was named."""
    asked = read(body)
    recipient = _recipient(context, asked)
    _check_asker(context, client, asked, recipient)
    codes = _concerning(context, client, recipient, _codes(asked))
    patient = _patient(context, client, asked)
    told: dict[str, Any] = {"recipient": recipient, "aal": None, "ial": None, "now": context.now, "rooms": ROOMS}
    told |= {"asker": asked.stated.asker, "about": asked.stated.about}
    topics = dict.fromkeys(codes, _topic_scopes(asked))
    looked = questions.look(context.session, subject_id=patient or NOBODY_ID, purposes=codes, scopes=topics, **told)
    code = _best(looked, codes)
    if patient is None:
        _note_nobody(context, client, recipient, code)
        return Answer(permit=False, reason=outward(looked.verdicts[code].reason))
    found = access.request_access(
        context.session,
        subject_id=patient,
        purposes=[code],
        client_id=client.id,
        event=ASKED,
        scopes=_marks(context, asked),
        write=True,
        **told,
    )
    if not found.permit:
        return Answer(permit=False, reason=outward(found.reason))
    return _permitted(code, found.reason, looked.standings.get(code))


# --- who asks about whom --------------------------------------------------------------------------------------------


def _recipient(context: Context, asked: Asked) -> Recipient:
    entity = asked.entity_id or directory.entity_of(context.session, asked.hcode)
    try:
        if entity is not None:
            return directory.recipient_of(context.session, entity, now=context.now)
    except NotFound:
        pass
    raise unclear("there is no such recipient")


def _check_asker(context: Context, client: ClientFacts, asked: Asked, recipient: Recipient) -> None:
    """A recipient asks about itself, a holder about whoever would read from it; by number only who may have numbers."""
    holds = bool(resources.of_client(context.session, client.id))
    if client.legal_entity_id != recipient.id and not holds:
        raise Unclear(403, "access_denied", "a system asks about its own organisation, a holder of data about others")
    if asked.number and NUMBERS not in client.purposes:
        raise Unclear(403, "access_denied", "this client may not name patients by their national ID")


def _patient(context: Context, client: ClientFacts, asked: Asked) -> UUID | None:
    """Who is meant, if they have an account that is open; known by their `sub` to this client alone."""
    if asked.number:
        person = _owner(context, asked.number)
    else:
        sectors = known_as.sectors_of(context.session, client)
        person = known_as.person(context.session, asked.sub, sectors=sectors)
    status = context.session.scalar(select(Subject.status).where(Subject.id == (person or NOBODY_ID)))
    return person if status == "active" else None


def _owner(context: Context, number: str) -> UUID | None:
    try:
        plain = parse_national_id(number)
    except ValueError:
        return None
    found = subjects.find_by_national_id(context.session, context.ring, plain)
    return None if found is None else found.id


def _codes(asked: Asked) -> tuple[str, ...]:
    """The purposes that the question could rest on, in the order of the catalogue: those about one patient."""
    rows = [row for row in catalogue.all() if row.kind in OF_A_PATIENT]
    if asked.purpose:
        found = tuple(row.code for row in rows if row.code == asked.purpose)
    else:
        found = tuple(row.code for row in rows if asked.category in row.data_categories)
    if not found:
        raise unclear("there is no such purpose or kind of data that concerns one patient")
    return found


def _concerning(context: Context, client: ClientFacts, recipient: Recipient, codes: tuple[str, ...]) -> tuple[str, ...]:
    """What of it is this client's to ask: of its own organisation all, of another what is read from its own places.

    Else any holder could find out where a patient whom it knows is treated, and for what.
    """
    if client.legal_entity_id == recipient.id:
        return codes
    places = resources.of_client(context.session, client.id).values()
    read_here = tuple(code for code in codes if any(map(_taken_by(places), catalogue.get(code).all_scopes)))
    if not read_here:
        raise Unclear(403, "access_denied", "a holder of data asks about what is read from it")
    return read_here


def _taken_by(places: Iterable[ResourceFacts]) -> Callable[[str], bool]:
    return lambda scope: any(place.takes(scope) for place in places)


# --- the answer -----------------------------------------------------------------------------------------------------


def _best(looked: Looked, codes: Sequence[str]) -> str:
    """The purpose that permits; else one that something stands under; else the first that could."""
    verdicts = looked.verdicts
    permits = (code for code in codes if verdicts[code].permit)
    stands = (code for code in codes if code in looked.standings)
    receives = (code for code in codes if verdicts[code].reason is not Reason.recipient_kind)
    return next(permits, None) or next(stands, None) or next(receives, None) or codes[0]


def _topic_scopes(asked: Asked) -> tuple[str, ...]:
    return tuple(TOPIC_PREFIX + topic for topic in asked.stated.about.topics)


def _marks(context: Context, asked: Asked) -> tuple[str, ...]:
    """What the entry says of the question; who would look is the asking side's own word, and stays out of the log."""
    hcode = asked.stated.asker.hcode or asked.hcode
    listed = directory.entity_of(context.session, hcode) if hcode else None
    kinds = tuple(f"kind:{code}" for code in asked.stated.about.categories)
    return (*_topic_scopes(asked), *((f"hcode:{hcode}",) if listed else ()), *kinds)


def _permitted(code: str, reason: Reason, standing: Standing | None) -> Answer:
    """PURE: a yes with what it binds to: how long it may be remembered, and what it is limited to."""
    row = catalogue.get(code)
    limits: dict[str, Any] = {"offline_s": row.offline_s or 0}
    if standing is not None:
        days = {"data_from": standing.data_from, "data_until": standing.data_until}
        limits |= {name: day.isoformat() for name, day in days.items() if day is not None}
        limits |= {"categories": list(standing.categories)} if standing.categories else {}
    expires = standing.expires_at if standing is not None else None
    return Answer(
        permit=True,
        reason=outward(reason),
        purpose=code,
        basis=standing.basis if standing is not None else row.basis,
        expires_at=None if expires is None else int(expires.timestamp()),
        obligations=limits,
    )


def _note_nobody(context: Context, client: ClientFacts, recipient: Recipient, code: str) -> None:
    log.append(
        context.session,
        DENIED,
        now=context.now,
        actor=log.Actor.client(client.id),
        client_id=client.id,
        recipient_id=recipient.id,
        purpose=code,
        outcome="denied",
        reason="unknown_patient",
    )
