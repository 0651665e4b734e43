"""Visits at a counter, the cards read there, launches of a clinician's application, and the workplace of a session."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: four tables and three nullable columns; yesterday's code knows of none and needs none."""
    op.add_column("sign_in_session", sa.Column("assignment_id", sa.Uuid(), nullable=True))
    op.add_column("oauth_grant", sa.Column("patient_id", sa.Uuid(), nullable=True))
    op.add_column("oauth_grant", sa.Column("visit_id", sa.Uuid(), nullable=True))
    op.create_index("ix_oauth_grant_visit_id", "oauth_grant", ["visit_id"], unique=False)
    op.create_table(
        "card_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_hash", sa.Text(), nullable=False),
        sa.Column("read_by", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_card_reading"),
    )
    op.create_index("ix_card_reading_expires_at", "card_reading", ["expires_at"], unique=False)
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("ial", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("method IN ('card')", name="ck_visit_method"),
        sa.CheckConstraint("ends_at > opened_at", name="ck_visit_order"),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ck_visit_ended"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_visit_subject_id"),
        sa.ForeignKeyConstraint(["hcode"], ["facility.hcode"], name="fk_visit_hcode"),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
    )
    op.create_index("ix_visit_hcode_opened_at", "visit", ["hcode", "opened_at"], unique=False)
    op.create_index(
        "uq_visit_open",
        "visit",
        ["subject_id", "hcode"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "launch_app",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("launch_uri", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_launch_app_client_id"),
        sa.PrimaryKeyConstraint("client_id", name="pk_launch_app"),
    )
    op.create_table(
        "launch_handle",
        sa.Column("handle_hash", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("made_for", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_launch_handle_visit_id"),
        sa.PrimaryKeyConstraint("handle_hash", name="pk_launch_handle"),
    )
    op.create_index("ix_launch_handle_expires_at", "launch_handle", ["expires_at"], unique=False)
