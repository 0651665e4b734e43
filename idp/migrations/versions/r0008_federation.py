"""Sign-ins at ThaID and LINE under way, linked LINE accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: two tables that yesterday's code does not know."""
    op.create_table(
        "upstream_attempt",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("aim", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("aim IN ('sign_in', 'prove', 'link')", name="ck_upstream_attempt_aim"),
        sa.CheckConstraint("provider IN ('thaid', 'line')", name="ck_upstream_attempt_provider"),
        sa.PrimaryKeyConstraint("state_hash", name="pk_upstream_attempt"),
    )
    op.create_index("ix_upstream_attempt_expires_at", "upstream_attempt", ["expires_at"], unique=False)
    op.create_table(
        "line_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("user_id", sa.LargeBinary(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_line_link_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_line_link"),
    )
    live = sa.text("removed_at IS NULL")
    for name, column in (("uq_line_link_person", "subject_id"), ("uq_line_link_user", "fingerprint")):
        op.create_index(name, "line_link", [column], unique=True, sqlite_where=live, postgresql_where=live)
