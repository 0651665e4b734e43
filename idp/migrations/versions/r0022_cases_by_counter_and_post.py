"""Requests by counter or post, equal open ones once; uses that pause; data sent on; breaches weighed anew and told."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand: nullable columns, indexes and tables; yesterday's code writes none of them."""
    _cases()
    _restrictions()
    _transfers()
    _breaches()


def _cases() -> None:
    op.add_column("rights_case", sa.Column("same", sa.Text(), nullable=True))
    op.add_column("rights_case", sa.Column("actor_id", sa.Uuid(), nullable=True))
    op.add_column("rights_case", sa.Column("entered_at", WHEN, nullable=True))
    op.add_column("rights_case", sa.Column("entered_by", sa.Uuid(), nullable=True))
    for name in ("evidence", "letter_sha256", "sent_by"):
        op.add_column("rights_case", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("rights_case", sa.Column("sent_at", WHEN, nullable=True))
    op.create_index(
        "uq_rights_case_open",
        "rights_case",
        ["subject_id", "same"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _restrictions() -> None:
    op.create_table(
        "consent_restriction",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "subject_id", "case_id")),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("begun_at", WHEN, nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.Column("announced_at", WHEN, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consent_restriction"),
    )
    op.create_index("ix_consent_restriction_subject_id", "consent_restriction", ["subject_id"], unique=False)
    op.create_index("ix_consent_restriction_case_id", "consent_restriction", ["case_id"], unique=False)


def _transfers() -> None:
    op.add_column("client", sa.Column("takes_transfers_since", WHEN, nullable=True))
    op.create_table(
        "rights_transfer",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "subject_id", "recipient_id")),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("handle_hash", sa.Text(), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("taken_back_at", WHEN, nullable=True),
        sa.Column("fetched_at", WHEN, nullable=True),
        sa.CheckConstraint("expires_at > asked_at", name="ck_rights_transfer_order"),
        sa.CheckConstraint("fetched_at IS NULL OR taken_back_at IS NULL", name="ck_rights_transfer_one_end"),
        sa.PrimaryKeyConstraint("id", name="pk_rights_transfer"),
        sa.UniqueConstraint("handle_hash", name="uq_rights_transfer_handle_hash"),
    )
    op.create_index("ix_rights_transfer_subject_id", "rights_transfer", ["subject_id"], unique=False)


def _breaches() -> None:
    op.add_column("breach_case", sa.Column("risk_since", WHEN, nullable=True))
    op.add_column("breach_case", sa.Column("tell_asked_at", WHEN, nullable=True))
    op.add_column("breach_case", sa.Column("tell_asked_by", sa.Uuid(), nullable=True))
    op.add_column("breach_case", sa.Column("told_by", sa.Uuid(), nullable=True))
    op.create_table(
        "breach_assessment",
        sa.Column("breach_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("affected", sa.Integer(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("weighed_by", sa.Uuid(), nullable=False),
        sa.Column("weighed_at", WHEN, nullable=False),
        sa.CheckConstraint("risk IN ('none', 'risk', 'high')", name="ck_breach_assessment_risk"),
        sa.CheckConstraint("affected >= 0", name="ck_breach_assessment_affected"),
        sa.PrimaryKeyConstraint("breach_id", "n", name="pk_breach_assessment"),
    )
    op.execute(  # what was weighed before is the first assessment of its case
        "INSERT INTO breach_assessment (breach_id, n, risk, affected, words, weighed_by, weighed_at) "
        "SELECT id, 1, risk, affected, assessment, opened_by, weighed_at FROM breach_case "
        "WHERE weighed_at IS NOT NULL AND affected IS NOT NULL AND assessment IS NOT NULL"
    )
    op.create_table(
        "breach_told",
        sa.Column("breach_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", WHEN, nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("breach_id", "subject_id", name="pk_breach_told"),
    )
    create_guards(op.get_bind(), ["breach_told"])
