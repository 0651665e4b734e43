"""Where a service keeps what it receives, when that is not Thailand."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: two nullable columns."""
    op.add_column("client", sa.Column("xb_country", sa.Text(), nullable=True))
    op.add_column("client", sa.Column("xb_safeguard", sa.Text(), nullable=True))
