"""Levels that a client asks for at every sign-in, and the `acr` that a grant answers with."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: three nullable columns."""
    op.add_column("client", sa.Column("min_aal", sa.Text(), nullable=True))
    op.add_column("client", sa.Column("min_ial", sa.Text(), nullable=True))
    op.add_column("oauth_grant", sa.Column("acr", sa.Text(), nullable=True))
