"""The tables of rights: one row per request of a person, one per breach. What was done and when is in the log, too."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id


class RightsCase(Base):
    """One request of a person, and what became of it. It is answered once, by a conditional UPDATE.

    `words` and `answer` are sealed under the person's key. `about_entry` is a line of the log, `about_record` a
    consent, `about_emergency` an emergency access. `subject_id` stays after erasure: a number that leads to nobody.
    `actor_id`: who asked in the person's name (PDPA s.20); None: they themselves. `opened_at` is when it reached us;
    what came by counter or post was entered later, by `entered_by`, on `evidence` of who asks. `same` is what makes
    two open requests of one person equal.
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
        Index(
            "uq_rights_case_open",
            "subject_id",
            "same",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
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
    same: Mapped[Plain | None]
    actor_id: Mapped[UUID | None]
    entered_at: Mapped[datetime | None]
    entered_by: Mapped[UUID | None]
    evidence: Mapped[Plain | None]
    letter_sha256: Mapped[Plain | None]
    sent_by: Mapped[Plain | None]
    sent_at: Mapped[datetime | None]


class RightsTransfer(Base):
    """The portable part of somebody's data, promised to one client: fetched once, or taken back (PDPA s.31).

    No data lies here: it is drawn when it is fetched.
    """

    __tablename__ = "rights_transfer"
    __table_args__ = (
        CheckConstraint("expires_at > asked_at", name="order"),
        CheckConstraint("fetched_at IS NULL OR taken_back_at IS NULL", name="one_end"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    recipient_id: Mapped[UUID]
    client_id: Mapped[Plain]
    handle_hash: Mapped[Plain] = mapped_column(unique=True)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]


class BreachCase(Base):
    """One breach of personal data (PDPA s.37(4)): known, reported, told, closed, each once; weighed as often as needed.

    The free texts are sealed under the server's key: they are about no single person. `risk_since`: from when there
    was something to report after an assessment that saw none. Two officers tell: one asks for it, another confirms.
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
    risk_since: Mapped[datetime | None]
    tell_asked_at: Mapped[datetime | None]
    tell_asked_by: Mapped[UUID | None]
    told_by: Mapped[UUID | None]


class BreachAssessment(Base):
    """The n-th assessment of a breach; the newest is the case's own. Its words are let go with those of the case."""

    __tablename__ = "breach_assessment"
    __table_args__ = (
        CheckConstraint("risk IN ('none', 'risk', 'high')", name="risk"),
        CheckConstraint("affected >= 0", name="affected"),
    )

    breach_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    risk: Mapped[Plain]
    affected: Mapped[int]
    words: Mapped[Sealed]
    weighed_by: Mapped[UUID]
    weighed_at: Mapped[datetime]


class BreachTold(Base):
    """One person who was told of one breach: the key makes a second message impossible. Not `reached`: by no way."""

    __tablename__ = "breach_told"
    __append_only__: ClassVar[bool] = True

    breach_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]
    reached: Mapped[bool]


class Erased(Base):
    """One person whose key was destroyed. After a backup is restored, the same is done again (`idp.erasure.again`)."""

    __tablename__ = "erased"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime]
    again: Mapped[bool] = mapped_column(server_default=false())
