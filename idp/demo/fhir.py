"""Made-up FHIR R4 resources of a person who does not exist. The same `sub` always gives the same record.

Codes are real code systems (ICD-10, LOINC), values are drawn from a hash: nothing here was ever measured on anyone.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Resource = dict[str, Any]
TYPES = ("Encounter", "Condition", "Observation", "MedicationStatement", "AllergyIntolerance")

HOSPITALS = ("โรงพยาบาลตัวอย่างเหนือ", "โรงพยาบาลตัวอย่างใต้", "คลินิกตัวอย่างบ้านสมมติ")
CONDITIONS = (
    ("I10", "ความดันโลหิตสูง"),
    ("E11.9", "เบาหวานชนิดที่ 2"),
    ("J30.4", "โรคจมูกอักเสบจากภูมิแพ้"),
    ("M54.5", "ปวดหลังส่วนล่าง"),
)
MEASURES = (
    ("8480-6", "ความดันโลหิตตัวบน", "mm[Hg]", 105, 45),
    ("8867-4", "อัตราการเต้นของหัวใจ", "/min", 58, 40),
    ("29463-7", "น้ำหนักตัว", "kg", 46, 40),
    ("2339-0", "น้ำตาลในเลือด", "mg/dL", 82, 60),
)
MEDICINES = ("ยาลดความดันตัวอย่าง ๕ มก.", "ยาเบาหวานตัวอย่าง ๕๐๐ มก.", "ยาแก้แพ้ตัวอย่าง ๑๐ มก.")
ALLERGENS = (("ยากลุ่มเพนิซิลลิน", "high"), ("อาหารทะเล", "low"), ("ฝุ่นบ้าน", "low"))


def resources(kind: str, sub: str) -> list[Resource]:
    """All resources of one type of this person; KeyError for a type that is not kept here."""
    return MAKERS[kind](sub)


def bundle(found: list[Resource], *, base: str) -> Resource:
    """A searchset Bundle (FHIR R4, section 3.1.1)."""
    entries = [{"fullUrl": f"{base}/{r['resourceType']}/{r['id']}", "resource": r} for r in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def _draw(sub: str, *what: str) -> int:
    """A whole number that only the person and the question decide."""
    return int.from_bytes(hashlib.sha256("\x1f".join((sub, *what)).encode()).digest()[:6], "big")


def _resource(kind: str, sub: str, number: int, **rest: Any) -> Resource:
    name = f"{kind.lower()}-{_draw(sub, kind, str(number)) % 10**8:08d}"
    who = {"patient" if kind == "AllergyIntolerance" else "subject": {"reference": f"Patient/{sub[:16]}"}}
    tag = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]
    return {"resourceType": kind, "id": name, "meta": {"tag": tag}, **who, **rest}


def _day(sub: str, what: str) -> str:
    draw = _draw(sub, "day", what)
    return f"2026-{draw % 10 + 1:02d}-{draw // 10 % 28 + 1:02d}"


def _encounters(sub: str) -> list[Resource]:
    return [
        _resource(
            "Encounter",
            sub,
            n,
            status="finished",
            **{"class": {"code": "AMB", "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode"}},
            period={"start": _day(sub, f"visit{n}")},
            serviceProvider={"display": HOSPITALS[_draw(sub, "where", str(n)) % len(HOSPITALS)]},
        )
        for n in range(2 + _draw(sub, "visits") % 2)
    ]


def _conditions(sub: str) -> list[Resource]:
    first = _draw(sub, "condition")
    chosen = [CONDITIONS[(first + n) % len(CONDITIONS)] for n in range(1 + first % 2)]
    system = "http://hl7.org/fhir/sid/icd-10"
    return [
        _resource("Condition", sub, n, code={"coding": [{"system": system, "code": code}], "text": text})
        for n, (code, text) in enumerate(chosen)
    ]


def _observations(sub: str) -> list[Resource]:
    return [
        _resource(
            "Observation",
            sub,
            n,
            status="final",
            code={"coding": [{"system": "http://loinc.org", "code": code}], "text": text},
            effectiveDateTime=_day(sub, code),
            valueQuantity={
                "value": low + _draw(sub, code) % spread,
                "unit": unit,
                "system": "http://unitsofmeasure.org",
                "code": unit,
            },
        )
        for n, (code, text, unit, low, spread) in enumerate(MEASURES)
    ]


def _medicines(sub: str) -> list[Resource]:
    text = MEDICINES[_draw(sub, "medicine") % len(MEDICINES)]
    return [_resource("MedicationStatement", sub, 0, status="active", medicationCodeableConcept={"text": text})]


def _allergies(sub: str) -> list[Resource]:
    text, criticality = ALLERGENS[_draw(sub, "allergy") % len(ALLERGENS)]
    return [_resource("AllergyIntolerance", sub, 0, criticality=criticality, code={"text": text})]


MAKERS: Mapping[str, Callable[[str], list[Resource]]] = {
    "Encounter": _encounters,
    "Condition": _conditions,
    "Observation": _observations,
    "MedicationStatement": _medicines,
    "AllergyIntolerance": _allergies,
}


def summary(resource: Resource) -> str:
    """One line of a resource, for a page."""
    kind = resource["resourceType"]
    if kind == "Encounter":
        return f"{resource['period']['start']} · {resource['serviceProvider']['display']}"
    if kind == "Observation":
        value = resource["valueQuantity"]
        return f"{resource['code']['text']} {value['value']} {value['unit']} · {resource['effectiveDateTime']}"
    if kind == "MedicationStatement":
        return str(resource["medicationCodeableConcept"]["text"])
    return str(resource["code"]["text"])
