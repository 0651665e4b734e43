"""The story of a counter: a card is read → a visit opens under TREAT, told and not asked → somebody ends it.

The card proves who stands there. It opens a visit and nothing else: it does not raise the level of an account, whose
phone and passkeys may be in somebody else's hands, and a number that is only typed opens nothing at all.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent import notices, purposes, records
from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id
from consent.errors import Conflict, NotAllowed
from consent.notices import Notice
from consent.records import Choice, ConsentRecord, Key
from idp import desk_cases, desk_phone, directory, four_eyes, handover, readings, subjects, visits
from idp.assurance import Ial
from idp.desk_cases import of_card
from idp.keys import KeyRing
from idp.oauth import grants
from idp.ports import Card, RegistryPerson
from idp.readings import CARD_IAL, Desk
from idp.subjects import Subject
from idp.visits import PURPOSE, Visit

CHANNEL = "counter"
MOST_LAPSED = 200
PURGED: tuple[Callable[..., int], ...] = (
    readings.purge,
    desk_cases.purge,
    desk_phone.purge,
    four_eyes.purge,
    handover.purge,
)


def told(session: Session, *, recipient_name: str, locale: str) -> Notice:
    """The notice of care here, word for word as the person at the counter reads it."""
    categories = purposes.get(PURPOSE).data_categories
    return notices.current(session, PURPOSE, locale=locale, recipient_name=recipient_name, categories=categories)


def open_visit(
    session: Session,
    ring: KeyRing,
    reading_id: UUID,
    *,
    person: RegistryPerson | None,
    desk: Desk,
    locale: str,
    now: datetime,
) -> UUID:
    """Open the visit that a card proves, once: pressing twice, or a visit that is open here already, gives the same.

    The notice is recorded with its basis, and nobody is asked (PDPA s.26(5)(a), s.27). `person` is the register's entry
    for somebody without an account; without one the account is made from the card alone. Appends disclosure.recorded
    and visit.opened. Raises: NotFound for a card that is not on this desk any more; NotAllowed with the code of
    `refusal`; Conflict when another desk opens for the same person at this moment.
    """
    read = readings.look(session, ring, reading_id, desk=desk, person=person, now=now)
    if not readings.claim(session, reading_id, now=now):
        return readings.visit_of(session, reading_id)
    if read.refusal is not None:
        raise NotAllowed("No visit can be opened on this card.", code=read.refusal)
    patient = _patient(session, ring, read.card, person, now=now)
    visit_id = _opened(session, patient.id, desk=desk, locale=locale, ial=CARD_IAL, shown="card", now=now)
    readings.settle(session, reading_id, visit_id)
    return visit_id


def open_for(
    session: Session, subject_id: UUID, *, paper: str, ial: str, desk: Desk, locale: str, now: datetime
) -> UUID:
    """Open the visit of somebody whom a case at this desk has just proved: no card is read twice, and papers open one.

    `ial`: what the case showed of the person, at least what a chip shows alone. A visit that is open here already is
    the one. Raises: NotAllowed(code "weak", "facility_licence", "staff_level", "own_card" or "account_closed").
    """
    patient, clerk = subjects.get(session, subject_id), subjects.get(session, desk.person_id)
    witness = subjects.level(clerk.ial, clerk.ial_expires_at, now)
    against = (
        ("weak", Ial(ial) < Ial(CARD_IAL)),
        ("facility_licence", not desk.place.licensed_at(now)),
        ("staff_level", not visits.may_treat(PURPOSE, desk.aal, witness)),
        ("own_card", subject_id == desk.person_id),
        ("account_closed", patient.status != "active"),
    )
    why = next((code for code, true in against if true), None)
    if why is not None:
        raise NotAllowed("No visit can be opened for this person here.", code=why)
    return _opened(session, subject_id, desk=desk, locale=locale, ial=ial, shown=paper, now=now)


def _opened(
    session: Session, patient_id: UUID, *, desk: Desk, locale: str, ial: str, shown: str, now: datetime
) -> UUID:
    running = visits.running_of(session, patient_id, desk.place.hcode, now=now)
    if running is not None:
        return running
    forgotten = visits.open_of(session, patient_id, desk.place.hcode)
    if forgotten is not None:
        _lapse(session, session.get_one(Visit, forgotten.id), now=now)
    return _begin(session, patient_id, desk=desk, locale=locale, ial=ial, shown=shown, now=now)


def end_visit(
    session: Session, visit: Visit, *, actor: Actor, reason: str, codes: tuple[str, ...], now: datetime
) -> None:
    """End a visit: every clinician's grant under it ends, and the notice and the consents for it stand no longer.

    Again changes nothing.
    """
    if not visits.end(session, visit.id, reason=reason, now=now):
        return
    grants.end_for_visit(session, visit.id, now=now)
    _end_consents(session, visit, actor=actor, codes=codes, now=now)
    record = records.get(session, visit.record_id, subject_id=visit.subject_id)
    move = _untell(session, record, now=now)
    log.append(
        session,
        "visit.ended",
        now=now,
        actor=actor,
        subject_id=visit.subject_id,
        recipient_id=visit.recipient_id,
        purpose=PURPOSE,
        basis=record.basis,
        consent_id=record.id,
        move=move,
        codes=codes,
        reason=reason,
    )


def purge(session: Session, *, now: datetime) -> int:
    """Forget cards and all that a counter did with them, and end the visits that a day has ended; how many rows."""
    gone = sum(forget(session, now=now) for forget in PURGED)
    lapsed = session.scalars(
        select(Visit).where(Visit.ended_at.is_(None), Visit.ends_at <= now).order_by(Visit.id).limit(MOST_LAPSED)
    ).all()
    for visit in lapsed:
        _lapse(session, visit, now=now)
    return gone + len(lapsed)


def _begin(session: Session, patient_id: UUID, *, desk: Desk, locale: str, ial: str, shown: str, now: datetime) -> UUID:
    told = _told_to(session, patient_id, desk=desk, locale=locale, ial=ial, now=now)
    record = records.note(session, told, now=now)
    visit_id, place = new_id(), desk.place
    written = visits.add(
        session,
        visit_id=visit_id,
        subject_id=patient_id,
        hcode=place.hcode,
        recipient_id=record.recipient_id,
        record_id=record.id,
        ial=ial,
        opened_by=desk.person_id,
        now=now,
    )
    if not written:
        raise Conflict("A visit is just being opened elsewhere. Please look again.", detail="visit")
    log.append(
        session,
        "visit.opened",
        now=now,
        actor=Actor.staff(desk.person_id),
        subject_id=patient_id,
        recipient_id=record.recipient_id,
        purpose=PURPOSE,
        basis=record.basis,
        consent_id=record.id,
        codes=(*desk.codes, f"shown:{shown}"),
        ial=ial,
    )
    return visit_id


def _end_consents(session: Session, visit: Visit, *, actor: Actor, codes: tuple[str, ...], now: datetime) -> None:
    """What was agreed for this visit alone is over: the decision says so already, the person's own list does now."""
    for record in records.for_visit(session, visit.subject_id, visit.id):
        grants.end_for_consent(session, record.id, now=now, reason="visit_over")
        move = records.lapse(session, record, now=now)
        log.append(
            session,
            "consent.expired",
            now=now,
            actor=actor,
            subject_id=visit.subject_id,
            client_id=record.client_id,
            recipient_id=record.recipient_id,
            purpose=record.purpose,
            basis=record.basis,
            consent_id=record.id,
            move=move,
            codes=codes,
            reason="visit_over",
        )


def _untell(session: Session, record: ConsentRecord, *, now: datetime) -> int:
    """The number of the move that ends the notice; 0 while a visit runs at another facility of the same organisation.

    One notice stands for all its facilities (the key names the legal entity), so it ends with the last of their visits.
    """
    if visits.runs_for(session, record.subject_id, record.recipient_id, now=now):
        return 0
    stands = records.standing(session, records.key_of(record))
    if stands is None or stands.record_id is None:
        return 0
    return records.lapse(session, records.get(session, stands.record_id, subject_id=record.subject_id), now=now)


def _told_to(session: Session, patient_id: UUID, *, desk: Desk, locale: str, ial: str, now: datetime) -> Choice:
    """What the clerk told this person: the notice of care, with its basis, and no question."""
    purpose = purposes.get(PURPOSE)
    recipient = directory.recipient_of(session, desk.place.legal_entity_id, now=now)
    return Choice(
        key=Key(patient_id, recipient.id, "any", PURPOSE),
        client_id="",
        actor_id=desk.person_id,
        actor_kind="staff",
        notice=told(session, recipient_name=recipient.name(locale), locale=locale),
        scopes=purpose.staff_scopes,
        categories=purpose.data_categories,
        basis=purposes.basis_for(purpose, facility=True),
        explicit=False,
        aal="",  # nobody signed in: a card, and a witness
        ial=ial,
        channel=CHANNEL,
        lives_for=None,
    )


def _lapse(session: Session, visit: Visit, *, now: datetime) -> None:
    worker, codes = Actor.system("worker"), (f"hcode:{visit.hcode}",)
    end_visit(session, visit, actor=worker, reason="lapsed", codes=codes, now=now)


def _patient(session: Session, ring: KeyRing, card: Card, person: RegistryPerson | None, *, now: datetime) -> Subject:
    """The account of the card's holder; a new one has the level that the register attests, not the card's."""
    known = subjects.find_by_national_id(session, ring, card.national_id)
    subject = known or subjects.create(session, ring, card.national_id, person or _from_card(card), now=now)
    if subject.status != "active":
        raise NotAllowed("No visit can be opened on this card.", code="deceased")
    return subject


def _from_card(card: Card) -> RegistryPerson:
    return of_card(card).person()
