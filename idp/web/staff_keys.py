"""What a member of staff must hold to work: a passkey, or for some roles a security key with attestation (AAL3)."""

from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import g

from idp import directory
from idp.assurance import Aal, roles_open
from idp.login import security_keys
from idp.web import gate


@cache
def roots_of(path: Path | None) -> tuple[bytes, ...]:
    """The makers' certificates, read once a process."""
    return security_keys.read_roots(path)


def roots() -> tuple[bytes, ...]:
    """The makers whose keys this installation trusts; none: no attestation is asked for."""
    return roots_of(gate.house().settings.security_key_roots)


def asked(person: UUID) -> dict[str, Any]:
    """What enrolment asks of this person's authenticator (`passkeys.register`)."""
    needing = directory.roles_of(g.session, person, now=g.now) & gate.house().settings.roles_needing_key
    return {"roots": roots(), "must_be_attested": bool(needing)}


def open_now(roles: AbstractSet[str], aal: Aal | None) -> frozenset[str]:
    """Those of a person's roles that a sign-in of this level may exercise."""
    return roles_open(roles, aal, gate.house().settings.roles_needing_key)
