"""The directory's tables. Facts with dates; whether a licence or a role holds is asked with `now`."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, new_id

ROLES = ("auditor", "administrator", "clerk", "practitioner", "dpo", "head")
OF_THE_SERVICE = ("auditor", "administrator", "dpo")  # the others work at one facility


class LegalEntity(Base):
    """A data controller (PDPA s.6, s.23): who receives data, with the contacts that a notice must name.

    `kind` is one word of the catalogue's recipient_kinds. `own_app` marks the operator of this server.
    """

    __tablename__ = "legal_entity"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name_th: Mapped[Plain]
    name_en: Mapped[Plain]
    kind: Mapped[Plain]
    controller_contact: Mapped[Plain]
    dpo_contact: Mapped[Plain]
    own_app: Mapped[bool] = mapped_column(default=False)
    agreement: Mapped[Plain | None]  # number of the data sharing or processing agreement (PDPA s.40)


class Facility(Base):
    """A place of service under a legal entity. The licence holds through the whole Bangkok day it names."""

    __tablename__ = "facility"
    __table_args__ = (Index("ix_facility_entity_province", "legal_entity_id", "province"),)

    hcode: Mapped[Plain] = mapped_column(primary_key=True)
    legal_entity_id: Mapped[UUID] = mapped_column(ForeignKey("legal_entity.id"), index=True)
    name_th: Mapped[Plain]
    name_en: Mapped[Plain]
    kind: Mapped[Plain]
    province: Mapped[Plain]
    licence_valid_until: Mapped[date | None] = mapped_column(Date())


class ProvinceRollOut(Base):
    """From `starts_at` on, a province takes part or does not; the latest row that has begun counts, none: it does."""

    __tablename__ = "roll_out"
    __append_only__ = True
    __table_args__ = (Index("ix_roll_out_province_starts_at", "province", "starts_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    province: Mapped[Plain]  # the Thai name, as a facility has it
    is_open: Mapped[bool]
    starts_at: Mapped[datetime]
    decided_at: Mapped[datetime]


class Practitioner(Base):
    """A person's professional licence: issuer, number and kind apart; the display prefix is derived."""

    __tablename__ = "practitioner"

    subject_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("subject.id"), primary_key=True)
    issuer: Mapped[Plain] = mapped_column(primary_key=True)
    number: Mapped[Plain] = mapped_column(primary_key=True)
    kind: Mapped[Plain]
    valid_until: Mapped[date | None] = mapped_column(Date())
    suspended_at: Mapped[datetime | None]


class StaffAssignment(Base):
    """A dated role of a person, at a facility or (OF_THE_SERVICE) for the service itself; granted by whom."""

    __tablename__ = "staff_assignment"
    __table_args__ = (
        CheckConstraint("role IN ('auditor', 'administrator', 'clerk', 'practitioner', 'dpo', 'head')", name="role"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("subject.id"), index=True)
    role: Mapped[Plain]
    hcode: Mapped[Plain | None] = mapped_column(ForeignKey("facility.hcode"))
    granted_by: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
