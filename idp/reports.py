"""What data holders report about their own reads, as entries of the log; how silent each is (PDPA s.27, s.30).

A report counts only for the caller's own place, about a person whom that place knows by this very `sub`, on a grant
that opens something there. Each report is taken once: its id and a keyed hash of what it said are kept, so that a
repeat writes nothing and another story under the same id is refused.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, bindparam, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent import purposes, reach
from consent.audit import log
from consent.db import Base, InsertOnce, Plain, table_of
from consent.models import ConsentRecord
from idp import directory
from idp.fhir import reported
from idp.fhir.outcome import Unfit
from idp.fhir.reported import Report
from idp.oauth import clients, live, resources
from idp.oauth.client_facts import ClientFacts
from idp.oauth.grants import Grant, GrantConsent
from idp.oauth.live import GrantFacts
from idp.oauth.pipeline import Context
from idp.oauth.resources import ResourceFacts

OPENED, REFUSED = "data.opened", "data.refused"
SIGN_IN = "SIGNIN"  # says who, and opens nothing
BEYOND = "beyond"  # more than what was granted there: told all the same


class HolderReport(Base):
    """One report that was taken. It names nobody: the entries that it became do, by a pseudonym."""

    __tablename__ = "holder_report"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (Index("ix_holder_report_holder_reported_at", "holder", "reported_at"),)

    client_id: Mapped[Plain] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    holder: Mapped[Plain]
    body_mac: Mapped[Plain]
    read_at: Mapped[datetime]
    reported_at: Mapped[datetime]


_once = InsertOnce(HolderReport)
_R = table_of(HolderReport).c
_KEPT = select(_R.body_mac).where(_R.client_id == bindparam("client"), _R.report_id == bindparam("report"))
_RESTS_ON = (
    select(GrantConsent.purpose, ConsentRecord.id, ConsentRecord.basis)
    .join(ConsentRecord, ConsentRecord.id == GrantConsent.record_id)
    .where(GrantConsent.grant_id == bindparam("grant"))
)
_LAST = select(func.max(_R.reported_at)).where(_R.holder == bindparam("holder"))
_ASKED_FOR = (
    select(Grant.client_id, Grant.resource)
    .where(or_(Grant.patient_id == bindparam("person"), Grant.subject_id == bindparam("person")))
    .distinct()
)


@dataclass(frozen=True)
class Coverage:
    """One place that may hold data of a person, and when it last reported a read of anybody's; None: never yet."""

    holder: str
    client_id: str
    last: datetime | None


def receive(context: Context, client: ClientFacts, body: Mapping[str, Any]) -> tuple[Report, bool]:
    """Take one report; True when it is new, False when the same one came before. Appends data.opened or data.refused.

    Raises: Unfit. A person or grant that this place cannot know is refused alike, whatever of it exists.
    """
    report = reported.read(body, issuer=context.issuer, now=context.now)
    place = resources.of_client(context.session, client.id).get(report.observer)
    if place is None:
        raise Unfit(403, "forbidden", "source.observer: a place of your own")
    grant = _grant(context, report, place)
    _check_unit(context, report, grant)
    if not _first(context, client, report, body):
        return report, False
    _append(context, client, report, grant, place)
    return report, True


def coverage(session: Session, subject_id: UUID) -> list[Coverage]:
    """The places that this person's permissions lead to, by name: who speaks and who is silent."""
    named: set[str] = set()
    for client_id, asked in session.execute(_ASKED_FOR, {"person": subject_id}):
        client = clients.find(session, client_id)
        default = (client.default_resource,) if client and client.default_resource else ()
        named.update(json.loads(asked) or default)
    known = (resources.find(session, identifier) for identifier in sorted(named))
    return [
        Coverage(place.identifier, place.client_id or "", session.scalar(_LAST, {"holder": place.identifier}))
        for place in known
        if place is not None
    ]


def _grant(context: Context, report: Report, place: ResourceFacts) -> GrantFacts:
    """The grant of the report, running or not: a read is told after it happened."""
    grant = live.find_grant(context, report.grant_id)
    known = "" if grant is None else context.ring.pairwise(grant.data_subject_id, place.sector)
    if grant is None or not hmac.compare_digest(known, report.sub):
        raise Unfit(422, "not-found", "no such grant about this person at this place")
    return grant


def _check_unit(context: Context, report: Report, grant: GrantFacts) -> None:
    """The facility that read is one of the receiver's."""
    entity = directory.entity_of(context.session, report.hcode) if report.hcode else grant.recipient_id
    if entity != grant.recipient_id:
        raise Unfit(422, "invalid", "agent.who: a facility of whoever the grant is for")


def _first(context: Context, client: ClientFacts, report: Report, body: Mapping[str, Any]) -> bool:
    said = context.ring.mac("fingerprint", "holder-report", json.dumps(body, sort_keys=True)).hex()
    row = {
        "client_id": client.id,
        "report_id": report.id,
        "holder": report.observer,
        "body_mac": said,
        "read_at": report.read_at,
        "reported_at": context.now,
    }
    if _once(context.session, row):
        return True
    before = context.session.scalar(_KEPT, {"client": client.id, "report": report.id})
    if before != said:
        raise Unfit(409, "duplicate", "another report came under this id")
    return False


def _append(context: Context, client: ClientFacts, report: Report, grant: GrantFacts, place: ResourceFacts) -> None:
    """One entry for each purpose that the data belongs to."""
    rests = {row.purpose: row for row in context.session.execute(_RESTS_ON, {"grant": grant.id})}
    named: dict[UUID, str] = {}
    for code, kinds in by_purpose(report.data, _open_here(grant, place)).items():
        rest = rests.get(code)
        log.append(
            context.session,
            OPENED if report.outcome == "ok" else REFUSED,
            now=context.now,
            actor=log.Actor.client(client.id),
            subject_id=grant.data_subject_id,
            client_id=grant.client_id,
            recipient_id=grant.recipient_id,
            holder=place.identifier,
            purpose=code,
            basis=rest.basis if rest else (purposes.get(code).basis if code else ""),
            consent_id=rest.id if rest else None,
            codes=(*(f"data:{kind}" for kind in kinds), *_marks(report, grant)),
            acr=grant.aal.acr,
            outcome=report.outcome,
            reason="" if code else BEYOND,
            named=named,
        )


def _open_here(grant: GrantFacts, place: ResourceFacts) -> dict[str, tuple[str, ...]]:
    """The kinds of data that the grant opens at this place, by purpose; who signs in opens nothing."""
    held = {code: tuple(filter(place.takes, scopes)) for code, scopes in grant.scopes.items() if code != SIGN_IN}
    return {code: reach.of_scopes(purposes.get(code), scopes) for code, scopes in held.items() if scopes}


def by_purpose(data: tuple[tuple[str, ...], ...], opened: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """PURE: each thing that was opened, under the first purpose that opens it; under "" what no purpose opens."""
    found: dict[str, set[str]] = {}
    for kinds in data:
        code = next((code for code, of in opened.items() if set(of) & set(kinds)), "")
        found.setdefault(code, set()).update(set(kinds) & set(opened[code]) if code else kinds)
    return {code: tuple(sorted(kinds)) for code, kinds in found.items()}


def _marks(report: Report, grant: GrantFacts) -> tuple[str, ...]:
    """When, and who: the unit and the part in it, never a person (PDPA protects staff, too)."""
    treating = grant.treatment
    hcode = report.hcode or (treating.hcode if treating else "")
    role = report.role or ("practitioner" if treating else "")
    acting = grant.proxy.kind if grant.proxy else ""
    words = {"hcode": hcode, "role": role, "unit": report.unit, "proxy": acting}
    read_at = report.read_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return (f"read:{read_at}", *(f"{name}:{word}" for name, word in words.items() if word))
