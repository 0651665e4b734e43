"""Emergencies, their reviews, launches without a visit, and consents that were signed on paper."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: a launch hangs on a visit or on an emergency; yesterday's code goes on writing visits."""
    _emergencies()
    _reviews()
    _papers()
    op.add_column("launch_app", sa.Column("emergency_uri", sa.Text(), nullable=True))
    op.add_column("oauth_grant", sa.Column("emergency_id", sa.Uuid(), nullable=True))
    op.create_index("ix_oauth_grant_emergency_id", "oauth_grant", ["emergency_id"], unique=False)
    with op.batch_alter_table("launch_handle") as launch:
        launch.alter_column("visit_id", existing_type=sa.Uuid(), nullable=True)
        launch.add_column(sa.Column("emergency_id", sa.Uuid(), nullable=True))
        launch.create_foreign_key("fk_launch_handle_emergency_id", "emergency_access", ["emergency_id"], ["id"])
        launch.create_check_constraint("ck_launch_handle_one", "(visit_id IS NULL) <> (emergency_id IS NULL)")
    create_guards(op.get_bind(), ["emergency_review", "paper_scan"])


def _moments(*names: str, nullable: bool) -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names)


def _emergencies() -> None:
    op.create_table(
        "emergency_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("identified_by", sa.Text(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        *_moments("named_at", "ended_at", nullable=True),
        *_moments("opened_at", "ends_at", "review_due_at", nullable=False),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('unconscious', 'confused', 'too_ill', 'child_alone', 'other')",
            name="ck_emergency_access_reason",
        ),
        sa.CheckConstraint("identified_by IN ('card', 'number')", name="ck_emergency_access_identified_by"),
        sa.CheckConstraint(
            "end_reason IN ('over', 'answers', 'wrong_person', 'stopped', 'lapsed')",
            name="ck_emergency_access_end_reason",
        ),
        sa.CheckConstraint("hours BETWEEN 1 AND 24", name="ck_emergency_access_hours"),
        sa.CheckConstraint("ends_at > opened_at", name="ck_emergency_access_order"),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ck_emergency_access_ended"),
        sa.CheckConstraint(
            "(patient_id IS NULL) = (named_at IS NULL) AND (patient_id IS NULL) = (record_id IS NULL)"
            " AND (patient_id IS NULL) = (identified_by IS NULL)",
            name="ck_emergency_access_named",
        ),
        sa.CheckConstraint("patient_id <> opened_by", name="ck_emergency_access_two_people"),
        sa.ForeignKeyConstraint(["hcode"], ["facility.hcode"], name="fk_emergency_access_hcode"),
        sa.ForeignKeyConstraint(["patient_id"], ["subject.id"], name="fk_emergency_access_patient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_emergency_access"),
    )
    for column in ("opened_by", "patient_id", "review_due_at"):
        op.create_index(f"ix_emergency_access_{column}", "emergency_access", [column], unique=False)


def _reviews() -> None:
    op.create_table(
        "emergency_review",
        sa.Column("emergency_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        *_moments("reviewed_at", nullable=False),
        sa.CheckConstraint("outcome IN ('justified', 'not_justified')", name="ck_emergency_review_outcome"),
        sa.CheckConstraint("reviewed_by <> opened_by", name="ck_emergency_review_two_people"),
        sa.ForeignKeyConstraint(["emergency_id"], ["emergency_access.id"], name="fk_emergency_review_emergency_id"),
        sa.PrimaryKeyConstraint("emergency_id", name="pk_emergency_review"),
    )


def _papers() -> None:
    op.create_table(
        "paper_scan",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("scan", sa.LargeBinary(), nullable=False),
        *_moments("entered_at", nullable=False),
        sa.CheckConstraint("signer IN ('self', 'parent', 'guardian', 'curator')", name="ck_paper_scan_signer"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_paper_scan_subject_id"),
        sa.ForeignKeyConstraint(["hcode"], ["facility.hcode"], name="fk_paper_scan_hcode"),
        sa.PrimaryKeyConstraint("record_id", name="pk_paper_scan"),
    )
    op.create_index("ix_paper_scan_subject_id", "paper_scan", ["subject_id"], unique=False)
