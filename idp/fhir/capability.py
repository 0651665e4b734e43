"""PURE: what these interfaces say about themselves: CapabilityStatement (FHIR R4) and SMART 2.2 discovery."""

from collections.abc import Mapping
from typing import Any

from idp.fhir.outcome import Resource
from idp.oauth import own

SMART = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
DATE = "2026-11-22"
SEARCHED = (("patient", "reference"), ("patient.identifier", "token"), ("status", "token"), ("actor", "reference"))
STATED = (*(f"asker_{one}" for one in ("person", "unit", "hcode", "visit")), "data_from", "data_until")
OF_STATED = "of the look that is asked about, as at introspection; in the body of POST _search alone"
FORMATS = (
    "Resources come as JSON alone. A request for XML (Accept, or _format=xml) is answered 406 with an OperationOutcome."
)
REQUIRED = (  # of the metadata document, what SMART wants to see, under the same names
    *("issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "token_endpoint_auth_methods_supported"),
    *("grant_types_supported", "response_types_supported", "code_challenge_methods_supported"),
    *("introspection_endpoint", "revocation_endpoint", "grant_management_endpoint"),
)


def statement(issuer: str) -> Resource:
    """Two types: Consent to be searched and read, AuditEvent of one's own to be searched."""
    params = [{"name": name, "type": kind} for name, kind in SEARCHED]
    params += [{"name": name, "type": "string", "documentation": OF_STATED} for name in STATED]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "Yinyom"},
        "implementation": {"description": "Yinyom consents", "url": f"{issuer}/fhir/R4"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": FORMATS,
                "security": {"cors": False, "service": [{"coding": [SMART], "text": "SMART-on-FHIR"}]},
                "resource": [
                    {
                        "type": "Consent",
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "versioning": "no-version",
                        "searchParam": params,
                    },
                    {"type": "AuditEvent", "interaction": [{"code": "search-type"}]},
                ],
            }
        ],
    }


def smart(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """`.well-known/smart-configuration`: derived from our own metadata, so that the two cannot disagree."""
    found = {name: metadata[name] for name in REQUIRED if name in metadata}
    return {
        **found,
        "management_endpoint": f"{metadata['issuer']}/me/consents",
        "scopes_supported": [own.CONSENTS, own.OWN_CONSENTS, own.OWN_LOG, "openid"],
        "capabilities": [
            "client-public",
            "client-confidential-symmetric",
            "client-confidential-asymmetric",
            "sso-openid-connect",
            "permission-v2",
            "authorize-post",
        ],
    }
