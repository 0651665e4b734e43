"""The story of a challenge: any number is posted → the worker learns whose it is → a right code opens the account.

`resolve` runs in the worker: it reads, asks the registry with no transaction open, and writes the result with the
letter in one transaction. `complete` runs in the request after a right guess. Nobody under 20 gets an account by it;
from 10 on they sign in to theirs while a parent stands beside them (PDPA s.20).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from idp import addressees, channels, family, jobs, outbox, provisional, subjects
from idp.abuse import alarms, questions
from idp.assurance import Ial
from idp.contact import codes, sending
from idp.contact.challenge import Challenge
from idp.contact.sending import Leave
from idp.db import Sessions
from idp.jobs import Job
from idp.keys import KeyRing
from idp.login import sessions as sign_ins
from idp.oauth import grants
from idp.ports import Ports, RegistryPerson
from idp.proofing import cases, numbers, phone_claims
from idp.subjects import Subject, age_on

OF_AGE = 20  # Civil and Commercial Code s.19
SERVICE = {"th": "ยินยอม", "en": "Yinyom"}
LONGEST_SERVICE = 40
TEXTS = {
    "th": "{code} คือรหัสเข้าสู่ระบบ{service} อ้างอิง {ref} ใช้ได้ {minutes} นาที อย่าบอกรหัสนี้กับใคร แม้แต่เจ้าหน้าที่",
    "en": "{code} is your sign-in code for {service}. Ref {ref}. Valid {minutes} min. Tell nobody, not even staff.",
}
SIGN_IN = Actor.system("sign-in")


@dataclass(frozen=True)
class Completed:
    """Who the right code proved. Nobody: too young for now, or the account is closed, or it was completed before."""

    subject_id: UUID | None
    too_young: bool


def resolve(
    sessions: Sessions,
    ring: KeyRing,
    ports: Ports,
    job: Job,
    *,
    now: datetime,
    fixed_code: str | None = None,
    most_unanswered: int | None = None,
    by_network: bool = True,
    site: str = "",
) -> None:
    """Find the phone behind a challenge, make its code and queue the letter; or drop it in the same number of writes.

    `fixed_code` replaces the random code in a sandbox; `most_unanswered` is what a range of phones may leave untyped
    in an hour (`contact.sending`); `by_network`: what a network asks the register is counted (`abuse.questions`);
    `site` is the host that the code is bound to, see `sms_text`. Runs twice without harm: only a waiting challenge is
    resolved.
    Raises: RegistryUnavailable, UpstreamUnavailable: then nothing is written and the job is tried again.
    """
    with sessions.reading() as session:
        challenge = session.get(Challenge, job.ref_id)
        awaited = challenge is not None and _awaited(challenge, now=now)
        account, typed, found = None, None, None
        if challenge is not None and awaited:
            account = subjects.find_by_national_id(session, ring, codes.asked(ring, challenge))
            typed = phone_claims.of(session, ring, challenge.id)
            found = addressees.in_account(session, ring, account, now=now) if account else None
        if challenge is not None and typed is not None:
            found = addressees.at_typed_phone(
                session, ring, challenge, phone=typed, account=account, known=found, now=now
            )
    if challenge is not None and awaited and account is None and typed is None:
        found = addressees.in_registry(sessions, ring, ports, challenge, now=now, by_network=by_network)
    moved = found is not None and challenge is not None and addressees.has_moved(ports, challenge, found)
    with sessions.writing() as session:
        if challenge is not None and awaited:
            leave = None
            if found is not None and not moved:
                leave = sending.leave(
                    *(session, ring, challenge, found.phone),
                    most_unanswered=most_unanswered,
                    typed=typed is not None,
                    now=now,
                )
            _settle(session, ring, challenge, found, leave, now=now, fixed_code=fixed_code, site=site)
            if moved:
                addressees.note_moved(session, found, now=now)
        jobs.finish(session, job.id)


def complete(session: Session, ring: KeyRing, challenge_id: UUID, *, now: datetime) -> Completed:
    """Turn a right guess into a person, once; opens the account when the registry knew them and we did not."""
    taken: Any = session.execute(
        update(Challenge)
        .where(Challenge.id == challenge_id, Challenge.used_at.is_not(None), Challenge.completed_at.is_(None))
        .values(completed_at=now)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:
        return Completed(None, too_young=False)
    challenge = session.get_one(Challenge, challenge_id, populate_existing=True)
    subject = _subject(session, ring, challenge, now=now)
    if subject is None:
        return Completed(None, too_young=challenge.snapshot is not None)
    if subject.status != "active":
        return Completed(None, too_young=False)
    if provisional.is_provisional(session, subject.id):  # who said to be of age; nothing is known of them
        return Completed(subject.id, too_young=False)
    born = subjects.profile(session, ring, subject.id).birth_date
    if not _of_age(born, now=now) and not family.may_sign_in(session, subject.id, born, now=now):
        return Completed(None, too_young=True)
    return Completed(subject.id, too_young=False)


def note(session: Session, job: Job, *, now: datetime) -> None:
    """Write a wrong or the last wrong code into the log, for the person if we know one.

    The worker does it, so that a guess at a known number costs the request no more than one at an unknown number.
    """
    challenge = session.get(Challenge, job.ref_id)
    event = "otp.locked" if job.kind == codes.NOTE_LOCKED else "otp.failed"
    subject_id = challenge.subject_id if challenge else None
    log.append(session, event, now=now, actor=SIGN_IN, subject_id=subject_id, outcome="failed", reason="wrong_code")
    alarms.note_wrong(session, now=now)
    jobs.finish(session, job.id)


def end_access(session: Session, job: Job, *, now: datetime) -> None:
    """End by name all that an account which was shut had open: it stopped working with the account.

    Appends session.ended and token.revoked for each; services hear of it as of every ended grant.
    """
    sign_ins.end_all(session, job.ref_id, now=now)
    grants.end_for_subject(session, job.ref_id, now=now, reason="account_closed")
    jobs.finish(session, job.id)


def sms_text(challenge: Challenge, code: str, *, minutes: int, site: str = "") -> str:
    """PURE: the message, with the service it is for and the reference letters of the page; never a link.

    With `site` the last line binds the code to that host (WICG origin-bound one-time codes): a browser fills it in
    there and nowhere else.
    """
    locale = challenge.locale if challenge.locale in TEXTS else "th"
    # A service's name comes from its registration; what looks like a link must not travel under our sender name.
    printable = challenge.service.isprintable() and not {"/", ":"} & set(challenge.service)
    name = challenge.service[:LONGEST_SERVICE] if printable else ""
    service = SERVICE[locale] if not name or channels.carries_link(name) else name
    text = TEXTS[locale].format(code=code, service=service, ref=challenge.ref, minutes=minutes)
    return f"{text}\n@{site} #{code}" if site else text


def _awaited(challenge: Challenge, *, now: datetime) -> bool:
    return challenge.state == "waiting" and challenge.superseded_at is None and challenge.expires_at > now


def _settle(
    session: Session,
    ring: KeyRing,
    challenge: Challenge,
    found: addressees.Found | None,
    leave: Leave | None,
    *,
    now: datetime,
    fixed_code: str | None,
    site: str,
) -> None:
    code = codes.new_code(challenge.digits) if leave else None
    if fixed_code and challenge.hurdle is None:
        code = fixed_code
    snapshot = json.dumps(asdict(found.person)) if found and found.person else None
    settled: Any = session.execute(
        update(Challenge)
        .where(Challenge.id == challenge.id, Challenge.state == "waiting", Challenge.superseded_at.is_(None))
        .values(
            state="resolved",
            code_hash=codes.code_hash(ring, challenge.id, code) if found and code else None,
            subject_id=found.subject_id if found else None,
            snapshot=codes.seal_snapshot(ring, challenge.id, snapshot) if snapshot else None,
            route=leave.route if leave else None,
        )
    )
    if settled.rowcount and found and code and leave:
        _send(session, ring, challenge, found, code, at=leave.at, site=site)
        log.append(session, "otp.sent", now=now, actor=SIGN_IN, subject_id=found.subject_id, codes=("channel:sms",))


def _send(
    session: Session,
    ring: KeyRing,
    challenge: Challenge,
    found: addressees.Found,
    code: str,
    *,
    at: datetime,
    site: str,
) -> None:
    minutes = max(1, round((challenge.expires_at - at) / timedelta(minutes=1)))
    outbox.enqueue(
        session,
        ring,
        kind="sms",
        to=found.phone,
        body=sms_text(challenge, code, minutes=minutes, site=site),
        key=f"otp-{challenge.id}",
        subject_id=found.subject_id,
        until=challenge.expires_at,
        now=at,
    )


def _subject(session: Session, ring: KeyRing, challenge: Challenge, *, now: datetime) -> Subject | None:
    if challenge.subject_id is not None:
        return subjects.get(session, challenge.subject_id)
    national_id, typed = codes.asked(ring, challenge), phone_claims.of(session, ring, challenge.id)
    if typed is not None:
        return provisional.start(session, ring, national_id, typed, now=now, locale=challenge.locale)
    snapshot = codes.open_snapshot(ring, challenge)
    if snapshot is None:
        return None
    person = RegistryPerson(**json.loads(snapshot))
    if not _of_age(person.birth_date, now=now):
        return None
    questions.arrived(session, challenge.network, now=now)
    subject = subjects.create(session, ring, national_id, person, now=now, locale=challenge.locale)
    if Ial(subject.ial) >= cases.PROVES_NUMBER:
        numbers.supersede(session, ring, fingerprint=ring.fingerprint(national_id), now=now)
    return subject


def _of_age(birth_date: str, *, now: datetime) -> bool:
    """An unknown age is no age of majority: such a person is helped at a counter."""
    age = age_on(birth_date, now)
    return age is not None and age >= OF_AGE
