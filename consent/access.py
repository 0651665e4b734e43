"""Decide and log, always both: every door to somebody's data calls this, at every use (PDPA s.27, catalogue rule 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import purposes as catalogue
from consent import questions, standings
from consent.audit import log
from consent.decision import EVERYTHING, NOBODY, About, Asker, Emergency, Reason, Recipient, Standing, Verdict
from consent.questions import NO_ROOMS, Looked, Rooms

USES = frozenset({"introspect", "userinfo.read"})
DENIED = {
    "introspect": "introspect.denied",
    "userinfo.read": "userinfo.denied",
    "decision.asked": "decision.denied",
}


@dataclass(frozen=True)
class Access:
    """The answer for all purposes together, the first reason against (else for), and each purpose's own verdict."""

    permit: bool
    reason: Reason
    verdicts: dict[str, Verdict]


def request_access(
    session: Session,
    *,
    subject_id: UUID,
    recipient: Recipient,
    purposes: Sequence[str],
    client_id: str,
    aal: str | None,
    ial: str | None,
    holder: str = standings.ANY_HOLDER,
    event: str,
    scopes: Sequence[str] | Mapping[str, Sequence[str]] = (),
    acr: str = "",
    write: bool,
    now: datetime,
    actor: log.Actor | None = None,
    asker: Asker = NOBODY,
    about: About = EVERYTHING,
    emergency: Emergency | None = None,
    rooms: Rooms = NO_ROOMS,
) -> Access:
    """Decide for every purpose and write what was decided: one entry per purpose, or one per purpose that refuses.

    `event` is the caller's word for a permission (`introspect`, `userinfo.read`, `token.issued`…); a refusal is
    logged as the matching `….denied`. A permitted `introspect` or `userinfo.read` counts one use of each purpose
    whose uses are limited. `scopes` may be given per purpose. No purpose at all permits nothing. `actor` is the person
    who acts through the client, where it is not the client alone; `asker` is whom the asking side names, `about` the
    data, for standing refusals and for limits of a consent. `rooms` know of visits and guardians.

    `write=False` decides only: for the second and later use of the same token at the same resource server, which the
    caller counts (DECISIONS 20). Raises: NotFound for a purpose outside the catalogue.
    """
    named_scopes = scopes if isinstance(scopes, Mapping) else dict.fromkeys(purposes, scopes)
    looked = questions.look(
        session,
        subject_id=subject_id,
        recipient=recipient,
        purposes=purposes,
        aal=aal,
        ial=ial,
        now=now,
        holder=holder,
        scopes=named_scopes,
        asker=asker,
        about=about,
        emergency=emergency,
        rooms=rooms,
    )
    stand, access = looked.standings, _sum(looked.verdicts)
    if write and access.permit and event in USES:
        access = _count(session, access, stand, client_id=client_id, now=now)
    if write:
        _note(
            session,
            access,
            looked,
            client_id=client_id,
            event=event if access.permit else DENIED.get(event, "token.denied"),
            scopes=named_scopes,
            actor=actor or log.Actor.client(client_id),
            levels=(acr, ial or ""),
            named_holder="" if holder == standings.ANY_HOLDER else holder,
        )
    return access


def _note(
    session: Session,
    access: Access,
    looked: Looked,
    *,
    client_id: str,
    event: str,
    scopes: Mapping[str, Sequence[str]],
    actor: log.Actor,
    levels: tuple[str, str],
    named_holder: str,
) -> None:
    """One entry per purpose, or one per purpose that refuses."""
    named: dict[UUID, str] = {}
    for code, verdict in access.verdicts.items():
        if verdict.permit != access.permit:
            continue
        question, standing = looked.questions[code], looked.standings.get(code)
        log.append(
            session,
            event,
            now=question.now,
            actor=actor,
            subject_id=looked.subject_id,
            client_id=client_id,
            recipient_id=question.recipient.id,
            holder=named_holder,
            purpose=code,
            basis=question.purpose.basis if standing is None else standing.basis,
            consent_id=verdict.record_id,
            codes=(*scopes.get(code, ()), *_followed(verdict)),
            outcome="ok" if access.permit else "denied",
            reason=verdict.reason.value,
            acr=levels[0],
            ial=levels[1],
            named=named,
        )


def _followed(verdict: Verdict) -> tuple[str, ...]:
    """Which standing refusal stopped it, for the person's own line: nobody else's view shows it."""
    return (f"refusal:{verdict.refusal_id}",) if verdict.reason is Reason.standing_refusal else ()


def _sum(verdicts: dict[str, Verdict]) -> Access:
    against = [verdict.reason for verdict in verdicts.values() if not verdict.permit]
    if against or not verdicts:
        return Access(permit=False, reason=against[0] if against else Reason.no_record, verdicts=verdicts)
    return Access(permit=True, reason=next(iter(verdicts.values())).reason, verdicts=verdicts)


def _count(session: Session, access: Access, stand: Mapping[str, Standing], *, client_id: str, now: datetime) -> Access:
    """Count one use of each purpose that counts them, all or none: one that was just spent undoes the rest."""
    counted = {code: found for code, found in stand.items() if found.uses_left is not None}
    if not counted:
        return access
    undo = session.begin_nested()
    for code, found in counted.items():
        if not _used(session, code, found, client_id=client_id, now=now):
            undo.rollback()
            spent = replace(access.verdicts[code], permit=False, reason=Reason.uses_spent, asks=True)
            return _sum({**access.verdicts, code: spent})
    undo.commit()
    return access


def _used(session: Session, code: str, found: Standing, *, client_id: str, now: datetime) -> bool:
    most = catalogue.get(code).max_uses
    if found.record_id is None or most is None:
        return True
    return standings.use(session, found.record_id, client_id=client_id, most=most, now=now)
