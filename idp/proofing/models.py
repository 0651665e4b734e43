"""The tables of proofing: evidence that never changes, cases that are kept until finished, look-ups that count."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id


class EvidenceRow(Base):
    """One item of evidence about a person (`evidence.Evidence`). It holds no number, no name and no picture."""

    __tablename__ = "proofing_evidence"
    __append_only__ = True
    __table_args__ = (CheckConstraint("expires_at IS NULL OR expires_at > at", name="order"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), index=True)
    act: Mapped[UUID]
    method: Mapped[Plain]
    source: Mapped[Plain]
    finding: Mapped[Plain]
    stated: Mapped[Plain | None]
    check_id: Mapped[Plain]
    checked_by: Mapped[UUID | None]
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Case(Base):
    """One attempt to prove who somebody is, which can be left and taken up again. `typed` is sealed for the person.

    `closed_at` is set once; a person has at most one open case of a recipe.
    """

    __tablename__ = "proofing_case"
    __table_args__ = (
        CheckConstraint("recipe IN ('card_data', 'thaid', 'counter')", name="recipe"),
        CheckConstraint("expires_at > opened_at", name="order"),
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
        Index(
            "uq_proofing_case_open",
            "subject_id",
            "recipe",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"))
    recipe: Mapped[Plain]
    step: Mapped[Plain]
    typed: Mapped[Sealed | None]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    outcome: Mapped[Plain | None]


class Looks(Base):
    """How often an issuer was asked about one number, `look_1` the newest, and what came of it.

    By fingerprint, so that several accounts with the same number have no more tries than one.
    """

    __tablename__ = "proofing_looks"

    fingerprint: Mapped[Plain] = mapped_column(primary_key=True)
    look_1: Mapped[datetime]
    look_2: Mapped[datetime]
    look_3: Mapped[datetime]
    misses: Mapped[int]
    breaks: Mapped[int]
    quiet_until: Mapped[datetime | None]


class PhoneClaim(Base):
    """A phone that was typed with a number while a code is under way to it; the number stands in the challenge."""

    __tablename__ = "phone_claim"

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[Sealed]
    expires_at: Mapped[datetime] = mapped_column(index=True)
