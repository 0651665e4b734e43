"""Codes beyond a day's eight wait longer and longer."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: two columns of the ledger; yesterday's code, which moves neither, stops at eight as it did."""
    op.add_column("send_ledger", sa.Column("over", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("send_ledger", sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True))
