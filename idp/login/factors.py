"""Which factors a person can add to a sign-in, what to ask for next, and when they may add another (ASVS 6.4.4, 7.5.1).

A passkey of staff is none of these: it opens the console and nothing else, so whoever has only that one at work is, as
a citizen, somebody without a second factor.
"""

from collections.abc import Set as AbstractSet
from uuid import UUID

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session

from idp.assurance import Aal, aal_of
from idp.login.passkeys import Passkey
from idp.login.pin import Pin
from idp.login.recovery_codes import RecoveryCode
from idp.login.totp import Totp

SECOND_FACTORS = ("pin", "totp", "passkey")  # what can be set up to strengthen a sign-in
ASKED = ("passkey", "pin", "totp", "recovery")  # what can be asked for, the strongest first
PHONE = frozenset({"sms"})  # everybody's first factor: the phone of record
BORROWED = frozenset({"line", "recovery"})  # another house's word, a sheet of paper: alone they add nothing


def available(session: Session, subject_id: UUID) -> frozenset[str]:
    """Those of "pin", "totp", "passkey", "recovery" that the person, as a citizen, can use now."""
    return frozenset(
        session.scalars(
            union_all(
                select(literal("pin")).where(Pin.subject_id == subject_id),
                select(literal("totp")).where(Totp.subject_id == subject_id, Totp.confirmed_at.is_not(None)),
                select(literal("passkey")).where(
                    Passkey.subject_id == subject_id, Passkey.removed_at.is_(None), ~Passkey.for_staff
                ),
                select(literal("recovery")).where(
                    RecoveryCode.subject_id == subject_id, RecoveryCode.used_at.is_(None)
                ),
            )
        )
    )


def may_add(have: AbstractSet[str], proved: AbstractSet[str]) -> bool:
    """PURE: the first second factor may be added by whoever is signed in; further ones once one of them was used.

    Used means: up to AAL2.1, or as far as all that the person has goes (SMS and an app's code are both possessions).
    Otherwise whoever holds the phone could add a factor of their own beside the person's and step up with it.
    """
    level, within_reach = aal_of(proved), aal_of(have | proved | PHONE)
    if level is None or within_reach is None or not proved - BORROWED:
        return False
    return not have or (bool(have & proved) and level >= min(within_reach, Aal.AAL2_1))


def askable(have: AbstractSet[str], proved: AbstractSet[str], need: Aal) -> list[str]:
    """PURE: what to ask for next on the way to a level, the strongest first. Nothing: a factor may be added.

    First those that reach the level alone; then those on the way to where another may be added (`may_add`). Nothing and
    nothing to add: this sign-in leads nowhere (LINE and a PIN), and the person signs in by number instead.
    """
    left = [factor for factor in ASKED if factor in have and factor not in proved]
    enough = [factor for factor in left if _level(proved | {factor}) >= need]
    if enough or may_add(have, proved):
        return enough
    raising = [factor for factor in left if _level(proved | {factor}) > _level(proved)]
    return raising or (left if may_add(have, proved | set(left)) else [])


def _level(proved: AbstractSet[str]) -> Aal:
    return aal_of(proved) or Aal.AAL1
