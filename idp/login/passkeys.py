"""Passkeys (WebAuthn Level 3): one device, user verified, level AAL2.2; never locked (RELIABILITY 3).

Signing in names nobody: the options are the same for everybody, and the passkey tells who it is. The user handle is the
person's internal id, which says nothing to anybody else.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, and_, false, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column
from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from consent.audit import log
from consent.db import Base, Personal, Plain, Sealed, Sealer, new_id
from consent.errors import NotFound
from idp.login import ceremony, challenges
from idp.login.ceremony import Assertion, PasskeyRefused
from idp.login.challenges import REGISTER, SIGN_IN
from idp.subjects import is_shut

__all__ = ["Passkey", "PasskeyRefused", "attempt", "of", "register", "remove", "rename", "verify"]

RP_NAME = "Yinyom"
LONGEST_NAME = 64
TIMEOUT_MS = int(challenges.LIFETIME.total_seconds() * 1000)


class Passkey(Base):
    """One credential of one person. A removed one stays, so that its id is never taken again.

    `for_staff`: added with an invitation. Only such a one opens the console: whoever holds a member of staff's phone
    could add a passkey of their own as a citizen.
    """

    __tablename__ = "passkey"
    __table_args__ = (CheckConstraint("sign_count >= 0", name="count"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    credential_id: Mapped[Plain] = mapped_column(unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    device_type: Mapped[Plain]
    backed_up: Mapped[bool]
    for_staff: Mapped[bool]
    attested: Mapped[bool] = mapped_column(default=False, server_default=false())
    name: Mapped[Personal]  # of before names were sealed; empty since
    sealed_name: Mapped[Sealed | None]
    aaguid: Mapped[Plain]
    transports: Mapped[Plain]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


def registration_options(
    session: Session, *, subject_id: UUID, display_name: str, rp_id: str, browser: str, now: datetime
) -> dict[str, Any]:
    """What navigator.credentials.create is given: a discoverable credential with user verification, no attestation."""
    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=RP_NAME,
        user_id=subject_id.bytes,
        user_name=display_name,
        user_display_name=display_name,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(session, subject_id),
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
    subject_id: UUID,
    credential: dict[str, Any],
    name: str,
    rp_id: str,
    origin: str,
    browser: str,
    now: datetime,
    for_staff: bool = False,
) -> Passkey:
    """Add a passkey to a person. Appends passkey.added. The caller has asked `factors.may_add`.

    Raises: PasskeyRefused.
    """
    attestation = ceremony.read_attestation(credential)
    challenges.consume(
        session, attestation.challenge, purpose=REGISTER, subject_id=subject_id, browser=browser, now=now
    )
    proved = ceremony.prove_attestation(attestation, rp_id=rp_id, origin=origin)
    passkey_id = _keep(
        session,
        subject_id=subject_id,
        credential_id=bytes_to_base64url(proved.credential_id),
        public_key=proved.credential_public_key,
        sign_count=proved.sign_count,
        device_type=proved.credential_device_type.value,
        backed_up=proved.credential_backed_up,
        for_staff=for_staff,
        name=_tidy(name),
        aaguid=proved.aaguid,
        transports=" ".join(attestation.transports),
        created_at=now,
    )
    log.append(session, "passkey.added", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)
    return session.get_one(Passkey, passkey_id)


def verify(
    session: Session,
    *,
    credential: dict[str, Any],
    rp_id: str,
    origin: str,
    browser: str,
    now: datetime,
    for_staff: bool = False,
) -> UUID:
    """Whose passkey signed this challenge, user verified. Appends passkey.used, or signin.failed for a known one.

    With `for_staff`, only a passkey added with an invitation is known. Raises: PasskeyRefused, which undoes the
    caller's transaction, the used challenge and the entry with it: a page calls `attempt`.
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
        raise
    _note(session, "passkey.used", passkey.subject_id, now=now)
    return passkey.subject_id


def attempt(session: Session, **said: Any) -> UUID | PasskeyRefused:
    """`verify`, with the refusal returned: what it leaves behind is kept (CONVENTIONS: raising undoes)."""
    try:
        return verify(session, **said)
    except PasskeyRefused as refused:
        return refused


def of(session: Session, subject_id: UUID, *, for_staff: bool = False) -> list[Passkey]:
    """The person's passkeys that still work, as a citizen or as staff, oldest first."""
    return list(
        session.scalars(
            select(Passkey)
            .where(Passkey.subject_id == subject_id, Passkey.removed_at.is_(None), Passkey.for_staff == for_staff)
            .order_by(Passkey.created_at, Passkey.id)
        )
    )


def remove(session: Session, passkey_id: UUID, *, subject_id: UUID, now: datetime) -> None:
    """Stop a passkey from opening anything, at once. Appends passkey.removed; a second time writes nothing.

    Raises: NotFound if unknown or another person's.
    """
    removed = session.scalar(
        update(Passkey)
        .where(Passkey.id == passkey_id, Passkey.subject_id == subject_id, Passkey.removed_at.is_(None))
        .values(removed_at=now)
        .returning(Passkey.id)
        .execution_options(synchronize_session=False)
    )
    if removed is None:
        _own(session, passkey_id, subject_id)
        return
    log.append(session, "passkey.removed", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)


def rename(session: Session, passkey_id: UUID, *, subject_id: UUID, name: str, now: datetime) -> None:
    """Give a passkey another name. Appends passkey.renamed. Raises: NotFound if unknown or another person's."""
    _own(session, passkey_id, subject_id).name = _tidy(name)
    log.append(session, "passkey.renamed", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)


def _keep(session: Session, **facts: Any) -> UUID:
    """Insert the passkey unless its credential id was ever taken: the unique column decides, whoever races."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Passkey).values(id=new_id(), **facts).on_conflict_do_nothing()
    kept: UUID | None = session.scalar(statement.returning(Passkey.id))
    if kept is None:
        raise PasskeyRefused("already_registered")
    return kept


def _own(session: Session, passkey_id: UUID, subject_id: UUID) -> Passkey:
    passkey = session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.subject_id == subject_id))
    if passkey is None:
        raise NotFound("There is no such passkey.", detail=f"{passkey_id=}")
    return passkey


def _find(session: Session, assertion: Assertion, *, for_staff: bool) -> Passkey:
    name = bytes_to_base64url(assertion.credential.raw_id)
    passkey = session.scalar(
        select(Passkey).where(Passkey.credential_id == name, Passkey.removed_at.is_(None), ~is_shut(Passkey.subject_id))
    )
    if passkey is None or (for_staff and not passkey.for_staff):
        raise PasskeyRefused("unknown")
    return passkey


def _match_handle(passkey: Passkey, assertion: Assertion, *, named: bool) -> None:
    """Section 7.2 step 6: the user handle is the owner's; it may be missing only where the options named the person."""
    handle = assertion.credential.response.user_handle
    if handle != passkey.subject_id.bytes and not (named and handle is None):
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


def _descriptors(session: Session, subject_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(word) for word in passkey.transports.split()],
        )
        for passkey in of(session, subject_id)
    ]


def _tidy(name: str) -> str:
    """A name fit for one line: no control characters, single spaces, at most 64 characters."""
    shown = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(shown.split())[:LONGEST_NAME]


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
