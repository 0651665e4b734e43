"""One search or read of consents from beginning to end: who asks, about whom, what comes back, and the entry of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import select

from consent.audit import log
from consent.models import ConsentObjection, ConsentRecord, ConsentRefusal
from consent.specificity import UNSTATED, Stated
from idp import subjects
from idp.fhir import audit_event, search, systems
from idp.fhir.outcome import Resource, Unfit
from idp.fhir.search import MOST, USUAL, Reader, Wanted
from idp.national_id import NationalIdError, parse_national_id
from idp.oauth import known_as, own, resources, stated
from idp.oauth.client_facts import ClientFacts
from idp.oauth.own import Person
from idp.oauth.pipeline import Context, ProtocolRequest, uuid_or_none

PID = "PID"  # the purpose that lets a client know people by their national ID
STATUSES = frozenset({"draft", "proposed", "active", "rejected", "inactive", "entered-in-error"})
NAMES = ("patient", "patient.identifier", "patient:identifier")
STATED = (*stated.ASKER, "data_from", "data_until")  # as introspection takes them
KNOWN = frozenset({*NAMES, *STATED, "status", "actor", "_count", "_at", "_format"})
DIGITS = 6
_OWNERS = tuple((model.subject_id, model.id) for model in (ConsentRecord, ConsentRefusal))
_OWNERS += ((ConsentObjection.subject_id, ConsentObjection.id),)


@dataclass(frozen=True)
class Asked:
    """Who asks, as a machine or as a person."""

    client: ClientFacts | None
    person: Person | None


def asked_by(context: Context, request: ProtocolRequest) -> Asked:
    """A citizen's token with `moph.consent.read`, else a machine with `system/Consent.rs`. Raises: own.Refused."""
    person = own.person(context, request, own.OWN_CONSENTS)
    return Asked(None if person else own.caller(context, request, own.CONSENTS), person)


def find(context: Context, asked: Asked, params: Mapping[str, str], *, in_body: bool) -> Resource:
    """The page of a searchset. `in_body`: the parameters came in a body, where alone a national ID may stand.

    What is stated of a look stands there as well: no link repeats it, so such a page is as long as can be and the last.
    Appends consent.read. Raises: Unfit.
    """
    _check(params)
    wanted = Wanted(_statuses(params), params.get("actor", ""))
    subject_id, reader = _about(context, asked, params, in_body=in_body)
    reader = replace(reader, stated=_stated(params, in_body=in_body))
    found = [] if subject_id is None else search.consents(context, reader, subject_id, wanted)
    _note(context, asked, subject_id)
    by_link = reader.stated == UNSTATED
    at, count = _number(params, "_at", 0), min(MOST, _number(params, "_count", USUAL if by_link else MOST))
    base = f"{context.issuer}/fhir/R4"
    kept = {name: params[name] for name in ("status", "actor", "_count") if name in params}
    if subject_id is not None and found:  # else the links would tell that somebody is known
        kept["patient"] = "Patient/" + context.ring.pairwise(subject_id, reader.sector)  # never as it was typed
    here, further = ({**kept, "_at": str(place)} for place in (at, at + count))
    return search.bundle(
        found,
        base=base,
        at=at,
        count=count,
        self_url=f"{base}/Consent?{urlencode(here)}",
        next_url=f"{base}/Consent?{urlencode(further)}" if by_link else None,
    )


def read(context: Context, asked: Asked, consent_id: UUID) -> Resource:
    """One Consent. Raises: Unfit(404), the same for unknown and for what is none of the reader's business."""
    owner = None
    for column, key in _OWNERS if asked.person is not None else _OWNERS[:2]:
        owner = owner or context.session.scalar(select(column).where(key == consent_id))
    theirs = asked.person is None or owner == asked.person.subject_id
    reader = _reader(context, asked)
    found = search.consents(context, reader, owner, Wanted()) if owner is not None and theirs else []
    one = next((resource for resource in found if resource["id"] == str(consent_id)), None)
    if one is None:
        raise Unfit(404, "not-found", "there is no such Consent")
    _note(context, asked, owner)
    return one


def events(context: Context, request: ProtocolRequest, params: Mapping[str, str]) -> Resource:
    """A page of the person's own entries as AuditEvents, newest first. Raises: own.Refused; Unfit."""
    person = own.person(context, request, own.OWN_LOG)
    if person is None:
        raise own.Refused(401, "invalid_token", "a token of the person, with moph.audit.read.self, is needed")
    if set(params) - {"_count", "_before"}:
        raise Unfit(400, "not-supported", "_count and _before")
    count = min(MOST, max(1, _number(params, "_count", USUAL)))
    before = uuid_or_none(params.get("_before", ""))
    if before is None and "_before" in params:
        raise Unfit(400, "value", "_before: the id of the last one before")
    found = log.of_subject(context.session, person.subject_id, limit=count, before=before)
    base = f"{context.issuer}/fhir/R4"
    here = {name: params[name] for name in ("_count", "_before") if name in params}
    links = [{"relation": "self", "url": f"{base}/AuditEvent" + (f"?{urlencode(here)}" if here else "")}]
    if len(found) == count:
        links.append({"relation": "next", "url": f"{base}/AuditEvent?_count={count}&_before={found[-1].id}"})
    entries = [audit_event.render(one, issuer=context.issuer, own=True) for one in found]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
        "entry": [{"fullUrl": f"{base}/AuditEvent/{one['id']}", "resource": one} for one in entries],
    }


def _about(context: Context, asked: Asked, params: Mapping[str, str], *, in_body: bool) -> tuple[UUID | None, Reader]:
    """Whose consents, and as whom they are read."""
    named = next((params[name] for name in NAMES if params.get(name)), "")
    system, _, value = named.rpartition("|")
    sub = value.removeprefix("Patient/")
    if asked.person is not None:
        mine = not sub or sub == context.ring.pairwise(asked.person.subject_id, asked.person.sector)
        return (asked.person.subject_id if mine else None), _reader(context, asked)
    if system == systems.CID or _looks_like_a_number(sub):
        return _by_number(context, asked, sub, in_body=in_body), _reader(context, asked)
    if not sub or system not in ("", context.issuer + systems.SUB):
        raise Unfit(400, "required", "patient: the sub of the person, as this client knows them")
    return _by_sub(context, asked, sub)


def _by_number(context: Context, asked: Asked, typed: str, *, in_body: bool) -> UUID | None:
    """By national ID: in a body alone, and for clients that may know people by it. The number is not quoted."""
    if not in_body:
        raise Unfit(400, "security", "a national ID stands in the body of POST _search alone, never in an address")
    if asked.client is None or not _may_know_numbers(context, asked.client):
        raise Unfit(403, "forbidden", "this client is not registered to know people by their national ID")
    try:
        number = parse_national_id(typed)
    except NationalIdError as error:
        raise Unfit(400, "value", "this is no national ID") from error
    subject = subjects.find_by_national_id(context.session, context.ring, number)
    return None if subject is None else subject.id


def _stated(params: Mapping[str, str], *, in_body: bool) -> Stated:
    """Who would look, at which time; what a caller writes freely comes into no address. Raises: Unfit."""
    if not in_body and set(params) & set(STATED):
        raise Unfit(400, "security", "what is stated of a look stands in the body of POST _search alone")
    try:
        return stated.of_form(params)
    except stated.NotStatedError as error:
        raise Unfit(400, "value", f"{error}: malformed") from error


def _by_sub(context: Context, asked: Asked, sub: str) -> tuple[UUID | None, Reader]:
    client = asked.client
    sectors = known_as.sectors_of(context.session, client) if client else frozenset()
    for sector in sorted(sectors):
        found = known_as.person(context.session, sub, sectors=[sector])
        if found is not None:
            return found, _reader(context, asked, sector=sector)
    return None, _reader(context, asked)


def _reader(context: Context, asked: Asked, *, sector: str | None = None) -> Reader:
    if asked.person is not None:
        return search.person(asked.person.sector, own=not asked.person.acting)
    client = asked.client
    if client is None:
        raise Unfit(401, "login", "nobody asks")
    places = resources.of_client(context.session, client.id)
    usual = next((places[name].sector for name in sorted(places)), client.sector)
    return search.machine(context, client, sector=sector or usual)


def _may_know_numbers(context: Context, client: ClientFacts) -> bool:
    """Whether this client, or another of its organisation, is registered for the purpose that shares the number."""
    return known_as.registered_for(context.session, client, PID)


def _note(context: Context, asked: Asked, subject_id: UUID | None) -> None:
    """A machine's look is an entry; a person's own is one already."""
    if asked.client is None:
        return
    log.append(
        context.session,
        "consent.read",
        now=context.now,
        actor=log.Actor.client(asked.client.id),
        subject_id=subject_id,
        client_id=asked.client.id,
        recipient_id=asked.client.legal_entity_id,
    )


def _check(params: Mapping[str, str]) -> None:
    if set(params) - KNOWN:
        raise Unfit(
            400,
            "not-supported",
            "search by patient, patient.identifier, status, actor, _count; asker_ and data_ as stated",
        )
    if not _statuses(params) <= STATUSES:
        raise Unfit(400, "value", "status: active, inactive")


def _statuses(params: Mapping[str, str]) -> frozenset[str]:
    """Tokens, `code` or `system|code`; of another system none is known (FHIR R4 3.1.1.4.10)."""
    named = filter(None, params.get("status", "").split(","))
    return frozenset(one.removeprefix(f"{systems.CONSENT_STATE}|") for one in named)


def _number(params: Mapping[str, str], name: str, usual: int) -> int:
    text = params.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise Unfit(400, "value", f"{name}: a number")
    return int(text)


def _looks_like_a_number(text: str) -> bool:
    try:
        return bool(parse_national_id(text))
    except NationalIdError:
        return False
