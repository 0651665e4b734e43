"""Whose consents a caller may see: a receiver its own, a holder those for its data, a person all of their own.

A machine sees an answer only as far as the live decision lets it: where a standing refusal bites, there is nothing at
all, as if nobody had ever been asked. Someone unknown and someone without consents are answered alike.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from consent import questions
from consent.db import table_of
from consent.errors import NotFound
from consent.models import ConsentRecord, ConsentRefusal, ConsentStanding, ConsentUse, ConsentWithdrawal
from consent.standings import ANY_HOLDER
from idp import circumstances, directory
from idp.fhir import consent
from idp.fhir.consent import Around
from idp.fhir.outcome import Resource
from idp.oauth import resources
from idp.oauth.client_facts import ClientFacts
from idp.oauth.pipeline import Context

MOST, USUAL = 100, 20
_S, _USES = table_of(ConsentStanding).c, table_of(ConsentUse).c
_USED = select(func.count()).where(_USES.record_id == _S.record_id).scalar_subquery()
_OF_PERSON = (
    select(ConsentStanding, ConsentRecord, ConsentRefusal, ConsentWithdrawal.withdrawn_at, _USED.label("used"))
    .outerjoin(ConsentRecord, ConsentRecord.id == ConsentStanding.record_id)
    .outerjoin(ConsentRefusal, ConsentRefusal.id == ConsentStanding.refusal_id)
    .outerjoin(ConsentWithdrawal, ConsentWithdrawal.record_id == ConsentStanding.record_id)
    .where(ConsentStanding.subject_id == bindparam("person"))
    .order_by(ConsentStanding.moved_at.desc(), ConsentStanding.purpose)
)


@dataclass(frozen=True)
class Reader:
    """Who reads. `sees` says which answers are its business; `sector` under which `sub` it knows people."""

    sees: Callable[[str, ConsentRecord | ConsentRefusal], bool]
    sector: str
    machine: bool


@dataclass(frozen=True)
class Wanted:
    """What is searched for: empty means any. `actor`: a receiver's id or the code of one of its facilities."""

    status: frozenset[str] = frozenset()
    actor: str = ""


def machine(context: Context, client: ClientFacts, *, sector: str) -> Reader:
    """A system of a receiver, or a holder: its own business alone."""
    places = resources.of_client(context.session, client.id)

    def sees(holder: str, act: ConsentRecord | ConsentRefusal) -> bool:
        if act.recipient_id == client.legal_entity_id:
            return True
        if isinstance(act, ConsentRefusal):
            return False  # a no concerns nobody but whoever asked
        here = places.values() if holder == ANY_HOLDER else [place for name, place in places.items() if name == holder]
        return any(place.takes(scope) for place in here for scope in act.scopes.split())

    return Reader(sees, sector, machine=True)


def person(sector: str) -> Reader:
    """The person themselves, or who acts for them: everything."""
    return Reader(lambda _holder, _act: True, sector, machine=False)


def consents(context: Context, reader: Reader, subject_id: UUID, wanted: Wanted) -> list[Resource]:
    """Every Consent of this person that the reader may see and wants, latest answer first."""
    found = [
        resource
        for row in context.session.execute(_OF_PERSON, {"person": subject_id}).all()
        for resource in _of_row(context, reader, row)
    ]
    return [one for one in found if fits(one, wanted)]


def fits(resource: Mapping[str, Any], wanted: Wanted) -> bool:
    """PURE: whether a Consent is one that is searched for."""
    if wanted.status and resource["status"] not in wanted.status:
        return False
    actor = resource["provision"]["actor"][0]["reference"]
    known = {actor["reference"], actor["reference"].removeprefix("Organization/")}
    known.add(actor.get("identifier", {}).get("value", ""))
    return not wanted.actor or wanted.actor in known


def _of_row(context: Context, reader: Reader, row: Any) -> Iterator[Resource]:
    standing, record, refusal = row.ConsentStanding, row.ConsentRecord, row.ConsentRefusal
    if reader.machine and _hidden(context, standing):
        return
    if refusal is not None and reader.sees(standing.holder, refusal):
        around = _around(context, reader, refusal)
        yield consent.of_refusal(refusal, around, active=standing.state == "refused")
    if record is not None and record.kind == "consent" and reader.sees(standing.holder, record):
        spent = standing.max_uses is not None and row.used >= standing.max_uses
        active = standing.state == "given" and record.runs_at(context.now) and not spent
        active = active and _runs(context, standing)
        ended = row.withdrawn_at or (record.given_at if active else min(record.expires_at, context.now))
        yield consent.of_record(record, _around(context, reader, record), active=active, changed_at=ended)


def _hidden(context: Context, standing: ConsentStanding) -> bool:
    """Whether a standing refusal of the person bites here: then nobody may see that there is anything."""
    return _verdict(context, standing).refusal_id is not None


def _runs(context: Context, standing: ConsentStanding) -> bool:
    """The live decision (visits, guardians, ages by the clock); levels are asked of tokens, not of consents."""
    verdict = _verdict(context, standing)
    return verdict.permit or verdict.refusal_id is not None


def _verdict(context: Context, standing: ConsentStanding) -> Any:
    recipient = directory.recipient_of(context.session, standing.recipient_id, now=context.now)
    looked = questions.look(
        context.session,
        subject_id=standing.subject_id,
        recipient=recipient,
        purposes=[standing.purpose],
        aal=None,
        ial=None,
        now=context.now,
        holder=standing.holder,
        rooms=circumstances.ROOMS,
    )
    return looked.verdict(standing.purpose)


def _around(context: Context, reader: Reader, act: ConsentRecord | ConsentRefusal) -> Around:
    try:
        name = directory.recipient_of(context.session, act.recipient_id, now=context.now).name_en
    except NotFound:
        name = str(act.recipient_id)
    return Around(
        issuer=context.issuer,
        patient=context.ring.pairwise(act.subject_id, reader.sector),
        performer=context.ring.pairwise(act.actor_id, reader.sector),
        recipient_name=name,
        hcode=directory.hcode_of(context.session, act.recipient_id) or "",
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
