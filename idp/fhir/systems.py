"""Addresses of the code lists and identifier systems that our resources use (FHIR R4; IHE PCF and BALP; Thai core)."""

CID = "https://terms.sil-th.org/id/th-cid"
HCODE = "https://terms.sil-th.org/id/th-moph-hcode"
VISIT = "https://terms.sil-th.org/hcode/5/{hcode}/VN"
URI = "urn:ietf:rfc:3986"
JTI = "urn:ietf:params:oauth:jti:"  # RFC 8693 section 3 spells such names; BALP puts it into agent.policy
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_STATE = "http://hl7.org/fhir/consent-state-codes"
LOINC = "http://loinc.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
OBJECT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OAUTH_AGENT = "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes"

# Of our own, below the issuer.
SUB, GRANTS, PURPOSES, CATEGORIES, UNITS, ROLES, BASES, EVENTS = (
    *("/sub", "/grants", "/purposes", "/data-categories", "/units", "/staff-roles", "/legal-bases", "/events"),
)

REASONS = {  # purpose -> v3-ActReason; the purposes that are not here have no code that says as much
    **dict.fromkeys(("CARE", "EHR-SHARE", "EHR-SENS", "REFER", "LAB-ORDER", "RX-WRITE", "RX-DISP"), "TREAT"),
    **dict.fromkeys(("TELEMED", "TELEPHARM"), "TREAT"),
    **dict.fromkeys(("PHR-SELF", "PHR-SENS", "LAB-VIEW", "RX-VIEW", "IMM-VIEW", "MYDATA"), "PATRQT"),
    **dict.fromkeys(("COVERAGE", "CLAIM", "INSURE"), "HPAYMT"),
    **dict.fromkeys(("RES-DEID", "RES-CONTACT"), "HRESCH"),
    "BREAKGLASS": "BTG",
    "PUBREPORT": "PUBHLTH",
}
