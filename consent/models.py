"""The tables of consent: acts are rows that never change, and one standing per key says where things are now.

The acts (a record, a withdrawal, a refusal, a use, an objection and its lifting) are append-only. `ConsentStanding`
alone moves, by compare-and-swap on `version`; every move has an entry in the log with that number (DECISIONS 16).
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id


class ConsentNotice(Base):
    """One published text of one purpose in one language. A new text or basis is a new version, never an edit."""

    __tablename__ = "consent_notice"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (Index("uq_consent_notice_purpose_locale_version", "purpose", "locale", "version", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    purpose: Mapped[Plain]
    locale: Mapped[Plain]
    version: Mapped[int]
    body: Mapped[Plain]
    sha256: Mapped[Plain]
    published_at: Mapped[datetime]


class ConsentNoticeText(Base):
    """The exact words that somebody answered, named receiver and data included, kept once under their hash."""

    __tablename__ = "consent_notice_text"
    __append_only__: ClassVar[bool] = True

    sha256: Mapped[Plain] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID]
    text: Mapped[Plain]


class ConsentRecord(Base):
    """One act of consent, or one basis that was told. Never edited: its withdrawal or use is a row of its own."""

    __tablename__ = "consent_record"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (
        CheckConstraint("expires_at > given_at", name="order"),
        CheckConstraint("kind IN ('consent', 'notice', 'right')", name="kind"),
        Index("ix_consent_record_key", "subject_id", "recipient_id", "holder", "purpose"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Plain]
    subject_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    holder: Mapped[Plain]
    purpose: Mapped[Plain]
    client_id: Mapped[Plain]
    actor_id: Mapped[UUID]
    scopes: Mapped[Plain]
    categories: Mapped[Plain]
    basis: Mapped[Plain]
    explicit: Mapped[bool]
    notice_id: Mapped[UUID]
    notice_version: Mapped[int]
    notice_sha256: Mapped[Plain]
    locale: Mapped[Plain]
    aal: Mapped[Plain]
    ial: Mapped[Plain]
    channel: Mapped[Plain]
    given_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    max_uses: Mapped[int | None]
    capacity: Mapped[Plain | None]  # in which the actor acted; none: for themselves, as before this was asked
    guardianship_id: Mapped[UUID | None]
    co_actor_id: Mapped[UUID | None]
    co_capacity: Mapped[Plain | None]
    co_signed_at: Mapped[datetime | None]
    visit_id: Mapped[UUID | None]
    data_from: Mapped[date | None]  # days of Bangkok, both inclusive
    data_until: Mapped[date | None]
    evidence: Mapped[Plain | None]  # SHA-256 of a paper, or the id of a case
    values_mac: Mapped[Plain | None]
    xb_country: Mapped[Plain | None]
    xb_safeguard: Mapped[Plain | None]
    proofing_at: Mapped[datetime | None]

    def runs_at(self, now: datetime) -> bool:
        """Whether its time has come and not run out. Withdrawal and uses are other rows: ask the decision."""
        return self.given_at <= now < self.expires_at


class ConsentWithdrawal(Base):
    """The end of one record by its subject (PDPA s.19). The record is the key: it can end so only once."""

    __tablename__ = "consent_withdrawal"
    __append_only__: ClassVar[bool] = True

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    actor_id: Mapped[UUID]
    reason: Mapped[Plain]
    withdrawn_at: Mapped[datetime]


class ConsentRefusal(Base):
    """One "no". `ended_record_id` names the running consent that the "no" took back, if there was one."""

    __tablename__ = "consent_refusal"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (Index("ix_consent_refusal_subject_id", "subject_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    holder: Mapped[Plain]
    purpose: Mapped[Plain]
    client_id: Mapped[Plain]
    actor_id: Mapped[UUID]
    notice_id: Mapped[UUID]
    notice_sha256: Mapped[Plain]
    locale: Mapped[Plain]
    aal: Mapped[Plain]
    channel: Mapped[Plain]
    refused_at: Mapped[datetime]
    ended_record_id: Mapped[UUID | None]
    capacity: Mapped[Plain | None]
    guardianship_id: Mapped[UUID | None]


class ConsentObjection(Base):
    """One standing refusal: "not them", "not that", whatever consents say. Its end is a row of its own.

    `unit_mark` is a hash of the unit's name; `words` are what the person calls it, for their own eyes alone.
    """

    __tablename__ = "consent_objection"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (
        CheckConstraint("level IN ('person', 'unit', 'facility', 'visit', 'period', 'topic')", name="level"),
        CheckConstraint("past OR future", name="reach"),
        Index("ix_consent_objection_subject_id", "subject_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID]
    actor_id: Mapped[UUID]
    level: Mapped[Plain]
    recipient_id: Mapped[UUID | None]
    hcode: Mapped[Plain | None]
    unit_mark: Mapped[Plain | None]
    person: Mapped[Plain | None]  # the id of a member of staff, as the log names them
    visit_id: Mapped[UUID | None]
    data_from: Mapped[date | None]
    data_until: Mapped[date | None]
    topics: Mapped[Plain]
    purposes: Mapped[Plain]  # none: all
    past: Mapped[bool]
    future: Mapped[bool]
    words: Mapped[Sealed | None]
    aal: Mapped[Plain]
    made_at: Mapped[datetime]


class ConsentObjectionLift(Base):
    """The end of one standing refusal, by whoever made it. The refusal is the key: it ends once."""

    __tablename__ = "consent_objection_lift"
    __append_only__: ClassVar[bool] = True

    objection_id: Mapped[UUID] = mapped_column(primary_key=True)
    actor_id: Mapped[UUID]
    lifted_at: Mapped[datetime]


class ConsentUse(Base):
    """The n-th use of a record whose purpose counts them. The key makes two n-th uses impossible."""

    __tablename__ = "consent_use"
    __append_only__: ClassVar[bool] = True

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    client_id: Mapped[Plain]
    used_at: Mapped[datetime]


class ConsentStanding(Base):
    """Where one key stands: at most one record of a key can be in force, because there is one row to point at it."""

    __tablename__ = "consent_standing"
    __table_args__ = (
        CheckConstraint("state IN ('given', 'noticed', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("version > 0", name="version"),
        Index(  # who is reminded of what runs is read in this order
            "ix_consent_standing_given_moved_at",
            "moved_at",
            sqlite_where=text("state = 'given'"),
            postgresql_where=text("state = 'given'"),
        ),
    )

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)
    holder: Mapped[Plain] = mapped_column(primary_key=True)
    purpose: Mapped[Plain] = mapped_column(primary_key=True)
    state: Mapped[Plain]
    basis: Mapped[Plain]
    record_id: Mapped[UUID | None]
    refusal_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    moved_at: Mapped[datetime]
    version: Mapped[int]


class ConsentRestriction(Base):
    """A pause of uses that rest on the person's consent (PDPA s.34): of one purpose or "" all, of one receiver or all.

    It runs while `until` lies ahead. Ending it moves `until`, after the person was told (`announced_at`).
    """

    __tablename__ = "consent_restriction"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    recipient_id: Mapped[UUID | None]
    purpose: Mapped[Plain]
    begun_at: Mapped[datetime]
    begun_by: Mapped[UUID]
    until: Mapped[datetime]
    announced_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]

    def runs_at(self, now: datetime) -> bool:
        """Whether what it names is not used."""
        return now < self.until


class ConsentUndo(Base):
    """A withdrawal that was taken back at once: the ended record is the key, so it can be taken back only once."""

    __tablename__ = "consent_undo"
    __append_only__: ClassVar[bool] = True

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    undone_at: Mapped[datetime]
