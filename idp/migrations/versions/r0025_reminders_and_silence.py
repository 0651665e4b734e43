"""Reminders are read in the order in which they fall due; holders that fall silent are noticed by their own rhythm."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: two indexes, a nullable column, a table; yesterday's code reads none of them."""
    op.create_index(
        "ix_consent_standing_given_moved_at",
        "consent_standing",
        ["moved_at"],
        unique=False,
        sqlite_where=sa.text("state = 'given'"),
        postgresql_where=sa.text("state = 'given'"),
    )
    op.create_index("ix_watch_reminded_reminded_at", "watch_reminded", ["reminded_at"], unique=False)
    op.add_column("watch_cursor", sa.Column("reminded_to", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "holder_rhythm",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("longest_s", sa.Integer(), nullable=False),
        sa.Column("before_s", sa.Integer(), nullable=False),
        sa.Column("silent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("longest_s >= 0 AND before_s >= 0", name="ck_holder_rhythm_spans"),
        sa.CheckConstraint("first_at <= last_at", name="ck_holder_rhythm_order"),
        sa.PrimaryKeyConstraint("holder", name="pk_holder_rhythm"),
    )
