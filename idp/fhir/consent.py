"""PURE: an answer of a person as a FHIR R4 Consent, as IHE PCF profiles it (basic; with a visit or days: intermediate).

Only what was asked is a Consent: a use that rests on another legal basis is told, not agreed to, and has none. A no is
a Consent that denies, and so is a refusal in general, for its own person alone. A consent that ended stays, `inactive`;
nothing is ever overwritten (PCF, ITI-108).
People stand by the `sub` of the reader's sector; the national ID is in no resource of ours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent import notices, purposes, receipts
from consent.models import ConsentRecord, ConsentRefusal
from consent.receipts import Act
from consent.refusing import RefusalView
from consent.specificity import BANGKOK, Level
from idp.fhir import systems
from idp.fhir.outcome import Resource

PROFILE = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF."
CATEGORY = {"system": systems.LOINC, "code": "59284-0", "display": "Consent Document"}
SCOPE = {"system": systems.CONSENT_SCOPE, "code": "patient-privacy"}
RECIPIENT = {"system": systems.PARTICIPATION, "code": "IRCP"}
LABELS = {  # sensitive kinds of data -> v3-ActCode of the security label
    "sensitive_hiv": "HIV",
    "sensitive_mental": "PSY",
    "sensitive_substance": "ETH",
    "sensitive_repro": "SEX",
    "sensitive_genetic": "GDIS",
}
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
OWN_RIGHT = "RIGHT30"  # what a refusal in general rests on: it answers no notice
SOMEBODY = "a member of staff"


@dataclass(frozen=True)
class Around:
    """What the resource says and the row does not hold. `patient`, `performer`: the `sub` that the reader knows."""

    issuer: str
    patient: str
    performer: str
    recipient_name: str
    hcode: str = ""


def of_record(record: ConsentRecord, around: Around, *, active: bool, changed_at: datetime) -> Resource:
    """A yes. `active`: it is in force; `changed_at`: when that last changed."""
    provision: dict[str, Any] = {
        "type": "permit",
        "period": {"start": _instant(record.given_at), "end": _instant(record.expires_at)},
        **_who_and_why(record.recipient_id, record.purpose, around),
        **_which(record, around),
    }
    intermediate = record.visit_id is not None or record.data_from is not None or record.data_until is not None
    proof = {
        "type": "DocumentReference",
        "identifier": {"system": f"{around.issuer}/receipts", "value": receipts.number(record.id, Act.GIVEN)},
    }
    basis = {"coding": [{"system": around.issuer + systems.BASES, "code": record.basis}]}
    return {
        **_head(record.id, changed_at, "consentIntermediate" if intermediate else "consentBasic"),
        "status": "active" if active else "inactive",
        **_said(around, at=record.given_at, capacity=record.capacity),
        "sourceReference": proof,
        "policy": [{"uri": notices.address(around.issuer, record.notice_id, record.notice_version)}],
        "policyRule": basis,
        "provision": provision,
    }


def of_refusal(refusal: ConsentRefusal, around: Around, *, active: bool, notice_version: int) -> Resource:
    """A no: asked, and refused. It denies as long as nothing newer was answered."""
    return {
        **_head(refusal.id, refusal.refused_at, "consentBasic"),
        "status": "active" if active else "inactive",
        **_said(around, at=refusal.refused_at, capacity=refusal.capacity),
        "policy": [{"uri": notices.address(around.issuer, refusal.notice_id, notice_version)}],
        "provision": {
            "type": "deny",
            "period": {"start": _instant(refusal.refused_at)},
            **_who_and_why(refusal.recipient_id, refusal.purpose, around),
        },
    }


def of_standing_refusal(view: RefusalView, around: Around) -> Resource:
    """A refusal in general, for its own person: whom, what and when it denies; `inactive` once it was lifted.

    PCF knows no such document, so it claims no profile. A member of staff is not named, and the person's own words for
    a unit stay with the person: the token went through somebody's application.
    """
    no = view.refusal
    period = {"start": _instant(no.made_at)} | ({} if view.lifted_at is None else {"end": _instant(view.lifted_at)})
    level = {"url": f"{around.issuer}/fhir/StructureDefinition/refusal-level", "valueCode": no.level.value}
    codes = [{"system": around.issuer + systems.PURPOSES, "code": code} for code in no.purposes]
    labels = [{"system": ACT_CODE, "code": LABELS[f"sensitive_{topic}"]} for topic in no.topics]
    days = _days(view)
    named = {
        "actor": _refused(view, around),
        "securityLabel": labels,
        "purpose": codes,
        "dataPeriod": days,
        "data": [] if no.visit_id is None else [_encounter(no.visit_id, around)],
    }
    return {
        **_head(no.id, view.lifted_at or no.made_at, None),
        "status": "active" if view.lifted_at is None else "inactive",
        **_said(around, at=no.made_at, capacity=None if around.performer == around.patient else "guardian"),
        "policyRule": {"coding": [{"system": around.issuer + systems.BASES, "code": OWN_RIGHT}]},
        "provision": {
            "type": "deny",
            "period": period,
            "extension": [level],
            **{name: found for name, found in named.items() if found},
        },
    }


def _refused(view: RefusalView, around: Around) -> list[Resource]:
    """Who may not: an organisation or its facility, somebody of its staff; nothing where everybody is meant."""
    no = view.refusal
    if no.level is Level.person:
        return [{"role": {"coding": [RECIPIENT]}, "reference": {"type": "Practitioner", "display": SOMEBODY}}]
    if no.recipient_id is None:
        return []
    return [_receiver(no.recipient_id, around)]


def _days(view: RefusalView) -> Resource:
    """The days of the data that it is about, where it is not about all of them."""
    no = view.refusal
    day = no.made_at.astimezone(BANGKOK).date()
    begins = [one for one in (no.data_from, None if no.past else day) if one is not None]
    ends = [one for one in (no.data_until, None if no.future else day) if one is not None]
    found = {"start": max(begins, default=None), "end": min(ends, default=None)}
    return {name: one.isoformat() for name, one in found.items() if one is not None}


def _head(own: UUID, changed_at: datetime, profile: str | None) -> Resource:
    meta: Resource = {"lastUpdated": _instant(changed_at)}
    if profile is not None:
        meta["profile"] = [PROFILE + profile]
    return {"resourceType": "Consent", "id": str(own), "meta": meta}


def _said(around: Around, *, at: datetime, capacity: str | None) -> Resource:
    patient = {"type": "Patient", "identifier": _sub(around, around.patient)}
    other = capacity not in (None, "self", "officer")  # on paper it is still the person who agrees
    performer = {"type": "RelatedPerson", "identifier": _sub(around, around.performer)} if other else patient
    organization = {"type": "Organization", "identifier": _uuid_of(around.issuer), "display": "Yinyom"}
    return {
        "scope": {"coding": [SCOPE]},
        "category": [{"coding": [CATEGORY]}],
        "patient": patient,
        "dateTime": _instant(at),
        "performer": [performer],
        "organization": [organization],
    }


def _receiver(recipient_id: UUID, around: Around) -> Resource:
    recipient: dict[str, Any] = {
        "reference": f"Organization/{recipient_id}",
        "type": "Organization",
        "display": around.recipient_name,
    }
    if around.hcode:
        recipient["identifier"] = {"system": systems.HCODE, "value": around.hcode}
    return {"role": {"coding": [RECIPIENT]}, "reference": recipient}


def _who_and_why(recipient_id: UUID, purpose: str, around: Around) -> Resource:
    why = [{"system": around.issuer + systems.PURPOSES, "code": purpose}]
    if purpose in systems.REASONS:
        why.insert(0, {"system": systems.ACT_REASON, "code": systems.REASONS[purpose]})
    return {"actor": [_receiver(recipient_id, around)], "purpose": why}


def _which(record: ConsentRecord, around: Around) -> Resource:
    """Kinds of data as an extension (PCF leaves `class` and `code` out); one visit; days; labels of sensitive kinds."""
    kinds = record.categories.split()
    found: dict[str, Any] = {
        "extension": [
            {
                "url": f"{around.issuer}/fhir/StructureDefinition/data-category",
                "valueCoding": {
                    "system": around.issuer + systems.CATEGORIES,
                    "code": kind,
                    "display": purposes.category(kind).name.en,
                },
            }
            for kind in kinds
        ]
    }
    labels = [{"system": ACT_CODE, "code": LABELS[kind]} for kind in kinds if kind in LABELS]
    if labels:
        found["securityLabel"] = labels
    if record.data_from or record.data_until:
        days = {"start": record.data_from, "end": record.data_until}
        found["dataPeriod"] = {name: day.isoformat() for name, day in days.items() if day}
    if record.visit_id is not None:
        found["data"] = [_encounter(record.visit_id, around)]
    return found


def _encounter(visit_id: UUID, around: Around) -> Resource:
    visit = {"type": "Encounter", "identifier": _visit(visit_id, around)}
    return {"meaning": "related", "reference": visit}


def _visit(visit_id: UUID, around: Around) -> Resource:
    if around.hcode:
        return {"system": systems.VISIT.format(hcode=around.hcode), "value": str(visit_id)}
    return {"system": systems.URI, "value": visit_id.urn}


def _sub(around: Around, sub: str) -> Resource:
    return {"system": around.issuer + systems.SUB, "value": sub}


def _uuid_of(issuer: str) -> Resource:
    return {"system": systems.URI, "value": issuer}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
