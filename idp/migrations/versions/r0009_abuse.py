"""Counters that guard codes over all processes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: three tables, and four columns of a challenge that yesterday's code need not know."""
    op.create_table(
        "tally",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "since", name="pk_tally"),
    )
    op.create_index("ix_tally_since", "tally", ["since"], unique=False)
    op.create_table(
        "alarm",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("until > raised_at", name="ck_alarm_order"),
        sa.PrimaryKeyConstraint("name", name="pk_alarm"),
    )
    op.create_table(
        "code_failures",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("device_hash", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("failures BETWEEN 0 AND 20", name="ck_code_failures_most"),
        sa.PrimaryKeyConstraint("fingerprint", "device_hash", name="pk_code_failures"),
    )
    op.add_column("challenge", sa.Column("digits", sa.Integer(), nullable=False, server_default="6"))
    op.add_column("challenge", sa.Column("device_hash", sa.Text(), nullable=True))
    op.add_column("challenge", sa.Column("hurdle", sa.Text(), nullable=True))
    op.add_column("challenge", sa.Column("route", sa.Text(), nullable=True))
