"""Security keys of staff: hardware whose maker vouches, by a certificate, that the key cannot leave it (AAL3).

WebAuthn Level 3, 7.1 steps 21 to 24. The operator names the makers' root certificates; without any, nobody is asked for
an attestation and nothing reaches AAL3. Withdrawn makes are removed from the file by the operator: no metadata service
is asked (FIDO MDS3 is not built).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.structs import AttestationFormat
from webauthn.registration.verify_registration_response import VerifiedRegistration

VOUCHED_BY_CHAIN = (AttestationFormat.PACKED, AttestationFormat.FIDO_U2F, AttestationFormat.TPM)
SINGLE_DEVICE = "single_device"
AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")  # id-fido-gen-ce-aaguid, WebAuthn 8.2.1
OCTET_STRING_16 = b"\x04\x10"
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


def read_roots(path: Path | None) -> tuple[bytes, ...]:
    """The makers' root certificates (PEM), one after the other in a file; none without a file.

    Raises: ValueError in one sentence when the file cannot be read, holds none, or one that is none.
    """
    if path is None:
        return ()
    try:
        found = tuple(CERTIFICATE.findall(path.read_bytes()))
        for pem in found:
            x509.load_pem_x509_certificate(pem)
    except OSError as error:
        raise ValueError(f"the file {path} of the security keys' roots cannot be read") from error
    except ValueError as error:
        raise ValueError(f"the file {path} holds something that is no certificate") from error
    if not found:
        raise ValueError(f"the file {path} holds no certificate in PEM form")
    return found


def by_format(roots: Sequence[bytes]) -> dict[AttestationFormat, list[bytes]]:
    """The roots as the library wants them: the same for every format in which a maker vouches by certificates."""
    return {form: list(roots) for form in VOUCHED_BY_CHAIN}


def is_vouched_for(proved: VerifiedRegistration) -> bool:
    """PURE: whether a maker vouches, with a certificate for this model, for a key that cannot leave its hardware.

    Self attestation has no certificate; a credential that may be backed up is no hardware's. Whether the chain ends at
    a maker that we know is asked apart: without roots the library passes any.
    """
    if proved.credential_device_type.value != SINGLE_DEVICE or proved.fmt not in VOUCHED_BY_CHAIN:
        return False
    chain = parse_attestation_object(proved.attestation_object).att_stmt.x5c
    return chain is not None and len(chain) > 0 and _is_for_model(chain[0], proved.aaguid)


def _is_for_model(certificate: bytes, aaguid: str) -> bool:
    """Section 8.2.1: where the certificate names a model, it is this one."""
    try:
        named = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_oid(AAGUID_EXTENSION)
    except x509.ExtensionNotFound:
        return True
    value: object = getattr(named.value, "value", b"")
    return value == OCTET_STRING_16 + bytes.fromhex(aaguid.replace("-", ""))
