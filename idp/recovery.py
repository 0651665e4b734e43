"""The story of a lost way in (THAI.md 3b R8): asked for → told to the old channels → a wait → done.

Two ways. By another bound factor: who is signed in strongly names a new phone and types the code that went there. At a
counter: two members of staff, neither alone, saw who it is. Either way nothing changes before `recovery_wait` is over,
and whoever can still be reached by the old channels can stop it, from a page or with the code of the notice. Who found
a phone must not stop its owner for ever: what a counter approved is stopped by codes twice in three months, and after
that by another counter alone. A recovery gives no level that it did not show: what was proved better before counts no
more than that (`cases.weaken`).
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id
from consent.errors import Conflict, NotAllowed
from idp import alerts, jobs, outbox, signing_out, subjects
from idp.assurance import Ial
from idp.contact import codes, limits
from idp.contact.limits import Limited
from idp.jobs import Job
from idp.keys import KeyRing
from idp.login import removal
from idp.proofing import cases
from idp.recoveries import COUNTER, FACTOR, KEPT_BY_A_FACTOR, OPEN, Recovery, level_after, number_of, refusal
from idp.settings import Settings
from idp.subjects import PersonSealer, Subject

APPLY = "apply-recovery"
DIGITS, TRIES, LIFETIME = 6, 5, timedelta(minutes=5)
KEPT_FOR = timedelta(days=90)
MOST_STOPS = 2  # of what a counter approved, by the codes of notices, in that time
WORKER = Actor.system("worker")
STARTED = {FACTOR: "phone_change_started", COUNTER: "recovery_started"}
DONE = {FACTOR: "phone_changed", COUNTER: "recovery_done"}
TEXTS = (
    "{code} คือรหัสยืนยันหมายเลขใหม่ของบัญชียินยอม อ้างอิง {ref} ใช้ได้ {minutes} นาที อย่าบอกรหัสนี้กับใคร แม้แต่เจ้าหน้าที่",
    "{code} confirms the new phone of your Yinyom account, ref {ref}. Valid {minutes} min. Never tell anyone.",
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """outcome: right, wrong, spent (no try left), expired (too old, or begun anew)."""

    outcome: str
    tries_left: int = 0


def begin(
    session: Session, ring: KeyRing, settings: Settings, *, subject_id: UUID, typed: str, now: datetime
) -> Recovery | Limited:
    """Send a code to a new phone, or say when the next may be sent. The caller has seen a fresh, strong sign-in.

    Counted for the person and for the phone: nobody writes to many phones from one account.

    Raises: NotAllowed(code="not_mobile"); Conflict(code="recovery_waiting") while one waits.
    """
    number = number_of(typed)
    for counted in (("person", str(subject_id)), ("phone", number)):
        key = ring.mac("one-time-code", *counted).hex()
        allowed = limits.take(session, key, now=now, patience=timedelta(0), strict=counted[0] == "person")
        if isinstance(allowed, Limited):
            return allowed
    _make_room(session, subject_id, now=now)
    code = settings.sandbox_fixed_code or f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    case = _write(session, ring, subject_id, way=FACTOR, state="proving", phone=number, now=now)
    case.code_hash, case.code_expires_at = _code_hash(ring, case.id, code), now + LIFETIME
    session.flush()
    body = TEXTS[subjects.get(session, subject_id).locale == "en"].format(
        code=code, ref=case.ref, minutes=int(LIFETIME / timedelta(minutes=1))
    )
    until = now + LIFETIME
    outbox.enqueue(session, ring, kind="sms", to=number, body=body, key=f"recovery-{case.id}", until=until, now=now)
    log.append(session, "otp.sent", now=now, actor=_own(subject_id), subject_id=subject_id, codes=("channel:sms",))
    return case


def prove(session: Session, ring: KeyRing, settings: Settings, typed: str, *, subject_id: UUID, now: datetime) -> Tried:
    """Spend a try at the new phone's code, then compare; right begins the wait. The caller commits whatever comes.

    Tells the old channels. Appends recovery.started.
    """
    spent = session.execute(
        update(Recovery)
        .where(Recovery.subject_id == subject_id, Recovery.state == "proving", Recovery.tries_left > 0)
        .where(Recovery.code_expires_at > now)
        .values(tries_left=Recovery.tries_left - 1)
        .returning(Recovery.id, Recovery.code_hash, Recovery.tries_left)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if spent is None:
        case = open_case(session, subject_id)
        return Tried("spent" if case is not None and case.tries_left == 0 else "expired")
    if not hmac.compare_digest(spent.code_hash, _code_hash(ring, spent.id, codes.typed(typed))):
        log.append(session, "otp.failed", now=now, actor=_own(subject_id), subject_id=subject_id, outcome="failed")
        return Tried("wrong", spent.tries_left)
    case = session.get_one(Recovery, spent.id, populate_existing=True)
    case.state, case.code_hash = "waiting", None
    _wait(session, ring, settings, case, now=now)
    log.append(
        session, "recovery.started", now=now, actor=_own(subject_id), subject_id=subject_id, codes=("way:factor",)
    )
    return Tried("right", spent.tries_left)


def approve(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    *,
    subject_id: UUID,
    new_phone: str | None,
    staff: tuple[UUID, UUID],
    hcode: str,
    shown: Ial,
    now: datetime,
) -> Recovery:
    """Two members of staff saw who it is, at level `shown`: the wait begins, and the phone on file gets no more codes.

    `new_phone` was proved in the hand of the person; None keeps the old one. Tells the old channels. Appends
    recovery.started and recovery.approved (the second is the countersign). A recovery that waits is not overtaken, but
    for one that codes cannot stop any more: two members of staff who see the person then begin its wait anew.

    Raises: NotAllowed, codes "same_person", "own_account", "too_weak", "not_mobile"; Conflict(code="recovery_waiting").
    """
    account = cases.standing(session, subject_id, now=now).ial
    refused = refusal(subject_id, staff, shown=shown, account=account)
    if refused is not None:
        raise NotAllowed("This recovery cannot be approved.", code=refused, detail=refused)
    number = None if new_phone is None else number_of(new_phone)
    _make_room(session, subject_id, now=now, guarded=True)
    by = {"hcode": hcode, "approved_by": staff[0], "second_by": staff[1], "shown": shown.value}
    case = _write(session, ring, subject_id, way=COUNTER, state="waiting", phone=number, now=now, **by)
    _wait(session, ring, settings, case, now=now)
    if number is not None and case.takes_effect_at is not None:
        alerts.freeze_sms(session, subject_id, until=case.takes_effect_at)
    for event, person in zip(("recovery.started", "recovery.approved"), staff, strict=True):
        words = ("way:counter", f"hcode:{hcode}")
        log.append(session, event, now=now, actor=Actor.staff(person), subject_id=subject_id, codes=words)
    return case


def cancel(session: Session, subject_id: UUID, *, now: datetime, reason: str, by_code: bool = False) -> bool:
    """Stop a recovery before it takes effect; whether there was one. One statement. Appends recovery.denied.

    `by_code`: whoever holds the old phone says so, and no more is known of them; see the top of this module.
    """
    may = [~_guarded(subject_id, now=now)] if by_code else []
    stopped = session.scalar(
        update(Recovery)
        .where(Recovery.subject_id == subject_id, Recovery.state.in_(OPEN), *may)
        .values(state="cancelled", settled_at=now, new_phone=None, code_hash=None)
        .returning(Recovery.id)
        .execution_options(synchronize_session=False)
    )
    if stopped is not None:
        own, said = _own(subject_id), "recovery.denied"
        log.append(session, said, now=now, actor=own, subject_id=subject_id, outcome="denied", reason=reason)
    return stopped is not None


def _guarded(subject_id: UUID, *, now: datetime) -> ColumnElement[bool]:
    """That a counter approved it, and codes of notices stopped as many before it as they may."""
    older = aliased(Recovery)
    before = select(func.count(older.id)).where(
        older.subject_id == subject_id,
        older.way == COUNTER,
        older.state == "cancelled",
        older.settled_at > now - KEPT_FOR,
    )
    return (Recovery.way == COUNTER) & (before.scalar_subquery() >= MOST_STOPS)


def apply(session: Session, ring: KeyRing, settings: Settings, job: Job, *, now: datetime) -> None:
    """The wait is over: the new phone counts, sessions end, and after a counter nothing older opens the account.

    A job's verb; a second run, or one after a cancellation, changes nothing. Appends recovery.done.
    """
    case = session.scalar(
        update(Recovery)
        .where(Recovery.id == job.ref_id, Recovery.state == "waiting", Recovery.takes_effect_at <= now)
        .values(state="done", settled_at=now)
        .returning(Recovery)
        .execution_options(synchronize_session=False)
    )
    if case is not None:
        _take_effect(session, ring, settings, case, now=now)
    jobs.finish(session, job.id)


def open_case(session: Session, subject_id: UUID) -> Recovery | None:
    """The person's recovery that is under way."""
    return session.scalar(select(Recovery).where(Recovery.subject_id == subject_id, Recovery.state.in_(OPEN)))


def purge(session: Session, *, now: datetime) -> None:
    """Forget recoveries three months after they were over, and codes that nobody typed."""
    over = Recovery.settled_at < now - KEPT_FOR
    stale = (Recovery.state == "proving") & (Recovery.code_expires_at < now - KEPT_FOR)
    session.execute(delete(Recovery).where(over | stale))


def _make_room(session: Session, subject_id: UUID, *, now: datetime, guarded: bool = False) -> None:
    """A code that nobody typed yet gives way; a recovery that waits does not, unless it is guarded and that is said."""
    gives_way = Recovery.state == "proving"
    if guarded:
        gives_way |= (Recovery.state == "waiting") & _guarded(subject_id, now=now)
    session.execute(
        update(Recovery)
        .where(Recovery.subject_id == subject_id, gives_way)
        .values(state="cancelled", settled_at=now, new_phone=None, code_hash=None)
        .execution_options(synchronize_session=False)
    )
    if open_case(session, subject_id) is not None:
        raise Conflict("A recovery waits already.", code="recovery_waiting")


def _write(
    session: Session, ring: KeyRing, subject_id: UUID, *, phone: str | None, now: datetime, **facts: Any
) -> Recovery:
    case_id = new_id()
    case = Recovery(
        id=case_id,
        subject_id=subject_id,
        ref="".join(secrets.choice(codes.REF_LETTERS) for _ in range(codes.REF_LENGTH)),
        new_phone=PersonSealer(ring, session).seal(phone, owner=subject_id, field=_field(case_id)) if phone else None,
        tries_left=TRIES,
        started_at=now,
        **facts,
    )
    session.add(case)
    session.flush()
    return case


def _wait(session: Session, ring: KeyRing, settings: Settings, case: Recovery, *, now: datetime) -> None:
    case.takes_effect_at = now + settings.recovery_wait
    case.notice_id = alerts.tell(session, ring, subject_id=case.subject_id, kind=STARTED[case.way], now=now).id
    session.flush()
    jobs.enqueue_job(session, APPLY, case.id, now=now, run_at=case.takes_effect_at)


def _take_effect(session: Session, ring: KeyRing, settings: Settings, case: Recovery, *, now: datetime) -> None:
    person, sealer = case.subject_id, PersonSealer(ring, session)
    phone = None if case.new_phone is None else sealer.open(case.new_phone, owner=person, field=_field(case.id))
    alerts.tell(session, ring, subject_id=person, kind=DONE[case.way], now=now, also_to=[phone] if phone else [])
    if phone is not None:
        sealed = sealer.seal(phone, owner=person, field="phone")
        session.execute(update(Subject).where(Subject.id == person).values(phone=sealed))
        case.new_phone = None
    if case.way == COUNTER:
        removal.everything(session, person, now=now)
    signing_out.everywhere(session, ring, settings, subject_id=person, now=now)
    alerts.thaw(session, person)
    _weigh(session, ring, case, now=now)
    log.append(session, "recovery.done", now=now, actor=WORKER, subject_id=person, codes=(f"way:{case.way}",))


def _weigh(session: Session, ring: KeyRing, case: Recovery, *, now: datetime) -> None:
    standing = cases.standing(session, case.subject_id, now=now)
    anew = standing.ial > KEPT_BY_A_FACTOR and standing.at >= case.started_at
    shown = None if case.shown is None else Ial(case.shown)
    falls_to = level_after(standing.ial, way=case.way, shown=shown, proved_anew=anew)
    if falls_to is not None:
        cases.weaken(session, ring, subject_id=case.subject_id, to=falls_to, actor=WORKER, now=now)


def _code_hash(ring: KeyRing, case_id: UUID, code: str) -> str:
    return ring.mac("one-time-code", "recovery", str(case_id), code).hex()


def _field(case_id: UUID) -> str:
    return f"recovery:{case_id}"


def _own(subject_id: UUID) -> Actor:
    return Actor.citizen(subject_id)
