"""What the sandbox shows a developer of the last flows; in production the table stays empty."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: one new table."""
    op.create_table(
        "developer_exchange",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("flow_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("threads", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_developer_exchange"),
    )
    op.create_index("ix_developer_exchange_client_id_id", "developer_exchange", ["client_id", "id"], unique=False)
    op.create_index("ix_developer_exchange_flow_id_id", "developer_exchange", ["flow_id", "id"], unique=False)
