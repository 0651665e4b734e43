"""Where the roll-out stands, and since when a refusal in general stops all that a grant opens."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

SUSPENDED = sa.text("suspended_at IS NOT NULL")


def upgrade() -> None:
    """Expand: one nullable column, indexes, one table; without a row every province takes part."""
    op.add_column("oauth_grant", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_oauth_grant_patient_id", "oauth_grant", ["patient_id"], unique=False)
    op.create_index(
        "ix_oauth_grant_status_suspended",
        "oauth_grant",
        ["status_list", "suspended_at"],
        unique=False,
        sqlite_where=SUSPENDED,
        postgresql_where=SUSPENDED,
    )
    op.create_index("ix_facility_entity_province", "facility", ["legal_entity_id", "province"], unique=False)
    op.create_table(
        "roll_out",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roll_out"),
    )
    op.create_index("ix_roll_out_province_starts_at", "roll_out", ["province", "starts_at"], unique=False)
    create_guards(op.get_bind(), ["roll_out"])
