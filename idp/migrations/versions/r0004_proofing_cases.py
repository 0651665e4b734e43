"""Evidence and cases of proofing; provisional accounts."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    """Expand: four tables, three indexes and a nullable column; yesterday's code knows of none and needs none.

    What an account began with is written as evidence when the first proof comes after it (`cases.record`).
    """
    op.add_column("national_id", sa.Column("claim", sa.Text(), nullable=True))
    op.create_index("ix_national_id_fingerprint", "national_id", ["fingerprint"], unique=False)
    op.create_index("uq_national_id_claim", "national_id", ["claim"], unique=True)
    op.create_index("ix_subject_ial_expires_at", "subject", ["ial_expires_at"], unique=False)
    _evidence()
    _cases()
    op.create_table(
        "proofing_looks",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("look_1", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_2", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_3", sa.DateTime(timezone=True), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("breaks", sa.Integer(), nullable=False),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_proofing_looks"),
    )
    op.create_table(
        "phone_claim",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("challenge_id", name="pk_phone_claim"),
    )
    op.create_index("ix_phone_claim_expires_at", "phone_claim", ["expires_at"], unique=False)


def _evidence() -> None:
    op.create_table(
        "proofing_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("stated", sa.Text(), nullable=True),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > at", name="ck_proofing_evidence_order"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_proofing_evidence_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_proofing_evidence"),
    )
    op.create_index("ix_proofing_evidence_subject_id", "proofing_evidence", ["subject_id"], unique=False)
    create_guards(op.get_bind(), ["proofing_evidence"])


def _cases() -> None:
    op.create_table(
        "proofing_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("typed", sa.LargeBinary(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("recipe IN ('card_data', 'thaid', 'counter')", name="ck_proofing_case_recipe"),
        sa.CheckConstraint("expires_at > opened_at", name="ck_proofing_case_order"),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="ck_proofing_case_closed"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_proofing_case_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_proofing_case"),
    )
    op.create_index("ix_proofing_case_expires_at", "proofing_case", ["expires_at"], unique=False)
    op.create_index(
        *("uq_proofing_case_open", "proofing_case", ["subject_id", "recipe"]),
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
