"""PURE: what a data holder reports about one read, from its AuditEvent (FHIR R4; IHE BALP, "OAuth minimal").

Read strictly and kept narrowly. Every word that stays is of a closed list (kinds of data, units, roles, outcomes); all
else (names, addresses, ids of records, free text) is not even looked at, so that nothing personal can come in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from consent import purposes, reach
from idp.fhir import systems
from idp.fhir.outcome import Unfit

OUTCOMES = {"0": "ok", "4": "denied", "8": "failed", "12": "failed"}  # FHIR AuditEvent.outcome
READS = frozenset({"read", "vread", "history-instance", "history-type", "search", "search-type"})
UNITS = ("ER", "OPD", "IPD", "ICU", "LAB", "XRAY", "PHARM", "DENT", "ANC", "OR", "TELE", "REC")
STAFF_ROLES = ("practitioner", "nurse", "pharmacist", "dentist", "technologist", "clerk", "system")
KINDS = frozenset(kind for row in purposes.all() for kind in row.data_categories)
PATIENT, DATA = "1", ("3", "4")  # object-role: Patient; Report, Domain Resource
AHEAD, LATE = timedelta(seconds=60), timedelta(days=90)
MOST_DATA = 20
LONGEST_SUB = 128


@dataclass(frozen=True)
class Report:
    """One read (or refused try) at one holder. `sub`: the person as this holder knows them.

    `data`: for each thing that was opened, the kinds of data that it may be. `grant_id`: what the read rested on.
    `unit`, `role` and `hcode` say who read, where the reader is no application.
    """

    id: UUID
    read_at: datetime
    observer: str
    grant_id: UUID
    sub: str
    data: tuple[tuple[str, ...], ...]
    outcome: str
    hcode: str = ""
    role: str = ""
    unit: str = ""


def read(body: object, *, issuer: str, now: datetime) -> Report:
    """The report in an AuditEvent. Raises: Unfit, 400 for what is no AuditEvent, 422 for what says too little."""
    if not isinstance(body, Mapping) or body.get("resourceType") != "AuditEvent":
        raise Unfit(400, "structure", "the body is no AuditEvent")
    agent = next((one for one in _maps(body.get("agent")) if one.get("requestor") is True), {})
    entities = _maps(body.get("entity"))
    return Report(
        id=_uuid(body.get("id"), "id: a UUID of your own, so that a repeat is known"),
        read_at=_moment(body, now=now),
        observer=str(_map(_map(_map(body.get("source")).get("observer")).get("identifier")).get("value") or ""),
        grant_id=_grant(agent, issuer),
        sub=_patient(entities),
        data=_data(entities, issuer),
        outcome=_known(OUTCOMES, body.get("outcome", "0"), "outcome"),
        hcode=_hcode(agent),
        role=_coded(agent, issuer + systems.ROLES, STAFF_ROLES, "agent.role: the role"),
        unit=_coded(agent, issuer + systems.UNITS, UNITS, "agent.role: the unit"),
    )


def _moment(body: Mapping[str, Any], *, now: datetime) -> datetime:
    """When it was read. A read of an hour ago that is told now is welcome; one of tomorrow is none."""
    interactions = [one.get("code") for one in _maps(body.get("subtype"))]
    if not all(isinstance(one, str) and one in READS for one in interactions):
        raise _lacking("subtype: a read or a search")
    try:
        at = datetime.fromisoformat(str(body.get("recorded")))
    except ValueError as error:
        raise _lacking("recorded: an instant with its zone") from error
    if at.tzinfo is None or not now - LATE <= at <= now + AHEAD:
        raise _lacking("recorded: an instant with its zone, not ahead of now and not older than 90 days")
    return at.astimezone(UTC)


def _grant(agent: Mapping[str, Any], issuer: str) -> UUID:
    before = f"{issuer}{systems.GRANTS}/"
    policies = agent.get("policy")
    named = [str(one) for one in policies if str(one).startswith(before)] if isinstance(policies, list) else []
    return _uuid(named[0].removeprefix(before) if named else None, f"agent.policy: {before}<grant_id of the token>")


def _patient(entities: Sequence[Mapping[str, Any]]) -> str:
    for one in entities:
        if _map(one.get("role")).get("code") == PATIENT:
            sub = _map(_map(one.get("what")).get("identifier")).get("value")
            if isinstance(sub, str) and 0 < len(sub) <= LONGEST_SUB and sub.isalnum():
                return sub
    raise _lacking("entity: the patient (role 1), by the sub of the token")


def _data(entities: Sequence[Mapping[str, Any]], issuer: str) -> tuple[tuple[str, ...], ...]:
    """Kinds of data: named outright, or what a type of resource may hold."""
    found: set[tuple[str, ...]] = set()
    for one in entities[:MOST_DATA]:
        if _map(one.get("role")).get("code") not in DATA:
            continue
        kind, resource = _map(one.get("type")), _map(one.get("what")).get("type")
        code = kind.get("code")
        if kind.get("system") == issuer + systems.CATEGORIES and isinstance(code, str) and code in KINDS:
            found.add((code,))
        elif isinstance(resource, str) and resource in reach.OF_RESOURCE:
            found.add(reach.OF_RESOURCE[resource])
        else:
            raise _lacking("entity: a type of resource, or a kind of data, that this server knows")
    if not found:
        raise _lacking("entity: which data (role 4)")
    return tuple(sorted(found))


def _hcode(agent: Mapping[str, Any]) -> str:
    identifier = _map(_map(agent.get("who")).get("identifier"))
    value = identifier.get("value")
    if identifier.get("system") != systems.HCODE:
        return ""
    if not isinstance(value, str) or not (value.isascii() and value.isalnum() and len(value) in (5, 9)):
        raise _lacking("agent.who: a facility code")
    return value


def _coded(agent: Mapping[str, Any], system: str, known: Sequence[str], name: str) -> str:
    codings = [coding for role in _maps(agent.get("role")) for coding in _maps(role.get("coding"))]
    named = [str(coding.get("code")) for coding in codings if coding.get("system") == system]
    if not named:
        return ""
    if named[0] not in known:
        raise _lacking(f"{name} is not in the list")
    return named[0]


def _known(table: Mapping[str, str], value: object, name: str) -> str:
    found = table.get(value) if isinstance(value, str) else None
    if found is None:
        raise _lacking(name)
    return found


def _uuid(value: object, said: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise _lacking(said) from error


def _lacking(said: str) -> Unfit:
    return Unfit(422, "invalid", said)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
