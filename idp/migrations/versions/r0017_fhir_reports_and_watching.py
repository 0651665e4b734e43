"""What holders report, who a `sub` is, what people wish to be told, and how far the log has been watched."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: six tables; yesterday's code knows of none and needs none."""
    op.create_table(
        "holder_report",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("body_mac", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "report_id", name="pk_holder_report"),
    )
    op.create_index("ix_holder_report_holder_reported_at", "holder_report", ["holder", "reported_at"], unique=False)
    op.create_table(
        "known_as",
        sa.Column("sub_hash", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_known_as_subject_id"),
        sa.PrimaryKeyConstraint("sub_hash", name="pk_known_as"),
    )
    op.create_index("ix_known_as_subject_id", "known_as", ["subject_id"], unique=False)
    _watching()
    create_guards(op.get_bind(), ["holder_report"])


def _watching() -> None:
    """What people wish to be told of, and what they were told."""
    op.create_table(
        "watch_wish",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("reminders", sa.Boolean(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level IN ('emergency', 'first', 'all')", name="ck_watch_wish_level"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_watch_wish_subject_id"),
        sa.PrimaryKeyConstraint("subject_id", name="pk_watch_wish"),
    )
    op.create_table(
        "watch_seen",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_watch_seen_subject_id"),
        sa.PrimaryKeyConstraint("subject_id", "recipient_id", name="pk_watch_seen"),
    )
    op.create_table(
        "watch_cursor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_watch_cursor_one"),
        sa.PrimaryKeyConstraint("id", name="pk_watch_cursor"),
    )
    op.create_table(
        "watch_reminded",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_watch_reminded_subject_id"),
        sa.PrimaryKeyConstraint("subject_id", name="pk_watch_reminded"),
    )
