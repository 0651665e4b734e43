"""Events reach a service in their order; a withdrawal is undone once, by a new consent; agreements are on file."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: one table, one index, one nullable column."""
    op.add_column("legal_entity", sa.Column("agreement", sa.Text(), nullable=True))
    op.create_index("ix_letter_of_client", "letter", ["client_id", "state", "id"], unique=False)
    op.create_table(
        "consent_undo",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name="pk_consent_undo"),
    )
    create_guards(op.get_bind(), ["consent_undo"])
