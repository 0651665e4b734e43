"""Checks a consent receipt offline: standard library and `cryptography` only, nothing of this project.

    python receipt_checker.py RECEIPT.jws KEYS.json

Prints one JSON object and exits 0 when the signature is right, the payload is RFC 8785, and the fields that ISO/IEC
TS 27560 makes mandatory are there; otherwise it prints the first fault and exits 1.
"""

import base64
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

HEADER = ("record_id", "schema_version", "pii_principal_id")
NOTICE = ("privacy_notice", "language", "purposes")
PURPOSE = (
    "purpose",
    "lawful_basis",
    "pii_information",
    "pii_controllers",
    "storage_locations",
    "retention_period",
    "jurisdiction",
    "recipient_third_parties",
    "withdrawal_method",
)
PARTY = ("party_id", "party_name", "party_address", "party_contact", "party_type")
EVENT = ("event_time", "validity_duration", "entity_id", "event_type", "event_state")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Fault(Exception):  # noqa: N818 -- what an auditor calls it
    """Why this is not a good receipt."""


def decoded(part: str) -> bytes:
    """Strict base64url without padding: exactly one spelling per value."""
    raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise Fault("base64url")
    return raw


def jcs(value: object) -> str:
    """RFC 8785 for objects, lists, strings, booleans and whole numbers."""
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return "{" + ",".join(jcs(name) + ":" + jcs(member) for name, member in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(jcs(member) for member in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise Fault("a value that receipts do not use")


def public_key(jwk: dict[str, str]) -> ec.EllipticCurvePublicKey:
    """A P-256 key (RFC 7518 section 6.2)."""
    x, y = (int.from_bytes(decoded(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def check(receipt: str, keys: dict[str, list[dict[str, str]]]) -> dict[str, object]:
    """The document inside, or Fault."""
    head, body, tail = receipt.split(".")
    header = json.loads(decoded(head))
    if (
        header.get("alg") != "ES256"
        or header.get("typ") != "consent-receipt+jwt"
        or set(header) != {"alg", "kid", "typ"}
    ):
        raise Fault("header")
    key = next((key for key in keys["keys"] if key["kid"] == header["kid"]), None)
    if key is None or key["crv"] != "P-256" or "d" in key:
        raise Fault("key")
    raw = decoded(tail)
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        public_key(key).verify(signature, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Fault("signature") from None
    document = json.loads(decoded(body))
    if jcs(document).encode() != decoded(body):
        raise Fault("not canonical")
    structure(document)
    return document


def structure(document: dict[str, object]) -> None:
    """The mandatory fields of ISO/IEC TS 27560, with something in them."""
    processing = document["pii_processing"]
    parts = [
        (document["receipt"], ("receipt_id", "schema_version")),
        (document["record_header"], HEADER),
        (processing, NOTICE),
        *((purpose, PURPOSE) for purpose in processing["purposes"]),
        *((party, PARTY) for party in document["party_identification"]),
        *((event, EVENT) for event in document["events"]),
    ]
    for part, names in parts:
        missing = [name for name in names if part.get(name) in (None, "")]
        if missing:
            raise Fault("missing: " + " ".join(missing))
    known = {party["party_id"] for party in document["party_identification"]}
    if not all(set(purpose["pii_controllers"]) <= known for purpose in processing["purposes"]):
        raise Fault("a controller that is no party")


def main(receipt: str, keys: str) -> int:
    """0 and what it is about, or 1 and the fault."""
    try:
        document = check(Path(receipt).read_text().strip(), json.loads(Path(keys).read_text()))
    except (Fault, ValueError, KeyError, TypeError) as fault:
        print(json.dumps({"fault": str(fault) or type(fault).__name__}))  # noqa: T201
        return 1
    ours = sorted(name for name in sys.modules if name.partition(".")[0] in ("idp", "consent"))
    last = document["events"][-1]["event_state"]
    print(json.dumps({"receipt": document["jti"], "state": last, "imported_of_yinyom": ours}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
