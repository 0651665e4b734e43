"""PURE: an entry of the log as a FHIR R4 AuditEvent, after the patterns of IHE BALP: one rendering, no new facts.

A decision on a consent follows AuthZconsent, an opening of data PrivacyDisclosure.Source, a token the event of ITI-71.
The log keeps no network addresses, which these profiles want of their agents; so no event claims a BALP profile.
People stand by the pseudonyms of the log, or, in one's own copy, by nothing but "the person".
"""

from datetime import UTC, datetime
from typing import Any

from consent import purposes
from consent.audit.entry import Entry
from consent.audit.events import EVENTS
from consent.errors import NotFound
from idp.fhir import systems
from idp.fhir.outcome import Resource

SUBTYPES = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
IHE_EVENTS = "urn:ihe:event-type-code"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
SECURITY_ROLE = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
ENTITY_TYPES = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
OUTCOME = {"ok": "0", "denied": "4", "failed": "8"}
DECISIONS = frozenset({"introspect", "introspect.denied", "authz.granted", "authz.denied", "userinfo.denied"})
OPENINGS = frozenset({"data.opened", "data.refused", "userinfo.read", "breakglass.used", "consent.read"})
TOKENS = frozenset(f"token.{what}" for what in ("issued", "refreshed", "exchanged", "denied"))
APPLICATION, SOURCE_ROLE, DESTINATION_ROLE = "110150", "110153", "110152"
PEOPLE = ("citizen", "staff", "auditor")


def render(one: Entry, *, issuer: str, seq: int | None = None, own: bool = False) -> Resource:
    """The AuditEvent of an entry. `seq`: its number in the log's tree; `own`: for the person whom it is about."""
    kind, subtype, action = _kind(one, issuer)
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": str(one.id),
        **_leaf(seq, issuer),
        "type": kind,
        "subtype": [subtype],
        "action": action,
        "recorded": _instant(one.at),
        "outcome": OUTCOME[one.outcome],
        **({"outcomeDesc": one.reason} if one.reason else {}),
        **_why(one, issuer),
        "agent": _agents(one, issuer),
        "source": {"observer": _server(issuer), "type": [{"system": SOURCE_TYPE, "code": "6"}]},
        "entity": _entities(one, issuer, own=own),
    }
    if not event["entity"]:
        del event["entity"]
    return event


def _kind(one: Entry, issuer: str) -> tuple[Resource, Resource, str]:
    """Type, subtype and action."""
    if one.event in DECISIONS:
        return _dcm("110113", "Security Alert"), {"system": SUBTYPES, "code": "AuthZ-Consent"}, "E"
    if one.event in OPENINGS:
        return _dcm("110106", "Export"), {"system": LIFECYCLE, "code": "disclose"}, "R"
    if one.event in TOKENS:
        return _dcm("110114", "User Authentication"), {"system": IHE_EVENTS, "code": "ITI-71"}, "E"
    return (
        _dcm("110100", "Application Activity"),
        {"system": issuer + systems.EVENTS, "code": one.event, "display": EVENTS[one.event].title_en},
        "E",
    )


def _agents(one: Entry, issuer: str) -> list[Resource]:
    """Who did it, through which client, for which organisation; and this server, which wrote it down."""
    agents: list[Resource] = []
    actor: Resource = {"who": {"identifier": {"value": one.actor}}, "requestor": True}
    if one.actor_kind in PEOPLE:
        actor["type"] = _coded(systems.PARTICIPATION, "IRCP" if one.actor_kind == "staff" else "AUT")
        actor["role"] = [_coded(issuer + "/actor-kinds", one.actor_kind), *_roles(one, issuer)]
    else:
        actor["type"] = _coded(systems.DCM, SOURCE_ROLE if one.event in OPENINGS else APPLICATION)
    agents.append(actor)
    if one.client_id and one.client_id != one.actor:
        code = DESTINATION_ROLE if one.event in OPENINGS else APPLICATION
        client = {"identifier": {"system": f"{issuer}/clients", "value": one.client_id}}
        agents.append({"type": _coded(systems.DCM, code), "who": client, "requestor": False})
    if one.recipient_id is not None:
        organisation: Resource = {"reference": f"Organization/{one.recipient_id}"}
        hcode = _marked(one, "hcode:")
        if hcode:
            organisation["identifier"] = {"system": systems.HCODE, "value": hcode}
        agents.append({"type": _coded(ROLE_CLASS, "PROV"), "who": organisation, "requestor": False})
    agents.append({"type": _coded(SECURITY_ROLE, "authserver"), "who": _server(issuer), "requestor": False})
    return agents


def _roles(one: Entry, issuer: str) -> list[Resource]:
    found = [(systems.ROLES, _marked(one, "role:")), (systems.UNITS, _marked(one, "unit:"))]
    return [_coded(issuer + system, code) for system, code in found if code]


def _entities(one: Entry, issuer: str, *, own: bool) -> list[Resource]:
    """The person, the consent with its basis, the kinds of data or the scopes, the request."""
    found: list[Resource] = []
    if one.subject:
        person: Resource = {"display": "the person"}
        if not own:
            person = {"identifier": {"system": f"{issuer}/log", "value": one.subject}}
        found.append(
            {
                "what": {"type": "Patient", **person},
                "type": {"system": systems.OBJECT_TYPE, "code": "1"},
                "role": {"system": systems.OBJECT_ROLE, "code": "1"},
            }
        )
    if one.consent_id is not None:
        consent = {"reference": f"Consent/{one.consent_id}"}
        found.append({"what": consent, "type": {"system": RESOURCE_TYPES, "code": "Consent"}})
    for code in one.codes:
        name, _, value = code.partition(":")
        if name == "data":
            kind = {"system": issuer + systems.CATEGORIES, "code": value}
            found.append({"type": kind, "role": {"system": systems.OBJECT_ROLE, "code": "4"}})
        elif "/" in code and name not in ("hcode", "role", "unit", "read"):
            found.append({"what": {"display": code}, "role": {"system": systems.OBJECT_ROLE, "code": "24"}})
    if one.request_id:
        request = {"identifier": {"value": one.request_id}}
        found.append({"what": request, "type": {"system": ENTITY_TYPES, "code": "XrequestId"}})
    return found


def _why(one: Entry, issuer: str) -> Resource:
    if not one.purpose:
        return {}
    codings = [{"system": issuer + systems.PURPOSES, "code": one.purpose, "display": _title(one.purpose)}]
    if one.purpose in systems.REASONS:
        codings.insert(0, {"system": systems.ACT_REASON, "code": systems.REASONS[one.purpose]})
    if one.basis:
        codings.append({"system": issuer + systems.BASES, "code": one.basis})
    return {"purposeOfEvent": [{"coding": codings}]}


def _title(code: str) -> str:
    try:
        return purposes.get(code).name.en
    except NotFound:
        return code


def _leaf(seq: int | None, issuer: str) -> Resource:
    """Where it stands in the signed log, so that whoever has the log can prove it."""
    if seq is None:
        return {}
    return {"extension": [{"url": f"{issuer}/fhir/StructureDefinition/log-leaf", "valueUnsignedInt": seq}]}


def _marked(one: Entry, prefix: str) -> str:
    return next((code.removeprefix(prefix) for code in one.codes if code.startswith(prefix)), "")


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _dcm(code: str, display: str) -> Resource:
    return {"system": systems.DCM, "code": code, "display": display}


def _server(issuer: str) -> Resource:
    return {"identifier": {"system": systems.URI, "value": issuer}}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
