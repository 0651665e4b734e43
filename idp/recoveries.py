"""The rows of recoveries, and the rules: who may approve, and what an account is worth afterwards (THAI.md 3b R8)."""

import re
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id
from consent.errors import NotAllowed
from idp import subjects
from idp.assurance import Ial
from idp.contact import codes

FACTOR, COUNTER = "factor", "counter"
OPEN = ("proving", "waiting")
MOBILE = re.compile(r"\+66[1689]\d{8}")
SEEN_IN_PERSON = Ial.IAL2_1
KEPT_BY_A_FACTOR = Ial.IAL1_3  # what no counter and no ThaID was needed for


class Recovery(Base):
    """One recovery. proving: the new phone awaits its code; waiting: the owner may object; done or cancelled: over."""

    __tablename__ = "recovery"
    __table_args__ = (
        CheckConstraint("way IN ('factor', 'counter')", name="way"),
        CheckConstraint("state IN ('proving', 'waiting', 'done', 'cancelled')", name="state"),
        CheckConstraint("tries_left >= 0", name="tries"),
        CheckConstraint("(way = 'counter') = (second_by IS NOT NULL)", name="two_staff"),
        CheckConstraint("second_by IS NULL OR second_by <> approved_by", name="not_alone"),
        Index(
            "uq_recovery_open",
            "subject_id",
            unique=True,
            sqlite_where=text("state IN ('proving', 'waiting')"),
            postgresql_where=text("state IN ('proving', 'waiting')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"))
    way: Mapped[Plain]
    state: Mapped[Plain]
    notice_id: Mapped[UUID | None]
    ref: Mapped[Plain]
    new_phone: Mapped[Sealed | None]  # wiped once it is over
    code_hash: Mapped[Plain | None]
    tries_left: Mapped[int]
    code_expires_at: Mapped[datetime | None]
    shown: Mapped[Plain | None]
    hcode: Mapped[Plain | None]
    approved_by: Mapped[UUID | None]
    second_by: Mapped[UUID | None]
    started_at: Mapped[datetime]
    takes_effect_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


def number_of(typed: str) -> str:
    """PURE: a Thai mobile number in E.164; codes go to no other (RELIABILITY 3). Raises: NotAllowed("not_mobile")."""
    plain = codes.typed(typed)
    number = subjects.e164(plain)
    if not plain.removeprefix("+").isdecimal() or not MOBILE.fullmatch(number):
        raise NotAllowed("This is no Thai mobile number.", code="not_mobile")
    return number


def refusal(subject_id: UUID, staff: Collection[UUID], *, shown: Ial, account: Ial) -> str | None:
    """PURE: why two members of staff may not approve, or None.

    Two different people, and neither the person concerned; and what they saw is never weaker than what the account was
    opened with, as far as a counter can see (IAL2.1).
    """
    if len(set(staff)) != 2:  # noqa: PLR2004 -- four eyes
        return "same_person"
    if subject_id in staff:
        return "own_account"
    return "too_weak" if shown < min(account, SEEN_IN_PERSON, key=lambda level: level.rank) else None


def level_after(account: Ial, *, way: str, shown: Ial | None, proved_anew: bool) -> Ial | None:
    """PURE: the level that an account falls to after a recovery; None: it keeps its own.

    After a counter it is worth what the counter saw. After another factor it keeps what a card, a face or ThaID gave
    only if that was done again since the recovery began.
    """
    worth = shown if way == COUNTER else account if proved_anew else KEPT_BY_A_FACTOR
    return worth if worth is not None and worth < account else None
