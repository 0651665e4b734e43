"""The story of a proof: evidence of one act is kept → all that the person has is weighed → the account's level moves.

The level of an account changes here and nowhere else. The first proof at IAL1.3 makes the number the person's own:
provisional accounts that others opened with it are closed and told (DECISIONS 1).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id
from consent.errors import NotAllowed
from idp import alerts, subjects
from idp.abuse import failures
from idp.assurance import Ial
from idp.keys import KeyRing
from idp.proofing import numbers
from idp.proofing.adjudicate import ACT_OPEN, Verdict, adjudicate
from idp.proofing.evidence import Evidence
from idp.proofing.models import EvidenceRow
from idp.subjects import Subject

PROVES_NUMBER = Ial.IAL1_3
BASES = {"registry": "register", "phone": "phone"}  # what an account can begin with, by the word on its row
MOST_EXPIRED = 200
LAPSED = "lapsed"  # ran out, and nobody has weighed what is left yet
WORKER = Actor.system("worker")


def record(
    session: Session, ring: KeyRing, *, subject_id: UUID, evidence: Sequence[Evidence], actor: Actor, now: datetime
) -> Verdict:
    """Keep the evidence of one act, weigh all that this person has, and move the account to what that gives.

    An item that names an `act` of the last 24 hours completes that act. Tells the person when their level changed.
    Appends proofing.evidence_checked, then proofing.passed, or proofing.failed when something spoke against them.
    Raises: NotFound; NotAllowed(code "account_closed" or "deceased"); Conflict(code "bound") when the number is the
    proved number of another account; ValueError for an act that is not theirs or is over. Nothing is kept then.
    """
    subject = subjects.hold(session, subject_id)
    if subject.status != "active":
        code = "deceased" if subject.status == "deceased" else "account_closed"
        raise NotAllowed("This account is closed.", code=code)
    known = _known(session, subject)
    act = new_id()
    new = [replace(one, act=one.act or act) for one in evidence]
    _refuse_other_acts(new, [one for one in known if one.act is not None], fresh=act, now=now)
    _write(session, subject.id, [*(() if _has_base(session, subject) else known[:1]), *new])
    _note(session, "proofing.evidence_checked", subject, new, actor=actor, now=now)
    verdict = adjudicate([*known, *new], now)
    if verdict.ial >= PROVES_NUMBER and any(one.is_good for one in new):
        numbers.prove(session, ring, subject, now=now)
        failures.reopen(session, subject.id)  # whoever guessed at codes by SMS, it was not this person's doing
    _move(session, ring, subject, verdict, now=now)
    bad = not all(one.is_good for one in new)
    _note(session, "proofing.failed" if bad else "proofing.passed", subject, new, actor=actor, now=now)
    return verdict


def weaken(session: Session, ring: KeyRing, *, subject_id: UUID, to: Ial, actor: Actor, now: datetime) -> Verdict:
    """The account came back by something weaker: what was proved before counts up to `to` until it is proved anew.

    Record a card, a face or ThaID after this call, and the level is what they give. Raises: as `record`.
    """
    weak = Evidence("recovery", "recovery", now, finding="weak", stated=to)
    return record(session, ring, subject_id=subject_id, evidence=[weak], actor=actor, now=now)


def standing(session: Session, subject_id: UUID, *, now: datetime) -> Verdict:
    """The account's level as every reader counts it now. Raises: NotFound."""
    subject = subjects.get(session, subject_id)
    until = subject.ial_expires_at
    if until is not None and until <= now:
        return Verdict(Ial.IAL1_1, LAPSED, until, None)
    return Verdict(Ial(subject.ial), subject.ial_method, subject.ial_at, until)


def evidence_of(session: Session, subject_id: UUID) -> list[Evidence]:
    """All evidence about a person in the order in which it was written, from what their account began with."""
    return _known(session, subjects.get(session, subject_id))


def expire(session: Session, ring: KeyRing, *, now: datetime) -> int:
    """Move every account whose level has run out to what is left, and say so; how many. Appends proofing.expired."""
    lapsed = session.scalars(
        select(Subject.id)
        .where(Subject.ial_expires_at <= now, Subject.status == "active")
        .order_by(Subject.id)
        .limit(MOST_EXPIRED)
    ).all()
    moved = 0
    for subject_id in lapsed:
        subject = subjects.hold(session, subject_id)
        if subject.ial_expires_at is None or subject.ial_expires_at > now or subject.status != "active":
            continue  # another worker was first, or the person has just proved themselves again
        _move(session, ring, subject, adjudicate(_known(session, subject), now), now=now)
        _note(session, "proofing.expired", subject, (), actor=WORKER, now=now)
        moved += 1
    return moved


def _known(session: Session, subject: Subject) -> list[Evidence]:
    rows = session.scalars(
        select(EvidenceRow).where(EvidenceRow.subject_id == subject.id).order_by(EvidenceRow.at, EvidenceRow.id)
    ).all()
    return [_read(row) for row in rows] or [_base(subject)]


def _has_base(session: Session, subject: Subject) -> bool:
    return session.scalar(select(EvidenceRow.id).where(EvidenceRow.subject_id == subject.id).limit(1)) is not None


def _base(subject: Subject) -> Evidence:
    """What an account began with; it is written down with the first evidence that comes after it."""
    method = BASES[subject.ial_method]
    stated = Ial(subject.ial) if method == "register" else None
    return Evidence(method, subject.ial_method, subject.ial_at, expires_at=subject.ial_expires_at, stated=stated)


def _read(row: EvidenceRow) -> Evidence:
    return Evidence(
        row.method,
        row.source,
        row.at,
        expires_at=row.expires_at,
        finding=row.finding,
        stated=None if row.stated is None else Ial(row.stated),
        check_id=row.check_id,
        checked_by=row.checked_by,
        act=row.act,
    )


def _write(session: Session, subject_id: UUID, evidence: Sequence[Evidence]) -> None:
    for one in evidence:
        row = EvidenceRow(
            id=new_id(),
            subject_id=subject_id,
            act=one.act or new_id(),
            method=one.method,
            source=one.source,
            finding=one.finding,
            stated=None if one.stated is None else one.stated.value,
            check_id=one.check_id,
            checked_by=one.checked_by,
            at=one.at,
            expires_at=one.expires_at,
        )
        session.add(row)
    session.flush()


def _refuse_other_acts(new: Sequence[Evidence], known: Sequence[Evidence], *, fresh: UUID, now: datetime) -> None:
    open_acts = {one.act for one in known if now - one.at <= ACT_OPEN} | {fresh}
    if any(one.act not in open_acts for one in new):
        raise ValueError("this evidence names an act that is not this person's, or is over")


def _move(session: Session, ring: KeyRing, subject: Subject, verdict: Verdict, *, now: datetime) -> None:
    changed = Ial(subject.ial) != verdict.ial
    subject.ial, subject.ial_method = verdict.ial.value, verdict.method
    subject.ial_at, subject.ial_expires_at = verdict.at, verdict.expires_at
    session.flush()
    if changed:
        alerts.tell(
            session, ring, subject_id=subject.id, kind="level_changed", now=now, detail_code=f"IAL {verdict.ial.value}"
        )


def _note(
    session: Session, event: str, subject: Subject, evidence: Sequence[Evidence], *, actor: Actor, now: datetime
) -> None:
    """What was checked and what it gave; never by which number, nor what the source said of it."""
    log.append(
        session,
        event,
        now=now,
        actor=actor,
        subject_id=subject.id,
        codes=sorted({f"{one.method}:{one.finding}" for one in evidence}),
        ial=subject.ial,
        outcome="failed" if event == "proofing.failed" else "ok",
    )
