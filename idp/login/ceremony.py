"""PURE: what a browser says in a WebAuthn ceremony, read and proved (W3C WebAuthn Level 3, sections 7.1 and 7.2).

The library checks type, challenge, origin, RP ID hash, user presence, user verification, algorithm and signature.
Ours: the shape of everything, frames (`crossOrigin`, `topOrigin`), and in `passkeys` challenge, owner and counter.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AuthenticationCredential, RegistrationCredential
from webauthn.registration.verify_registration_response import VerifiedRegistration

from idp.login import security_keys

ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
LONGEST_ID = 1023  # bytes of a credential id, section 4
LONGEST_CHALLENGE = 128
TRANSPORTS = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")

T = TypeVar("T")


class PasskeyRefused(Exception):  # noqa: N818 -- a refusal with a code for the page
    """The passkey does not open this door.

    `code`: malformed · framed (inside another site's frame) · challenge (unknown, old, used, another browser's or
    another purpose's) · unknown (no such passkey, removed, not this person's, not one for staff, or the account is
    closed) · not_verified (origin, RP ID, user verification, signature) · counter (it went backwards: a copy may
    exist) · already_registered · not_attested (no maker that we know vouches for it).
    """

    def __init__(self, code: str, *, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Assertion:
    """An assertion that is well formed and not yet believed."""

    credential: AuthenticationCredential
    challenge: str


@dataclass(frozen=True)
class Attestation:
    """A new credential that is well formed and not yet believed."""

    credential: RegistrationCredential
    challenge: str
    transports: tuple[str, ...]


def read_assertion(credential: object) -> Assertion:
    """`PublicKeyCredential.toJSON()` of navigator.credentials.get. Raises: PasskeyRefused (malformed, framed)."""
    parsed = _guarded(lambda: parse_authentication_credential_json(_object(credential)), "malformed")
    return Assertion(credential=_sized(parsed), challenge=_challenge_of(parsed.response.client_data_json))


def read_attestation(credential: object) -> Attestation:
    """`PublicKeyCredential.toJSON()` of navigator.credentials.create. Raises: PasskeyRefused (malformed, framed)."""
    document = _object(credential)
    parsed = _guarded(lambda: parse_registration_credential_json(document), "malformed")
    told = document["response"].get("transports")
    transports = tuple(word for word in TRANSPORTS if isinstance(told, list) and word in told)
    return Attestation(_sized(parsed), _challenge_of(parsed.response.client_data_json), transports)


def prove_assertion(assertion: Assertion, *, rp_id: str, origin: str, public_key: bytes) -> VerifiedAuthentication:
    """Section 7.2 steps 11 to 21, user verification required. The counter is compared by the caller, in SQL."""
    return _guarded(
        lambda: verify_authentication_response(
            credential=assertion.credential,
            expected_challenge=base64url_to_bytes(assertion.challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        ),
        "not_verified",
    )


def prove_attestation(
    attestation: Attestation, *, rp_id: str, origin: str, roots: Sequence[bytes] = ()
) -> VerifiedRegistration:
    """Section 7.1 steps 7 to 22, user verification required.

    With the makers' roots a chain of certificates must end at one of them; what it then means, `security_keys` says.
    """
    return _guarded(
        lambda: verify_registration_response(
            credential=attestation.credential,
            expected_challenge=base64url_to_bytes(attestation.challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
            pem_root_certs_bytes_by_fmt=security_keys.by_format(roots),
        ),
        "not_verified",
    )


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PasskeyRefused("malformed", detail=f"not an object: {type(value).__name__}")
    return value


def _sized(credential: Any) -> Any:
    if not 0 < len(credential.raw_id) <= LONGEST_ID:
        raise PasskeyRefused("malformed", detail="length of the credential id")
    return credential


def _challenge_of(client_data_json: bytes) -> str:
    """The challenge as text, exactly as it was issued; a ceremony inside another site's frame is refused."""
    told = _object(_guarded(lambda: json.loads(client_data_json), "malformed"))
    if told.get("crossOrigin", False) is not False or told.get("topOrigin") is not None:
        raise PasskeyRefused("framed")
    challenge = told.get("challenge")
    if not isinstance(challenge, str) or len(challenge) > LONGEST_CHALLENGE:
        raise PasskeyRefused("malformed", detail="challenge")
    return challenge


def _guarded(step: Callable[[], T], code: str) -> T:
    """Run one step of the library; whatever hostile bytes make it raise is a refusal, never a fault of ours."""
    try:
        return step()
    except Exception as error:  # parsers of CBOR, JSON, DER and keys raise anything on hostile bytes; no I/O in here
        raise PasskeyRefused(code, detail=type(error).__name__) from error
