"""The story of broken glass: a clinician says why → somebody is named, and is told at once → it ends by itself.

Nobody is asked (PDPA s.26(1)), and nothing is silent: each opening is a disclosure on record (s.27), a message to the
person by every way that reaches them, lines in their log, and a place in the queue of those who review it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import emergency, notices, purposes, records
from consent.audit import log
from consent.audit.log import Actor
from consent.emergency import PURPOSE, Said
from consent.errors import Conflict, NotAllowed
from consent.family import helping, links
from consent.family.rules import Kind
from consent.records import Choice, Key
from idp import alerts, directory, emergency_access, emergency_pace, subjects
from idp.emergency_access import EmergencyAccess
from idp.keys import KeyRing
from idp.oauth import grants
from idp.ports import RegistryPerson
from idp.readings import Desk
from idp.subjects import Subject

CHANNEL = "counter"
TOLD, TOLD_OF_WARD = "emergency_opened", "emergency_of_ward"
RECORD = "PHR-SELF"
WORKER = Actor.system("worker")


@dataclass(frozen=True)
class Named:
    """Who the patient is, and how that is known: the card in the reader, or a number that somebody said."""

    subject: Subject
    by: str


def open_access(
    session: Session,
    ring: KeyRing,
    emergency_id: UUID,
    *,
    said: Said,
    patient: Named | None,
    desk: Desk,
    locale: str,
    now: datetime,
) -> UUID:
    """Break the glass for 1 to 24 hours, of this patient or of somebody unknown yet. The same id again: once.

    However many: it is never blocked. Appends breakglass.used, for a patient what `name` appends, and abuse.alarm when
    these are very many of one clinician (`emergency_pace`). Raises: NotAllowed with the code of
    `emergency.refusal` or (code="words") for words that `Said.faults` does not let pass; Conflict.
    """
    _check(session, desk, patient, now=now)
    if said.faults:
        raise NotAllowed("Please say why, in a few words.", code="words")
    if not emergency_access.add(session, ring, emergency_id, said=said, desk=desk, now=now):
        return emergency_access.own(session, emergency_id, desk=desk).id
    emergency_pace.watch(session, ring, desk, now=now)
    if patient is None:
        _used(session, emergency_access.own(session, emergency_id, desk=desk), desk, now=now)
        return emergency_id
    return name(session, ring, emergency_id, patient=patient, desk=desk, locale=locale, now=now)


def name(
    session: Session, ring: KeyRing, emergency_id: UUID, *, patient: Named, desk: Desk, locale: str, now: datetime
) -> UUID:
    """Say whose record it is, once; from now on it may be opened, until the hour that was said at the beginning.

    The person is told in this transaction, whatever happens next. Appends disclosure.recorded, breakglass.used and
    alert.sent. Raises: NotAllowed with the code of `emergency.refusal`; NotFound; Conflict when it is over or somebody
    was named already.
    """
    found = emergency_access.own(session, emergency_id, desk=desk)
    if found.patient_id == patient.subject.id:
        return emergency_id
    _check(session, desk, patient, now=now)
    if not found.runs_at(now):
        raise Conflict("This emergency is over. Please begin a new one.", detail="emergency")
    record = _told_to(session, found, patient, desk=desk, locale=locale, now=now)
    whose = patient.subject.id
    if not emergency_access.name(
        session, ring, found, patient_id=whose, identified_by=patient.by, record_id=record, now=now
    ):
        raise Conflict("Somebody is named already. Please look again.", detail="emergency")
    _used(session, emergency_access.own(session, emergency_id, desk=desk), desk, now=now)
    alerts.tell(session, ring, subject_id=whose, kind=TOLD, now=now)
    for link in links.of_ward(session, whose, now=now):  # a child's parents, whom its own messages do not reach
        if link.kind == Kind.helper and not helping.opens(link, RECORD):  # who was entrusted with less is not told
            continue
        alerts.tell(session, ring, subject_id=link.guardian_id, kind=TOLD_OF_WARD, now=now)
    return emergency_id


def end(
    session: Session, found: EmergencyAccess, *, actor: Actor, codes: tuple[str, ...], reason: str, now: datetime
) -> None:
    """End it: every grant and token under it ends, and the notice with the last of the organisation's emergencies.

    Again changes nothing. Appends breakglass.ended. Raises: ValueError for a reason that is none.
    """
    if reason not in emergency.ENDINGS:
        raise ValueError(reason)
    if not emergency_access.end(session, found.id, reason=reason, now=now):
        return
    grants.end_for_emergency(session, found.id, now=now)
    move = _untell(session, found, now=now)
    log.append(
        session,
        "breakglass.ended",
        now=now,
        actor=actor,
        subject_id=found.patient_id,
        recipient_id=found.recipient_id,
        purpose=PURPOSE,
        basis=purposes.get(PURPOSE).basis,
        consent_id=found.record_id,
        move=move,
        codes=codes,
        reason=reason,
    )


def patient_of(
    session: Session, ring: KeyRing, national_id: str, person: RegistryPerson | None, *, by: str, now: datetime
) -> Named | None:
    """Whose number it is; an account is made for somebody whom the register, or their own card, names."""
    known = subjects.find_by_national_id(session, ring, national_id)
    if known is None and person is not None:
        known = subjects.create(session, ring, national_id, person, now=now)
    return None if known is None else Named(known, by)


def note_unfound(session: Session, ring: KeyRing, *, desk: Desk, aal: str, now: datetime) -> None:
    """Somebody tried a number that nobody has: an attempt leaves a line as well, and many of them an alarm."""
    log.append(
        session,
        "breakglass.used",
        now=now,
        actor=Actor.staff(desk.person_id),
        recipient_id=desk.place.legal_entity_id,
        purpose=PURPOSE,
        codes=desk.codes,
        acr=aal,
        outcome="denied",
        reason=emergency_pace.UNFOUND,
    )
    emergency_pace.watch(session, ring, desk, now=now)


def purge(session: Session, *, now: datetime) -> int:
    """Write down which emergencies their time has ended; how many. Nothing waits for it: the clock ended them."""
    over = emergency_access.lapsed(session, now=now)
    for found in over:
        end(session, found, actor=WORKER, codes=(f"hcode:{found.hcode}",), reason="lapsed", now=now)
    return len(over)


def _check(session: Session, desk: Desk, patient: Named | None, *, now: datetime) -> None:
    own = patient is not None and patient.subject.id == desk.person_id
    active = patient is None or patient.subject.status == "active"
    why = emergency.refusal(emergency_access.opener(session, desk, now=now), own_record=own, patient_active=active)
    if why is not None:
        raise NotAllowed("Emergency access is not open to you here.", detail=f"{why=}", code=why)


def _told_to(
    session: Session, found: EmergencyAccess, patient: Named, *, desk: Desk, locale: str, now: datetime
) -> UUID:
    """The id of the notice on record: VITAL, not asked, for as long as the longest of the running emergencies here."""
    purpose, person = purposes.get(PURPOSE), patient.subject.id
    recipient = directory.recipient_of(session, found.recipient_id, now=now)
    others = emergency_access.latest_end(session, person, recipient.id, now=now)
    text = notices.current(
        session, PURPOSE, locale=locale, recipient_name=recipient.name(locale), categories=purpose.data_categories
    )
    choice = Choice(
        key=Key(person, recipient.id, "any", PURPOSE),
        client_id="",
        actor_id=desk.person_id,
        actor_kind="staff",
        notice=text,
        scopes=purpose.staff_scopes,
        categories=purpose.data_categories,
        basis=purpose.basis,
        explicit=False,
        aal="",  # the person could not answer, so nobody signed in
        ial="",
        channel=CHANNEL,
        lives_for=max(found.ends_at, others or found.ends_at) - now,
    )
    return records.note(session, choice, now=now).id


def _untell(session: Session, found: EmergencyAccess, *, now: datetime) -> int:
    """The number of the move that ends the notice; 0 while another emergency of this person runs here."""
    if found.patient_id is None or emergency_access.latest_end(session, found.patient_id, found.recipient_id, now=now):
        return 0
    stands = records.standing(session, Key(found.patient_id, found.recipient_id, "any", PURPOSE))
    if stands is None or stands.record_id is None:
        return 0
    return records.lapse(session, records.get(session, stands.record_id, subject_id=found.patient_id), now=now)


def _used(session: Session, found: EmergencyAccess, desk: Desk, *, now: datetime) -> None:
    how = f"patient:{found.identified_by or 'unknown'}"
    log.append(
        session,
        "breakglass.used",
        now=now,
        actor=Actor.staff(found.opened_by),
        subject_id=found.patient_id,
        recipient_id=found.recipient_id,
        purpose=PURPOSE,
        basis=purposes.get(PURPOSE).basis,
        consent_id=found.record_id,
        codes=(*desk.codes, f"hours:{found.hours}", how),
        acr=desk.aal.acr,
        reason=found.reason,
    )
