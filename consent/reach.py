"""PURE: which kinds of data a scope opens, so that a person can be told, and can take one kind back.

A scope that may open more than one kind counts for all of them: taking one back takes the scope.
"""

from collections.abc import Collection, Sequence

from consent import scopes
from consent.purposes import Purpose

OF_RESOURCE = {  # FHIR resource -> kinds of data, as `data_categories.tsv` spells them
    "Patient": ("name", "birthdate", "gender"),
    "Encounter": ("visits",),
    "Condition": ("diagnoses",),
    "Procedure": ("procedures",),
    "AllergyIntolerance": ("allergies",),
    "Observation": ("vital_signs", "lab_results", "blood_group", "self_measured", "case_report"),
    "DiagnosticReport": ("lab_results",),
    "MedicationStatement": ("medicines",),
    "MedicationRequest": ("prescriptions",),
    "MedicationDispense": ("dispenses",),
    "Immunization": ("immunizations",),
    "Appointment": ("appointments",),
    "ServiceRequest": ("lab_order", "referral"),
    "Claim": ("costs",),
}
OF_VALUE = {  # a parameter that names the kind
    "vital-signs": ("vital_signs", "self_measured"),
    "laboratory": ("lab_results", "lab_order"),
    "referral": ("referral",),
    "notifiable": ("case_report",),
    "http://loinc.org|882-1": ("blood_group",),
}
OF_WORD = {
    "openid": ("pairwise_id",),
    "profile": ("name",),
    "email": ("email",),
    "phone": ("phone",),
    "address": ("address",),
    "moph.sensitive.hiv": ("sensitive_hiv",),
    "moph.sensitive.mental": ("sensitive_mental",),
    "moph.sensitive.substance": ("sensitive_substance",),
    "moph.sensitive.repro": ("sensitive_repro",),
    "moph.sensitive.genetic": ("sensitive_genetic",),
}


def of_scope(purpose: Purpose, scope: str) -> frozenset[str]:
    """The kinds of data of this purpose that the scope may open; all of them where nobody can say which.

    None where it opens nothing that the purpose lists (who the patient is, beside what is told of them).
    """
    parsed, every = scopes.parse(scope), purpose.data_categories
    if parsed is None:
        named: Collection[str] = OF_WORD.get(scope, every)
    else:
        values = [value for _, of in parsed.params for value in of]
        known = [OF_VALUE[value] for value in values if value in OF_VALUE]
        named = {kind for kinds in known for kind in kinds} if known else OF_RESOURCE.get(parsed.resource, every)
    return frozenset(named) & frozenset(every)


def of_scopes(purpose: Purpose, held: Sequence[str]) -> tuple[str, ...]:
    """The kinds that these scopes may open together, in the order of the catalogue's row."""
    opened = {kind for scope in held for kind in of_scope(purpose, scope)}
    return tuple(kind for kind in purpose.data_categories if kind in opened)


def without(purpose: Purpose, held: Sequence[str], kind: str) -> tuple[str, ...]:
    """The scopes that open nothing of this kind."""
    return tuple(scope for scope in held if kind not in of_scope(purpose, scope))
