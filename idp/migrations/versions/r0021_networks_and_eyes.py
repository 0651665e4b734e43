"""Questions to a register are counted by network; a first way in at a counter takes a second member of staff."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ACTS = "act IN ('recovery', 'expired_card', 'bedside', 'guardianship', 'first_way')"


def upgrade() -> None:
    """Expand: one nullable column, one word more; yesterday's code writes neither."""
    op.add_column("challenge", sa.Column("network", sa.Text(), nullable=True))
    with op.batch_alter_table("countersign") as table:
        table.drop_constraint("ck_countersign_act", type_="check")
        table.create_check_constraint("ck_countersign_act", ACTS)
