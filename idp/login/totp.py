"""Codes of an authenticator app (RFC 6238): the unrestricted alternative to SMS, second factor with it (DECISIONS 3).

A code works once: the matched time step is stored, and a step that is not later is refused (RFC 6238 section 5.2). An
enrolment counts only after its first right code; until then an earlier app goes on working.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import BigInteger, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Sealed, Sealer
from idp.keys import KeyRing
from idp.login import tries
from idp.login.tries import Check, Limited

__all__ = ["Check", "Enrolment", "Totp", "begin", "check", "confirm", "qr_svg", "remove", "step_of", "use_step"]

FIELD = "totp"
ISSUER = "Yinyom"
WINDOW = 1  # one step of 30 s before and after: clocks of phones drift
PENDING_FOR = timedelta(minutes=15)


class Totp(Limited):
    """One person's authenticator app; `pending` is a secret that was shown and not yet proved."""

    __tablename__ = "totp"

    secret: Mapped[Sealed | None]
    pending: Mapped[Sealed | None]
    pending_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


@dataclass(frozen=True)
class Enrolment:
    """What the person puts into the app: by QR code (`uri`) or by hand."""

    secret_b32: str
    uri: str


def begin(session: Session, ring: KeyRing, sealer: Sealer, subject_id: UUID, *, now: datetime) -> Enrolment:
    """A secret to prove (160 bits). For 15 minutes it stays the same, so that a mistyped code costs no new scan.

    The account is labelled by a mark, not by a name: the label is shown on lock screens and copied to clouds.
    """
    label = ring.pairwise(subject_id, "totp-label")[:8]
    row = session.execute(select(Totp.pending, Totp.pending_at).where(Totp.subject_id == subject_id)).first()
    if row is not None and row.pending is not None and row.pending_at is not None and _fresh(row.pending_at, now):
        return _enrolment(sealer.open(row.pending, owner=subject_id, field=FIELD), label)
    secret = pyotp.random_base32()
    tries.keep(session, Totp, subject_id, pending=sealer.seal(secret, owner=subject_id, field=FIELD), pending_at=now)
    return _enrolment(secret, label)


def confirm(session: Session, sealer: Sealer, subject_id: UUID, code: str, *, now: datetime) -> Check:
    """The first right code makes the shown secret the person's own. Appends totp.added. Tries are counted as ever."""
    row = session.execute(select(Totp.pending, Totp.pending_at).where(Totp.subject_id == subject_id)).first()
    if row is None or row.pending is None or row.pending_at is None or not _fresh(row.pending_at, now):
        return Check("none")
    spent = tries.spend(session, Totp, subject_id, now=now)
    if spent is None:
        return tries.refusal(session, Totp, subject_id)
    step = step_of(sealer.open(row.pending, owner=subject_id, field=FIELD), code, now=now)
    if step is None or not _adopt(session, subject_id, row.pending, step, now=now):
        return tries.wrong(session, Totp, subject_id, spent, factor=FIELD, reason="wrong", now=now)
    tries.forgive(session, Totp, subject_id)
    log.append(session, "totp.added", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)
    return Check("right", tries_left=tries.TRIES)


def check(session: Session, sealer: Sealer, subject_id: UUID, code: str, *, now: datetime) -> Check:
    """Compare a code, once the try is paid for; the same code a second time is wrong, from whichever process."""
    secret = session.scalar(select(Totp.secret).where(Totp.subject_id == subject_id))
    if secret is None:
        return Check("none")
    spent = tries.spend(session, Totp, subject_id, now=now)
    if spent is None:
        return tries.refusal(session, Totp, subject_id)
    step = step_of(sealer.open(secret, owner=subject_id, field=FIELD), code, now=now)
    if step is None:
        return tries.wrong(session, Totp, subject_id, spent, factor=FIELD, reason="wrong", now=now)
    if not use_step(session, subject_id, secret, step):
        return tries.wrong(session, Totp, subject_id, spent, factor=FIELD, reason="replayed", now=now)
    tries.forgive(session, Totp, subject_id)
    return Check("right", tries_left=tries.TRIES)


def remove(session: Session, subject_id: UUID, *, now: datetime) -> bool:
    """The app's codes open nothing any more. Appends totp.removed; without an app: False, nothing."""
    removed = session.scalar(
        delete(Totp)
        .where(Totp.subject_id == subject_id, Totp.confirmed_at.is_not(None))
        .returning(Totp.subject_id)
        .execution_options(synchronize_session=False)
    )
    if removed is not None:
        log.append(session, "totp.removed", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)
    return removed is not None


def qr_svg(uri: str) -> str:
    """The enrolment as an inline SVG without size or style. It holds the secret: never cached, never logged."""
    svg: str = segno.make(uri, error="m").svg_inline(omitsize=True, border=4, dark="#000", light="#fff")
    return svg


def _adopt(session: Session, subject_id: UUID, pending: bytes, step: int, *, now: datetime) -> bool:
    """Make exactly this pending secret the confirmed one, once."""
    adopted = session.scalar(
        update(Totp)
        .where(Totp.subject_id == subject_id, Totp.pending == pending)
        .values(secret=pending, pending=None, pending_at=None, confirmed_at=now, last_step=step)
        .returning(Totp.subject_id)
        .execution_options(synchronize_session=False)
    )
    return adopted is not None


def use_step(session: Session, subject_id: UUID, secret: bytes, step: int) -> bool:
    """Consume one time step of exactly this secret, once."""
    used = session.scalar(
        update(Totp)
        .where(Totp.subject_id == subject_id, Totp.secret == secret, Totp.last_step < step)
        .values(last_step=step)
        .returning(Totp.subject_id)
        .execution_options(synchronize_session=False)
    )
    return used is not None


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """PURE: the time step whose code this is, within one of now; None for any other."""
    digits = tries.six_digits(code)
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=now, valid_window=WINDOW) if digits else None
    except OTPVerificationError:
        return None


def _enrolment(secret: str, label: str) -> Enrolment:
    return Enrolment(secret_b32=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=label, issuer_name=ISSUER))


def _fresh(pending_at: datetime, now: datetime) -> bool:
    return now - pending_at < PENDING_FOR
