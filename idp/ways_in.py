"""The story of a way in that is bound at a counter: the first phone, the first passkey; or a recovery (R8) by two.

One officer enrols, two bring back: what an account has already, or was proved by better than now, is not for one alone.
Nor is the first way into an account without a phone, of which nobody could be told: a second one sees chip and person.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from consent.errors import NotAllowed
from idp import counter_proofing, desk_cases, desk_phone, four_eyes, recovery, subjects
from idp.desk_cases import Case
from idp.keys import KeyRing
from idp.login import factors
from idp.proofing import cases
from idp.readings import Desk
from idp.settings import Settings

ACT = "first_way"
OF_AGE = 20  # Civil and Commercial Code s.19: below, nobody signs in by themselves


def may_sign_in(case: Case, *, now: datetime) -> bool:
    """PURE: whether a way to sign in may be set up: nobody under 20, and nobody whose age is not known."""
    age = subjects.age_on(case.shown.birth_date, now)
    return age is not None and age >= OF_AGE


def needs_recovery(session: Session, ring: KeyRing, case: Case, *, desk: Desk, now: datetime) -> bool:
    """Whether one officer may bind no way in here: the account has one, or a phone that did not answer at this desk.

    Or it was proved better than now, by more than a paper that somebody read by eye.
    """
    if case.subject_id is None or factors.available(session, case.subject_id):
        return True
    if desk_phone.of_record(session, ring, case.subject_id):
        return case.reach != "proved"
    return _shown_better(session, case, desk=desk, now=now)


def _shown_better(session: Session, case: Case, *, desk: Desk, now: datetime) -> bool:
    """A chip in the reader is worth its account; what was only read by eye counts up to what it shows."""
    if case.subject_id is None or case.chip != "read_by_eye":
        return False
    return cases.standing(session, case.subject_id, now=now).ial > counter_proofing.shown_now(case, desk=desk, now=now)


def needs_colleague(session: Session, ring: KeyRing, case: Case) -> bool:
    """Whether a first way in takes a second member of staff: the account has no phone, and one officer alone saw this.

    Papers, and a face that was seen at a bedside, were signed by two already.
    """
    alone = case.chip != "read_by_eye" and case.face != "colleague"
    return alone and case.subject_id is not None and not desk_phone.of_record(session, ring, case.subject_id)


def bind_phone(session: Session, ring: KeyRing, case: Case, phone: str, *, desk: Desk, now: datetime) -> str:
    """A number that was just proved at the counter: proved, or why one officer may not bind it: recovery, first_way."""
    if case.subject_id is None:
        raise NotAllowed("Compare the face first.", code="order")
    known = desk_phone.of_record(session, ring, case.subject_id)
    if known not in ("", phone) or (not known and _shown_better(session, case, desk=desk, now=now)):
        return "recovery"
    if needs_colleague(session, ring, case):
        return ACT
    _bind(session, ring, case, phone, now=now)
    return "proved"


def other_number(session: Session, ring: KeyRing, case: Case, *, now: datetime) -> str:
    """A number that was proved here and is not the account's; empty without one, and once the phone stays as it is."""
    proved = desk_phone.proved(session, ring, case.id, now=now)
    if proved is None or case.subject_id is None or case.reach:
        return ""
    return "" if proved == desk_phone.of_record(session, ring, case.subject_id) else proved


def bind_by_two(session: Session, ring: KeyRing, case: Case, *, desk: Desk, now: datetime) -> None:
    """Bind the first number, which was proved here and which the colleague saw. Raises: NotAllowed."""
    phone = desk_phone.proved(session, ring, case.id, now=now)
    due = case.due == "reach" and may_sign_in(case, now=now)
    if phone is None or not due or not needs_colleague(session, ring, case):
        raise NotAllowed("This step is not due.", code="order")
    sign(session, case, desk=desk, now=now)
    _bind(session, ring, case, phone, now=now)


def sign(session: Session, case: Case, *, desk: Desk, now: datetime) -> None:
    """Use up the colleague's signature for a first way in. Raises: NotAllowed("second_person") without one."""
    since = desk_phone.answered_at(session, case.id, now=now)  # signed for the number that the colleague saw
    if four_eyes.take(session, case.id, ACT, asked_by=desk.person_id, now=now, since=since) is None:
        raise NotAllowed("A colleague has to sign this.", code="second_person")


def _bind(session: Session, ring: KeyRing, case: Case, phone: str, *, now: datetime) -> None:
    if case.subject_id is not None:
        desk_phone.bind_first(session, ring, case.subject_id, phone)
        desk_cases.settle(session, case.id, "reach", "proved", now=now)


def recover(session: Session, ring: KeyRing, settings: Settings, case: Case, *, desk: Desk, now: datetime) -> None:
    """Begin the recovery of this person's account (R8), which two members of staff answer for; the person then waits.

    With a number that was proved here and is not the account's, that number is its new one; otherwise the phone stays.
    Raises: NotAllowed("second_person") unless a colleague has signed; and as `recovery.approve`.
    """
    if case.subject_id is None or not may_sign_in(case, now=now):
        raise NotAllowed("This step is not due.", code="order")
    since = desk_phone.answered_at(session, case.id, now=now)  # signed for the number that the colleague saw
    second = four_eyes.take(session, case.id, "recovery", asked_by=desk.person_id, now=now, since=since)
    if second is None:
        raise NotAllowed("A colleague has to sign this.", code="second_person")
    recovery.approve(
        session,
        ring,
        settings,
        subject_id=case.subject_id,
        new_phone=other_number(session, ring, case, now=now) or None,
        staff=(desk.person_id, second),
        hcode=desk.place.hcode,
        shown=counter_proofing.shown_now(case, desk=desk, now=now),
        now=now,
    )
    for step in ("reach", "passkey"):
        desk_cases.settle(session, case.id, step, "waiting", now=now)


def waits_until(session: Session, case: Case) -> datetime | None:
    """When the recovery that was begun in this case takes effect; None without one."""
    if case.subject_id is None or "waiting" not in (case.reach, case.passkey):
        return None
    begun = recovery.open_case(session, case.subject_id)
    return None if begun is None else begun.takes_effect_at
