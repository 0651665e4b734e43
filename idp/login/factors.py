"""Which second factors a person has, and when they may add another (ASVS 6.4.4, 7.5.1)."""

from collections.abc import Set as AbstractSet
from uuid import UUID

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session

from idp.assurance import Aal
from idp.login.passkeys import Passkey
from idp.login.pin import Pin
from idp.login.totp import Totp

SECOND_FACTORS = ("pin", "totp", "passkey")


def available(session: Session, subject_id: UUID) -> frozenset[str]:
    """Those of "pin", "totp", "passkey" that the person can use now."""
    return frozenset(
        session.scalars(
            union_all(
                select(literal("pin")).where(Pin.subject_id == subject_id),
                select(literal("totp")).where(Totp.subject_id == subject_id, Totp.confirmed_at.is_not(None)),
                select(literal("passkey")).where(Passkey.subject_id == subject_id, Passkey.removed_at.is_(None)),
            )
        )
    )


def may_add(have: AbstractSet[str], aal: Aal | None) -> bool:
    """PURE: the first second factor may be added at AAL1; once there is one, it must have been used (AAL2.1).

    Otherwise whoever holds the phone could add a factor of their own beside the person's and step up with it.
    """
    if aal is None:
        return False
    return aal >= Aal.AAL2_1 or not have
