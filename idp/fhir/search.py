"""Whose consents a caller may see: a receiver its own, a holder those for its data, a person all of their own.

A machine is told what introspection would tell the same asker: where a standing refusal bites there is nothing at all,
as if nobody had ever been asked, and where it does not (another unit, another day) the consent is there as ever. So two
interfaces side by side tell no more than one. Someone unknown and someone without consents are answered alike.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from consent import questions, refusing
from consent.db import table_of
from consent.decision import Reason, Verdict, decide
from consent.errors import NotFound
from consent.models import (
    ConsentNotice,
    ConsentRecord,
    ConsentRefusal,
    ConsentStanding,
    ConsentUse,
    ConsentWithdrawal,
)
from consent.refusing import RefusalView
from consent.specificity import UNSTATED, About, Stated
from consent.standings import ANY_HOLDER
from idp import circumstances, directory
from idp.fhir import consent
from idp.fhir.consent import Around
from idp.fhir.outcome import Resource
from idp.oauth import clients, resources
from idp.oauth.client_facts import ClientFacts
from idp.oauth.grants import Grant, GrantConsent
from idp.oauth.pipeline import Context
from idp.subjects import PersonSealer

MOST, USUAL = 100, 20
_S, _USES = table_of(ConsentStanding).c, table_of(ConsentUse).c
_USED = select(func.count()).where(_USES.record_id == _S.record_id).scalar_subquery()
_COLUMNS = (ConsentWithdrawal.withdrawn_at, ConsentNotice.version.label("notice_version"), _USED.label("used"))
_OF_PERSON = (
    select(ConsentStanding, ConsentRecord, ConsentRefusal, *_COLUMNS)
    .outerjoin(ConsentRecord, ConsentRecord.id == ConsentStanding.record_id)
    .outerjoin(ConsentRefusal, ConsentRefusal.id == ConsentStanding.refusal_id)
    .outerjoin(ConsentNotice, ConsentNotice.id == ConsentRefusal.notice_id)
    .outerjoin(ConsentWithdrawal, ConsentWithdrawal.record_id == ConsentStanding.record_id)
    .where(ConsentStanding.subject_id == bindparam("person"))
    .order_by(ConsentStanding.moved_at.desc(), ConsentStanding.purpose)
)
_LED = (
    select(Grant.client_id, Grant.resource)
    .join(GrantConsent, GrantConsent.grant_id == Grant.id)
    .where(GrantConsent.record_id == bindparam("record"))
    .distinct()
)


@dataclass(frozen=True)
class Reader:
    """Who reads. `sees` says which answers are its business; `sector` under which `sub` it knows people.

    `takes`: which scopes it has any use for. `stated`: who would look, at which time, as introspection is told it.
    `own`: it is the person themselves, who alone sees what they refuse in general.
    """

    sees: Callable[[str, ConsentRecord | ConsentRefusal], bool]
    sector: str
    machine: bool
    takes: Callable[[str], bool] = lambda _scope: True
    stated: Stated = UNSTATED
    own: bool = False


@dataclass(frozen=True)
class Wanted:
    """What is searched for: empty means any. `actor`: a receiver's id or the code of one of its facilities."""

    status: frozenset[str] = frozenset()
    actor: str = ""


def machine(context: Context, client: ClientFacts, *, sector: str, stated: Stated = UNSTATED) -> Reader:
    """A system of a receiver, or a holder: its own business alone.

    A consent about data "at any holder" is the business of the places that a grant on it is for: they may be shown a
    token. Other places have not met it, whatever number of the person they know.
    """
    places = resources.of_client(context.session, client.id)

    def takes(scope: str) -> bool:
        return not places or any(place.takes(scope) for place in places.values())

    def sees(holder: str, act: ConsentRecord | ConsentRefusal) -> bool:
        if act.recipient_id == client.legal_entity_id:
            return True
        if isinstance(act, ConsentRefusal):
            return False  # a no concerns nobody but whoever asked
        met = _led_to(context, act.id) if holder == ANY_HOLDER and places else {holder}
        here = [place for name, place in places.items() if name in met]
        return any(place.takes(scope) for place in here for scope in act.scopes.split())

    return Reader(sees, sector, machine=True, takes=takes, stated=stated)


def person(sector: str, *, own: bool) -> Reader:
    """The person themselves (`own`), or who acts for them: every answer."""
    return Reader(lambda _holder, _act: True, sector, machine=False, own=own)


def _led_to(context: Context, record_id: UUID) -> set[str]:
    """The places that grants on this record are or were for; who named none meant its client's own."""
    named: set[str] = set()
    for client_id, asked in context.session.execute(_LED, {"record": record_id}):
        client = clients.find(context.session, client_id)
        default = (client.default_resource,) if client and client.default_resource else ()
        named.update(json.loads(asked) or default)
    return named


def consents(context: Context, reader: Reader, subject_id: UUID, wanted: Wanted) -> list[Resource]:
    """Every Consent of this person that the reader may see and wants, latest answer first."""
    found = [
        resource
        for row in context.session.execute(_OF_PERSON, {"person": subject_id}).all()
        for resource in _of_row(context, reader, row)
    ]
    found += _standing_refusals(context, reader, subject_id) if reader.own else []
    return [one for one in found if fits(one, wanted)]


def fits(resource: Mapping[str, Any], wanted: Wanted) -> bool:
    """PURE: whether a Consent is one that is searched for."""
    if wanted.status and resource["status"] not in wanted.status:
        return False
    known: set[str] = set()
    for one in resource["provision"].get("actor", ()):
        actor = one["reference"]
        known |= {actor.get("reference", ""), actor.get("reference", "").removeprefix("Organization/")}
        known.add(actor.get("identifier", {}).get("value", ""))
    return not wanted.actor or wanted.actor in known


def _of_row(context: Context, reader: Reader, row: Any) -> Iterator[Resource]:
    standing, record, refusal = row.ConsentStanding, row.ConsentRecord, row.ConsentRefusal
    verdict = _verdict(context, reader, standing, record)
    if verdict.reason is Reason.standing_refusal:
        return  # the same nothing as of somebody who was never asked
    if refusal is not None and reader.sees(standing.holder, refusal):
        around = _around(context, reader, refusal.recipient_id, refusal.subject_id, refusal.actor_id)
        denies = standing.state == "refused"
        yield consent.of_refusal(refusal, around, active=denies, notice_version=row.notice_version)
    if record is not None and record.kind == "consent" and reader.sees(standing.holder, record):
        spent = standing.max_uses is not None and row.used >= standing.max_uses
        active = standing.state == "given" and record.runs_at(context.now) and not spent and verdict.permit
        ended = row.withdrawn_at or (record.given_at if active else min(record.expires_at, context.now))
        around = _around(context, reader, record.recipient_id, record.subject_id, record.actor_id)
        yield consent.of_record(record, around, active=active, changed_at=ended)


def _standing_refusals(context: Context, reader: Reader, subject_id: UUID) -> list[Resource]:
    """What the person refuses in general, lifted ones too, newest first."""
    views = refusing.of_subject(context.session, PersonSealer(context.ring, context.session), subject_id)
    return [consent.of_standing_refusal(view, _around_refusal(context, reader, subject_id, view)) for view in views]


def _around_refusal(context: Context, reader: Reader, subject_id: UUID, view: RefusalView) -> Around:
    around = _around(context, reader, view.refusal.recipient_id, subject_id, view.actor_id)
    if not view.refusal.hcode:
        return around
    name = directory.facility_name(context.session, view.refusal.hcode, locale="en") or around.recipient_name
    return replace(around, hcode=view.refusal.hcode, recipient_name=name)


def _verdict(context: Context, reader: Reader, standing: ConsentStanding, record: ConsentRecord | None) -> Verdict:
    """The live decision for whoever asks: visits, guardians, ages by the clock, and for machines standing refusals.

    Levels are asked of tokens, not of consents. Where no time is stated, the question is about the consent's own.
    """
    scopes = [] if record is None else list(filter(reader.takes, record.scopes.split()))
    looked = questions.look(
        context.session,
        subject_id=standing.subject_id,
        recipient=directory.recipient_of(context.session, standing.recipient_id, now=context.now),
        purposes=[standing.purpose],
        aal=None,
        ial=None,
        now=context.now,
        holder=standing.holder,
        scopes={standing.purpose: scopes},
        asker=reader.stated.asker,
        about=_about(reader.stated.about, record),
        rooms=circumstances.ROOMS,
    )
    if reader.machine:
        return looked.verdict(standing.purpose)
    question = replace(looked.questions[standing.purpose], refusals=())  # to the person both are shown, side by side
    return decide(question, looked.standings.get(standing.purpose))


def _about(stated: About, record: ConsentRecord | None) -> About:
    if record is None or stated.data_from is not None or stated.data_until is not None:
        return stated
    return replace(stated, data_from=record.data_from, data_until=record.data_until)


def _around(context: Context, reader: Reader, recipient_id: UUID | None, subject_id: UUID, actor_id: UUID) -> Around:
    name, hcode = "", ""
    if recipient_id is not None:
        hcode = directory.hcode_of(context.session, recipient_id) or ""
        try:
            name = directory.recipient_of(context.session, recipient_id, now=context.now).name_en
        except NotFound:
            name = str(recipient_id)
    return Around(
        issuer=context.issuer,
        patient=context.ring.pairwise(subject_id, reader.sector),
        performer=context.ring.pairwise(actor_id, reader.sector),
        recipient_name=name,
        hcode=hcode,
    )


def bundle(found: list[Resource], *, base: str, at: int, count: int, self_url: str, next_url: str | None) -> Resource:
    """A searchset of one page (FHIR R4 section 3.1.1.5)."""
    links = [{"relation": "self", "url": self_url}]
    links += [{"relation": "next", "url": next_url}] if next_url and count and at + count < len(found) else []
    entries = [
        {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in found[at : at + count]
    ]
    shown = {"entry": entries} if entries else {}  # section 2.6.2: no array is empty
    return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links, **shown}
