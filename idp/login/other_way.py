"""Signing in without SMS: after the number, a code of the app or a recovery code."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain
from idp.login import tries


class OtherWayLedger(Base):
    """Guesses at one number, whoever it belongs to and whether it belongs to anybody."""

    __tablename__ = "other_way_ledger"

    fingerprint: Mapped[Plain] = mapped_column(primary_key=True)
    tries_left: Mapped[int] = mapped_column(default=tries.TRIES)
    lockouts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    guessed_at: Mapped[datetime] = mapped_column(index=True)
