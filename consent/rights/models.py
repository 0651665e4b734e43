"""The tables of rights: one row per request of a person, one per breach. What was done and when is in the log, too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id


class RightsCase(Base):
    """One request of a person, and what became of it. It is answered once, by a conditional UPDATE.

    `words` and `answer` are sealed under the person's key. `about_entry` is a line of the log, `about_record` a
    consent, `about_emergency` an emergency access. `subject_id` stays after erasure: a number that leads to nobody.
    """

    __tablename__ = "rights_case"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('access', 'portability', 'objection', 'erasure', 'restriction', 'rectification', 'complaint', "
            "'not_right', 'emergency')",
            name="kind",
        ),
        CheckConstraint("state IN ('open', 'done', 'refused', 'taken_back')", name="state"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refusal"),
        CheckConstraint("due_at > opened_at", name="order"),
        Index("ix_rights_case_subject_id", "subject_id"),
        Index("ix_rights_case_state_due_at", "state", "due_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID]
    kind: Mapped[Plain]
    channel: Mapped[Plain]
    about_entry: Mapped[UUID | None]
    about_record: Mapped[UUID | None]
    about_emergency: Mapped[UUID | None]
    words: Mapped[Sealed | None]
    state: Mapped[Plain]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    extended_at: Mapped[datetime | None]
    extension_reason: Mapped[Plain | None]
    held_at: Mapped[datetime | None]
    hold: Mapped[Plain | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    refusal: Mapped[Plain | None]
    answer: Mapped[Sealed | None]


class BreachCase(Base):
    """One breach of personal data (PDPA s.37(4)): known, weighed, reported, told, closed; each once.

    The free texts are sealed under the server's key: they are about no single person.
    """

    __tablename__ = "breach_case"
    __table_args__ = (
        CheckConstraint("nature IN ('confidentiality', 'integrity', 'availability')", name="nature"),
        CheckConstraint("risk IN ('none', 'risk', 'high')", name="risk"),
        CheckConstraint("(risk IS NULL) = (weighed_at IS NULL)", name="weighed"),
        CheckConstraint("affected IS NULL OR affected >= 0", name="affected"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    nature: Mapped[Plain]
    client_id: Mapped[Plain]
    facts: Mapped[Sealed]
    opened_by: Mapped[UUID]
    known_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    risk: Mapped[Plain | None]
    affected: Mapped[int | None]
    assessment: Mapped[Sealed | None]
    weighed_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    reference: Mapped[Plain | None]
    late_reasons: Mapped[Sealed | None]
    explained_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    told: Mapped[int | None]
    closed_at: Mapped[datetime | None]


class Erased(Base):
    """One person whose key was destroyed. After a backup is restored, the same is done again (`idp.erasure.again`)."""

    __tablename__ = "erased"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime]
    again: Mapped[bool] = mapped_column(server_default=false())
