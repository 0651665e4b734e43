"""Passkeys (WebAuthn Level 3): one device, user verified, level AAL2.2; never locked (RELIABILITY 3).

Signing in names nobody: the options are the same for everybody, and the passkey tells who it is. The user handle is the
person's internal id, which says nothing to anybody else; staff have another, so that one authenticator can hold both.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from consent.audit import log
from consent.db import new_id
from idp import alerts
from idp.assurance import PASSKEY, SECURITY_KEY
from idp.keys import KeyRing
from idp.login import ceremony, challenges, held, security_keys
from idp.login.ceremony import Assertion, Attestation, PasskeyRefused
from idp.login.challenges import REGISTER, SIGN_IN
from idp.login.held import Passkey, of, remove, rename
from idp.subjects import PersonSealer, is_shut

__all__ = ["Passkey", "PasskeyRefused", "attempt", "factor_of", "of", "register", "remove", "rename", "verify"]

RP_NAME = "Yinyom"
STAFF_HANDLE = b"staff"
TIMEOUT_MS = int(challenges.LIFETIME.total_seconds() * 1000)


def registration_options(
    session: Session,
    *,
    subject_id: UUID,
    display_name: str,
    rp_id: str,
    browser: str,
    now: datetime,
    for_staff: bool = False,
    attest: bool = False,
) -> dict[str, Any]:
    """What navigator.credentials.create is given: a discoverable credential with user verification.

    An attestation is asked for only with `attest` (section 5.4.7): of staff, where the operator named makers' roots.
    """
    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=RP_NAME,
        user_id=handle_of(subject_id, for_staff=for_staff),
        user_name=display_name,
        user_display_name=display_name,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        attestation=AttestationConveyancePreference.DIRECT if attest else AttestationConveyancePreference.NONE,
        exclude_credentials=_descriptors(session, subject_id, for_staff=for_staff),
        supported_pub_key_algs=ceremony.ALGORITHMS,
    )
    challenges.issue(session, options.challenge, purpose=REGISTER, subject_id=subject_id, browser=browser, now=now)
    return options_to_json_dict(options)


def sign_in_options(
    session: Session, *, rp_id: str, browser: str, subject_id: UUID | None = None, now: datetime
) -> dict[str, Any]:
    """What navigator.credentials.get is given. Without `subject_id` nothing in it depends on anybody (O38)."""
    options = generate_authentication_options(
        rp_id=rp_id,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(session, subject_id) if subject_id else [],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    challenges.issue(session, options.challenge, purpose=SIGN_IN, subject_id=subject_id, browser=browser, now=now)
    return options_to_json_dict(options)


def register(
    session: Session,
    *,
    ring: KeyRing,
    subject_id: UUID,
    credential: dict[str, Any],
    name: str,
    rp_id: str,
    origin: str,
    browser: str,
    now: datetime,
    for_staff: bool = False,
    roots: Sequence[bytes] = (),
    must_be_attested: bool = False,
) -> Passkey:
    """Add a passkey to a person. Appends passkey.added. The caller has asked `factors.may_add`, or has an invitation.

    With makers' `roots`, a key that one of them vouches for is marked (`security_keys`). Raises: PasskeyRefused.
    """
    attestation = ceremony.read_attestation(credential)
    challenges.consume(
        session, attestation.challenge, purpose=REGISTER, subject_id=subject_id, browser=browser, now=now
    )
    proved = ceremony.prove_attestation(attestation, rp_id=rp_id, origin=origin)
    attested = security_keys.is_vouched_for(proved) and _is_chained(attestation, roots, rp_id=rp_id, origin=origin)
    if must_be_attested and not attested:
        raise PasskeyRefused("not_attested", detail=f"{proved.fmt} {proved.credential_device_type.value}")
    passkey_id = _keep(
        session,
        subject_id=subject_id,
        credential_id=bytes_to_base64url(proved.credential_id),
        public_key=proved.credential_public_key,
        sign_count=proved.sign_count,
        device_type=proved.credential_device_type.value,
        backed_up=proved.credential_backed_up,
        for_staff=for_staff,
        attested=attested,
        name="",
        sealed_name=held.sealed(PersonSealer(ring, session), name, owner=subject_id),
        aaguid=proved.aaguid,
        transports=" ".join(attestation.transports),
        created_at=now,
    )
    actor = log.Actor.staff(subject_id) if for_staff else log.Actor.citizen(subject_id)
    codes = (SECURITY_KEY,) if attested else ()
    log.append(session, "passkey.added", now=now, actor=actor, subject_id=subject_id, codes=codes)
    return session.get_one(Passkey, passkey_id)


def verify(
    session: Session,
    *,
    ring: KeyRing,
    credential: dict[str, Any],
    rp_id: str,
    origin: str,
    browser: str,
    now: datetime,
    for_staff: bool = False,
) -> UUID:
    """Whose passkey signed this challenge, user verified. Appends passkey.used, or signin.failed for a known one.

    A passkey of staff is known only with `for_staff`, a citizen's only without. The owner is told of a counter that
    went backwards. Raises: PasskeyRefused, which undoes the caller's transaction, the used challenge and the entry with
    it: a page calls `attempt`.
    """
    assertion = ceremony.read_assertion(credential)
    passkey = _find(session, assertion, for_staff=for_staff)
    try:
        bound_to = challenges.consume(
            session, assertion.challenge, purpose=SIGN_IN, subject_id=passkey.subject_id, browser=browser, now=now
        )
        _match_handle(passkey, assertion, named=bound_to is not None)
        _use(session, passkey, assertion, rp_id=rp_id, origin=origin, now=now)
    except PasskeyRefused as refused:
        _note(session, "signin.failed", passkey.subject_id, outcome="failed", reason=refused.code, now=now)
        if refused.code == "counter":
            alerts.tell(session, ring, subject_id=passkey.subject_id, kind="passkey_copied", now=now)
        raise
    _note(session, "passkey.used", passkey.subject_id, now=now)
    return passkey.subject_id


def attempt(session: Session, **said: Any) -> UUID | PasskeyRefused:
    """`verify`, with the refusal returned: what it leaves behind is kept (CONVENTIONS: raising undoes)."""
    try:
        return verify(session, **said)
    except PasskeyRefused as refused:
        return refused


def factor_of(session: Session, credential: dict[str, Any]) -> str:
    """What a credential that was just verified counts as in a session: "key" when attested, otherwise "passkey"."""
    found = session.scalar(select(Passkey.attested).where(Passkey.credential_id == str(credential.get("id"))))
    return SECURITY_KEY if found else PASSKEY


def handle_of(subject_id: UUID, *, for_staff: bool) -> bytes:
    """The user handle. An authenticator keeps one credential a handle: two, so that home does not overwrite work."""
    return subject_id.bytes + STAFF_HANDLE if for_staff else subject_id.bytes


def _keep(session: Session, **facts: Any) -> UUID:
    """Insert the passkey unless its credential id was ever taken: the unique column decides, whoever races."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Passkey).values(id=new_id(), **facts).on_conflict_do_nothing()
    kept: UUID | None = session.scalar(statement.returning(Passkey.id))
    if kept is None:
        raise PasskeyRefused("already_registered")
    return kept


def _is_chained(attestation: Attestation, roots: Sequence[bytes], *, rp_id: str, origin: str) -> bool:
    """Whether the maker's certificates end at one of these roots. Without any, nobody's do."""
    try:
        ceremony.prove_attestation(attestation, rp_id=rp_id, origin=origin, roots=roots)
    except PasskeyRefused:
        return False
    return bool(roots)


def _find(session: Session, assertion: Assertion, *, for_staff: bool) -> Passkey:
    name = bytes_to_base64url(assertion.credential.raw_id)
    passkey = session.scalar(
        select(Passkey).where(Passkey.credential_id == name, Passkey.removed_at.is_(None), ~is_shut(Passkey.subject_id))
    )
    if passkey is None or passkey.for_staff != for_staff:
        raise PasskeyRefused("unknown")
    return passkey


def _match_handle(passkey: Passkey, assertion: Assertion, *, named: bool) -> None:
    """Section 7.2 step 6: the user handle is the owner's; it may be missing only where the options named the person."""
    handle = assertion.credential.response.user_handle
    own = {passkey.subject_id.bytes, handle_of(passkey.subject_id, for_staff=passkey.for_staff)}  # older ones of staff
    if handle not in own and not (named and handle is None):
        raise PasskeyRefused("unknown", detail="user handle")


def _use(session: Session, passkey: Passkey, assertion: Assertion, *, rp_id: str, origin: str, now: datetime) -> None:
    """Prove the signature, then move the counter on by one conditional UPDATE (section 7.2 steps 17 to 25).

    Authenticators without a counter say 0 for ever. One that goes back or stands still is a copy or a replay.
    """
    proved = ceremony.prove_assertion(assertion, rp_id=rp_id, origin=origin, public_key=passkey.public_key)
    if proved.credential_device_type.value != passkey.device_type:
        raise PasskeyRefused("not_verified", detail="backup eligibility changed")
    count = proved.new_sign_count
    used = session.scalar(
        update(Passkey)
        .where(
            Passkey.id == passkey.id,
            Passkey.removed_at.is_(None),
            or_(Passkey.sign_count < count, and_(Passkey.sign_count == 0, literal(count) == 0)),
        )
        .values(sign_count=count, backed_up=proved.credential_backed_up, last_used_at=now)
        .returning(Passkey.id)
        .execution_options(synchronize_session=False)
    )
    if used is None:
        raise PasskeyRefused("counter")


def _descriptors(session: Session, subject_id: UUID, *, for_staff: bool = False) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(word) for word in passkey.transports.split()],
        )
        for passkey in of(session, subject_id, for_staff=for_staff)
    ]


def _note(
    session: Session, event: str, subject_id: UUID, *, now: datetime, outcome: str = "ok", reason: str = ""
) -> None:
    """The server speaks: nobody is signed in yet."""
    log.append(
        session,
        event,
        now=now,
        actor=log.Actor.system("login"),
        subject_id=subject_id,
        codes=("passkey",),
        outcome=outcome,
        reason=reason,
    )
